//! What is seen of the backend, and how well it is found to be.

use std::collections::HashMap;
use std::mem;
use std::time::{Duration, Instant};

use herdgate_admission::backend::{BackendJudge, BackendWindow};
use herdgate_admission::report::Verdict;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;
use tokio::task::Id;

/// Of one window after the other.
#[derive(Debug)]
pub(super) struct Pulse {
    window: BackendWindow,
    /// Requests that are not over, and since when.
    waiting: HashMap<Id, Instant>,
    judge: BackendJudge,
    told: watch::Sender<Verdict>,
    shown: Gauge,
}

impl Pulse {
    pub(super) fn new(judge: BackendJudge, shown: Gauge) -> (Self, watch::Receiver<Verdict>) {
        let (told, health) = watch::channel(Verdict::Good);
        let pulse = Self {
            window: BackendWindow::default(),
            waiting: HashMap::new(),
            judge,
            told,
            shown,
        };
        (pulse, health)
    }

    pub(super) fn asked(&mut self, request: Id) {
        self.waiting.insert(request, Instant::now());
    }

    pub(super) fn over(&mut self, request: Id, took: Duration, is_error: bool) {
        self.waiting.remove(&request);
        self.window.record(took, is_error);
    }

    /// By a fault of ours, which says nothing of the backend.
    pub(super) fn broken(&mut self, request: Id) {
        self.waiting.remove(&request);
    }

    pub(super) fn health(&self) -> Verdict {
        self.judge.verdict()
    }

    /// Ends a window.
    pub(super) fn judge(&mut self) {
        for since in self.waiting.values() {
            self.window.waiting.record(since.elapsed());
        }
        let before = self.health();
        let window = mem::take(&mut self.window);
        let now = self.judge.judge(&window);
        let (asked, errors) = (window.times.count(), window.errors);
        if now > before {
            tracing::warn!(health = ?now, asked, errors, "the HTTP backend for logins is not well");
        } else if now < before {
            tracing::info!(health = ?now, asked, errors, "the HTTP backend for logins is better");
        }
        self.shown.set(match now {
            Verdict::Good => 0,
            Verdict::Bad => 1,
            Verdict::Hard => 2,
        });
        self.told.send_replace(now);
    }
}
