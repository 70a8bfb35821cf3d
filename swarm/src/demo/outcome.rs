//! What a passage came to, told the same way on the terminal and in the report.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::Mode;
use super::admin::Status;
use crate::tally::{Report, render};
use crate::view::say;

/// One passage, finished or given up.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    mode: &'static str,
    line: String,
    success: bool,
    /// Broker and fleet shared a core.
    cores_shared: bool,
    swarm: Report,
    edge: Status,
    #[serde(skip)]
    kind: Mode,
}

impl Outcome {
    pub(super) fn new(kind: Mode, swarm: Report, edge: Status, cores_shared: bool) -> Self {
        let mut outcome = Self {
            mode: kind.name(),
            line: String::new(),
            success: false,
            cores_shared,
            swarm,
            edge,
            kind,
        };
        outcome.line = outcome.line();
        outcome.success = outcome.is_success();
        outcome
    }

    pub(super) fn mode(&self) -> Mode {
        self.kind
    }

    /// The one line that says it all.
    pub(super) fn line(&self) -> String {
        let report = &self.swarm;
        let seconds = report.seconds.unwrap_or(report.load.seconds);
        format!(
            "{}/{} gateways back in {seconds:.1} s, level {}/{}, {} handshakes ({:.2} per gateway)",
            report.back,
            report.gateways,
            self.edge.level,
            self.edge.slices,
            report.counts.handshakes,
            report.handshakes_per_gateway
        )
    }

    /// What the way back cost.
    pub(super) fn price(&self) -> String {
        let counts = &self.swarm.counts;
        let settle = self.swarm.settle.map_or_else(
            || "nobody settled".to_owned(),
            |settle| {
                format!(
                    "first {:.1} s, p50 {:.1} s, p99 {:.1} s",
                    settle.first, settle.p50, settle.p99
                )
            },
        );
        format!(
            "{settle}; {} attempts, {} timeouts, {} who were back fell out again",
            counts.attempts,
            counts.timeouts.sum(),
            counts.drops
        )
    }

    /// The swarm counts what it completed, the edge what it completed: a gateway is done first in TLS 1.3, and may be
    /// gone when its last bytes arrive. What the swarm saw confirmed the edge must have counted, and it cannot have
    /// counted more than the swarm completed.
    fn counts_agree(&self) -> bool {
        let counts = &self.swarm.counts;
        (counts.handshakes_confirmed..=counts.handshakes).contains(&self.edge.handshakes.completed)
    }

    /// The fleet itself was too slow; on a shared core that is known beforehand and said so.
    pub(super) fn is_void(&self) -> bool {
        self.swarm.is_void() && !self.cores_shared
    }

    pub(super) fn is_success(&self) -> bool {
        let all_back = self.swarm.back == self.swarm.gateways;
        all_back && self.edge.is_fully_open() && self.counts_agree() && !self.is_void()
    }

    /// The page of figures and everything that is not as it should be.
    pub(super) fn explain(&self) {
        say(&self.page());
    }

    fn page(&self) -> String {
        let counts = &self.swarm.counts;
        let agree = if self.counts_agree() {
            "they agree"
        } else {
            "THEY DO NOT AGREE"
        };
        let mut page = format!(
            "\n{}, {}\n{}handshake counts    swarm {} ({} confirmed), edge {}: {agree}\n",
            self.mode,
            self.line(),
            render(&self.swarm),
            counts.handshakes,
            counts.handshakes_confirmed,
            self.edge.handshakes.completed
        );
        if !self.edge.is_fully_open() {
            page += "level               NOT FULLY OPEN\n";
        }
        if self.cores_shared {
            page += "VOID                broker and fleet shared one core\n";
        }
        page
    }

    /// `report.txt` and `report.json`.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let json = serde_json::to_string_pretty(self)? + "\n";
        for (name, content) in [("report.txt", self.page()), ("report.json", json)] {
            let path = folder.join(name);
            std::fs::write(&path, content)
                .with_context(|| format!("failed to write {}", path.display()))?;
            say(&format!("wrote {}", path.display()));
        }
        Ok(())
    }
}
