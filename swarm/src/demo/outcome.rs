//! What a passage came to, told the same way on the terminal and in the report.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::Mode;
use super::usage::Usage;
use crate::status::Status;
use crate::tally::{Report, render};
use crate::view::say;

/// What a passage was measured by.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) swarm: Report,
    pub(super) edge: Status,
    /// Absent where the kernel does not tell.
    #[serde(rename = "broker")]
    pub(super) usage: Option<Usage>,
}

/// One passage, finished or given up.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    mode: &'static str,
    line: String,
    success: bool,
    /// Broker and fleet shared a core.
    cores_shared: bool,
    #[serde(flatten)]
    measured: Measured,
    #[serde(skip)]
    kind: Mode,
}

impl Outcome {
    pub(super) fn new(kind: Mode, measured: Measured, cores_shared: bool) -> Self {
        let mut outcome = Self {
            mode: kind.name(),
            line: String::new(),
            success: false,
            cores_shared,
            measured,
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
        let report = &self.measured.swarm;
        let seconds = report.seconds.unwrap_or(report.load.seconds);
        format!(
            "{}/{} gateways back in {seconds:.1} s, level {}/{}, {} handshakes ({:.2} per gateway)",
            report.back,
            report.gateways,
            self.measured.edge.level,
            self.measured.edge.slices,
            report.counts.handshakes,
            report.handshakes_per_gateway
        )
    }

    /// What the way back cost.
    pub(super) fn price(&self) -> String {
        let counts = &self.measured.swarm.counts;
        let settle = self.measured.swarm.settle.map_or_else(
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
        let counts = &self.measured.swarm.counts;
        (counts.handshakes_confirmed..=counts.handshakes)
            .contains(&self.measured.edge.handshakes.completed)
    }

    /// The fleet itself was too slow; on a shared core that is known beforehand and said so.
    pub(super) fn is_void(&self) -> bool {
        self.measured.swarm.is_void() && !self.cores_shared
    }

    pub(super) fn is_success(&self) -> bool {
        let all_back = self.measured.swarm.back == self.measured.swarm.gateways;
        all_back && self.measured.edge.is_fully_open() && self.counts_agree() && !self.is_void()
    }

    /// The page of figures and everything that is not as it should be.
    pub(super) fn explain(&self) {
        say(&self.page());
    }

    fn page(&self) -> String {
        let counts = &self.measured.swarm.counts;
        let agree = if self.counts_agree() {
            "they agree"
        } else {
            "THEY DO NOT AGREE"
        };
        let mut page = format!(
            "\n{}, {}\n{}handshake counts    swarm {} ({} confirmed), edge {}: {agree}\n",
            self.mode,
            self.line(),
            render(&self.measured.swarm),
            counts.handshakes,
            counts.handshakes_confirmed,
            self.measured.edge.handshakes.completed
        );
        if let Some(usage) = &self.measured.usage {
            page += &usage.line();
            page.push('\n');
        }
        if !self.measured.edge.is_fully_open() {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::gateway::{Failure, Milestone};
    use crate::meter::Load;
    use crate::status::Handshakes;
    use crate::tally::{Expectations, Heading, Tally, Verdict};
    use crate::timeline::Timeline;

    /// Two gateways fell and came back with one handshake each; the edge counted `completed`.
    fn outcome(completed: u64, change: impl FnOnce(&mut Measured)) -> Outcome {
        let mut tally = Tally::new([2], Duration::ZERO);
        for gateway in 0..2 {
            tally.mark(Duration::ZERO, gateway, Milestone::Back);
        }
        tally.begin(Duration::from_secs(10));
        for gateway in 0..2 {
            let at = Duration::from_secs(11);
            tally.mark(at, gateway, Milestone::Dropped(Failure::Closed));
            for milestone in [
                Milestone::Handshake { certificate: 0 },
                Milestone::HandshakeConfirmed,
                Milestone::Back,
            ] {
                tally.mark(at + Duration::from_secs(1), gateway, milestone);
            }
        }
        let swarm = tally.report(Heading {
            scenario: "demo",
            target: "there",
            ranges: vec!["north"],
            load: Load::default(),
            patience: Duration::from_secs(5),
            bring_up: None,
            probe: None,
            cloud: None,
            timeline: Timeline::default(),
            expectations: Expectations::default(),
        });
        let edge = Status {
            level: 256,
            slices: 256,
            handshakes: Handshakes {
                completed,
                ..Handshakes::default()
            },
            ..Status::default()
        };
        let mut measured = Measured {
            swarm,
            edge,
            usage: None,
        };
        change(&mut measured);
        Outcome::new(Mode::Staged, measured, false)
    }

    #[test]
    fn the_line_says_it_all() {
        let outcome = outcome(2, |_| ());
        let line = "2/2 gateways back in 2.0 s, level 256/256, 2 handshakes (1.00 per gateway)";
        assert_eq!(outcome.line(), line);
        assert!(outcome.is_success());
        assert!(
            outcome
                .page()
                .contains("swarm 2 (2 confirmed), edge 2: they agree")
        );
    }

    #[test]
    fn counts_that_differ_are_no_success() {
        for completed in [1, 3] {
            let outcome = outcome(completed, |_| ());
            assert!(!outcome.is_success());
            assert!(outcome.page().contains("THEY DO NOT AGREE"));
        }
        let unconfirmed = outcome(1, |measured| measured.swarm.counts.handshakes_confirmed = 1);
        assert!(
            unconfirmed.is_success(),
            "a gateway gave up before the edge was done"
        );
    }

    #[test]
    fn a_closed_slice_a_missing_gateway_and_a_slow_swarm_are_no_success() {
        assert!(!outcome(2, |measured| measured.edge.level = 255).is_success());
        assert!(!outcome(2, |measured| measured.swarm.back = 1).is_success());
        let void = Verdict::Void {
            reasons: vec!["slow".into()],
        };
        assert!(!outcome(2, |measured| measured.swarm.verdict = void).is_success());
    }

    #[test]
    fn the_report_names_what_others_read() {
        let json = serde_json::to_value(outcome(2, |_| ())).unwrap();
        for pointer in [
            "/line",
            "/success",
            "/swarm/counts/handshakes",
            "/edge/handshakes/completed",
        ] {
            assert!(json.pointer(pointer).is_some(), "{pointer} in {json}");
        }
    }
}
