//! One shard: the library's admission and health, the attach queue, who is settling.

use std::collections::VecDeque;
use std::time::Duration;

use super::client::Try;
use super::moment::Moment;
use super::scenario::{Law, Scenario};
use crate::health::{HealthJudge, Window};
use crate::report::{ReopeningNumber, Verdict};
use crate::settle::SubscribeGaps;
use crate::settle_limit::SettleLimit;
use crate::shard::{ShardAdmission, ShardCounts};
use crate::tuning::{HearingTuning, Tuning};

/// As often as a real one samples its workers' lag.
pub(super) const PROBE_EVERY: Moment = 40_000_000;

pub(super) struct Shard {
    pub(super) alive: bool,
    pub(super) boot: u64,
    pub(super) admission: ShardAdmission,
    judge: HealthJudge,
    pub(super) window: Window,
    pub(super) settling: u32,
    pub(super) connected: u32,
    pub(super) attaching: VecDeque<Try>,
    pub(super) gaps: SubscribeGaps,
    /// Only this library's law has one.
    settle_limit: Option<SettleLimit>,
    /// As last told to the edges.
    pub(super) reported: (ReopeningNumber, Verdict),
}

impl Shard {
    pub(super) fn new(scenario: &Scenario, number: u16, boot: u64) -> Self {
        let cap = scenario.capacity.settle_limit;
        Self {
            alive: true,
            boot,
            admission: ShardAdmission::new(u32::from(number), boot, HearingTuning::default()),
            judge: HealthJudge::default(),
            window: Window::default(),
            settling: 0,
            connected: 0,
            attaching: VecDeque::new(),
            gaps: SubscribeGaps::default(),
            settle_limit: (scenario.law == Law::Staged)
                .then(|| SettleLimit::new(cap, Tuning::default())),
            reported: (ReopeningNumber::default(), Verdict::Good),
        }
    }

    pub(super) fn probed(&mut self, wait: Duration) {
        self.window.queue_wait.times.record(wait);
        self.window.runtime_lag.times.record(wait);
    }

    /// `oldest`: how long the one has waited that waits longest for an answer, and for a SUBACK.
    pub(super) fn judge(&mut self, oldest: (Duration, Duration)) {
        let mut window = std::mem::take(&mut self.window);
        window.queue_wait.oldest = Some(oldest.0);
        window.suback.oldest = Some(oldest.1);
        self.judge.judge(&window);
        if let Some(limit) = &mut self.settle_limit {
            limit.adjust(&window.suback.times, window.suback.oldest, self.settling);
        }
    }

    pub(super) fn settle_limit(&self) -> u32 {
        self.settle_limit
            .as_ref()
            .map_or(u32::MAX, SettleLimit::limit)
    }

    pub(super) fn counts(&self) -> ShardCounts {
        ShardCounts {
            verdict: self.judge.verdict(),
            signal: self.judge.signal().map(str::to_owned),
            connected: self.connected,
            settling: self.settling,
            settle_limit: self.settle_limit(),
            attaching: u32::try_from(self.attaching.len()).unwrap_or(u32::MAX),
            ..ShardCounts::default()
        }
    }
}
