//! How a run goes, for programs that watch it: a JSON line for each change and each half second.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

use crate::fleet::Snapshot;

/// Between two lines of the same stage.
const EVERY: Duration = Duration::from_millis(500);

/// Where the run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum At {
    BringUp,
    /// All are up; whoever restarts the server may do so.
    Up,
    Ramp,
    /// All are back.
    Back,
    /// The time is over, and not all are.
    GivenUp,
}

/// Writes the lines; does nothing without a file.
#[derive(Debug, Default)]
pub(crate) struct Events(Option<RefCell<Writing>>);

#[derive(Debug)]
struct Writing {
    file: File,
    last: Option<(Instant, At)>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    at: At,
    /// Since the beginning, or since the restart.
    seconds: f64,
    settled: u32,
    gateways: u32,
    attempts: u64,
    handshakes: u64,
    drops: u64,
}

impl Events {
    pub(crate) fn to(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self(None));
        };
        let file =
            File::create(path).with_context(|| format!("failed to write {}", path.display()))?;
        Ok(Self(Some(RefCell::new(Writing { file, last: None }))))
    }

    pub(crate) fn note(&self, at: At, snapshot: &Snapshot<'_>) {
        let Some(writing) = &self.0 else { return };
        let mut writing = writing.borrow_mut();
        let too_soon = |(when, was): (Instant, At)| was == at && when.elapsed() < EVERY;
        if writing.last.is_some_and(too_soon) {
            return;
        }
        writing.last = Some((Instant::now(), at));
        let line = Line {
            at,
            seconds: snapshot.elapsed.as_secs_f64(),
            settled: snapshot.settled,
            gateways: snapshot.gateways,
            attempts: snapshot.counts.attempts,
            handshakes: snapshot.counts.handshakes,
            drops: snapshot.counts.drops,
        };
        if let Ok(text) = serde_json::to_string(&line) {
            // who watches is gone: no reason to stop a measurement
            _ = writeln!(writing.file, "{text}");
        }
    }
}
