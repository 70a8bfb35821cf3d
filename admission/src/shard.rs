//! One shard process's part in admission: it numbers reopenings, remembers the level, and lets edges hear each other.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::progress::{Action, ClientAddresses, GateMode, Steer, Steered};
use crate::report::{
    EdgeId, EdgeReport, LastGood, ReopeningNumber, ShardBoot, ShardReport, Steering, Trigger,
    Verdict,
};
use crate::steering::{NotSteered, Standing};
use crate::tuning::HearingTuning;

/// More edges than any cluster has; a peer that invents names cannot take more memory than this.
const MOST_EDGES: usize = 1_024;

/// How a shard feels, what its workers count together, and what it keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardCounts {
    pub verdict: Verdict,
    /// The signal behind `verdict`.
    pub signal: Option<String>,
    pub connected: u32,
    pub settling: u32,
    pub settle_limit: u32,
    /// Clients in the attach queue.
    pub attaching: u32,
    pub last_good: LastGood,
    pub addresses: ClientAddresses,
}

/// One shard process's admission; owned by its control thread.
#[derive(Debug)]
pub struct ShardAdmission {
    shard: u32,
    boot_epoch: u64,
    hearing: HearingTuning,
    /// 0: no edge was heard yet, nothing is served.
    reopening: ReopeningNumber,
    trigger: Trigger,
    steering: Steering,
    /// Known from before this start; the next one is higher.
    stored: ReopeningNumber,
    patience_ms: u32,
    level: u32,
    first_heard: Option<Duration>,
    edges: BTreeMap<EdgeId, (Duration, EdgeReport)>,
}

impl ShardAdmission {
    /// `boot_epoch`: chosen at the shard's start.
    pub fn new(shard: u32, boot_epoch: u64, hearing: HearingTuning) -> Self {
        Self {
            shard,
            boot_epoch,
            hearing,
            reopening: ReopeningNumber::default(),
            trigger: Trigger::None,
            steering: Steering::default(),
            stored: ReopeningNumber::default(),
            patience_ms: 0,
            level: 0,
            first_heard: None,
            edges: BTreeMap::new(),
        }
    }

    /// What is known from before this start: the highest reopening number, and the patience in milliseconds (0: none).
    pub fn restore(&mut self, number: ReopeningNumber, patience_ms: u32) {
        self.stored = self.stored.max(number);
        self.patience_ms = patience_ms;
    }

    /// An edge's report arrived. `true`: the reopening, the level or how it is steered is another; report to all edges
    /// now.
    pub fn hear(&mut self, report: EdgeReport, now: Duration) -> bool {
        let before = (self.reopening, self.level, self.steering);
        let started = *self.first_heard.get_or_insert(now);
        let starting = now.saturating_sub(started) <= self.hearing.start_phase;
        if self.is_from_before(&report, starting) {
            let known = report.reopening.max(self.stored);
            let trigger = if known == ReopeningNumber::default() {
                Trigger::Start
            } else {
                Trigger::Restart
            };
            self.reopen(ReopeningNumber(known.0.saturating_add(1)), trigger);
        } else if report.reopening > self.reopening {
            self.reopen(report.reopening, report.trigger);
            self.level = report.level;
            self.steering = report.steering;
        } else if report.reopening == self.reopening {
            self.level = self.level.max(report.level);
            self.steering.adopt(report.steering);
        }
        self.remember(report, now);
        before != (self.reopening, self.level, self.steering)
    }

    /// By hand; on success report to all edges now. The shard knows neither the mode of its edges nor their slices: what
    /// is no action for them they refuse.
    pub fn steer(&mut self, mode: GateMode, steer: Steer) -> Result<Steered, NotSteered> {
        let standing = Standing {
            mode,
            has_reopening: self.reopening != ReopeningNumber::default(),
            level: self.level,
            slices: None,
            next_end: self.level,
        };
        standing.check(steer)?;
        if steer.action == Action::Reopen {
            let next = self.reopening.max(self.stored).0.saturating_add(1);
            self.reopen(ReopeningNumber(next), Trigger::Manual);
        } else {
            self.steering = self.steering.steered(steer, &standing)?;
        }
        Ok(Steered {
            reopening: self.reopening.0,
            revision: self.steering.revision,
            paused: self.steering.paused,
            at_least: self.steering.at_least,
            stopped: self.steering.stopped,
        })
    }

    fn reopen(&mut self, number: ReopeningNumber, trigger: Trigger) {
        self.reopening = number;
        self.trigger = trigger;
        self.steering = Steering::default();
        self.level = 0;
    }

    /// What edges have learned of the patience, in milliseconds; 0: nothing yet.
    pub fn patience_ms(&self) -> u32 {
        self.patience_ms
    }

    pub fn reopening(&self) -> ReopeningNumber {
        self.reopening
    }

    /// The entering limits of all edges heard together.
    pub fn entering(&self) -> u32 {
        let limits = self.edges.values().map(|(_, edge)| edge.entering_limit);
        limits.fold(0, u32::saturating_add)
    }

    /// The highest level heard for the reopening.
    pub fn level(&self) -> u32 {
        self.level
    }

    /// What edges are told four times a second.
    pub fn report(&mut self, counts: ShardCounts, now: Duration) -> ShardReport {
        let forget_after = self.hearing.forget_edge_after;
        self.edges
            .retain(|_, (heard, _)| now.saturating_sub(*heard) <= forget_after);
        let learned = self.edges.values().map(|(_, edge)| edge.patience_ms);
        self.patience_ms = median(learned.filter(|millis| *millis > 0)).unwrap_or(self.patience_ms);
        ShardReport {
            shard: self.shard,
            boot_epoch: self.boot_epoch,
            reopening: self.reopening,
            level: self.level,
            trigger: self.trigger,
            steering: self.steering,
            patience_ms: self.patience_ms,
            verdict: counts.verdict,
            signal: counts.signal,
            connected: counts.connected,
            settling: counts.settling,
            settle_limit: counts.settle_limit,
            attaching: counts.attaching,
            last_good: counts.last_good,
            addresses: counts.addresses,
            edges: self
                .edges
                .values()
                .map(|(heard, report)| aged(report, now.saturating_sub(*heard)))
                .collect(),
        }
    }

    /// Whether the number is one that an edge brings along from before this shard's start, whose sessions are gone.
    /// The first report of all starts a reopening in any case. An edge that had joined this shard and now has a higher
    /// number has heard of another shard's reopening, and this shard joins it too; one that had not, however late it
    /// comes, would open everything with its level.
    fn is_from_before(&self, report: &EdgeReport, starting: bool) -> bool {
        let nothing_served = self.reopening == ReopeningNumber::default();
        let own = ShardBoot {
            shard: self.shard,
            boot_epoch: self.boot_epoch,
        };
        let served_elsewhere = report.level > 0 && !report.joined.contains(&own);
        let outbids = report.reopening > self.reopening;
        let may_be_ours = starting && report.reopening == self.reopening;
        nothing_served || (served_elsewhere && (outbids || may_be_ours))
    }

    fn remember(&mut self, report: EdgeReport, now: Duration) {
        if self.edges.len() < MOST_EDGES || self.edges.contains_key(&report.edge) {
            self.edges.insert(report.edge.clone(), (now, report));
        }
    }
}

/// Of an even number the lower of the two in the middle.
pub(crate) fn median(values: impl Iterator<Item = u32>) -> Option<u32> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    let middle = values.len().checked_sub(1)? / 2;
    values.get(middle).copied()
}

fn aged(report: &EdgeReport, age: Duration) -> EdgeReport {
    let age_ms = u32::try_from(age.as_millis()).unwrap_or(u32::MAX);
    EdgeReport {
        age_ms: report.age_ms.saturating_add(age_ms),
        ..report.clone()
    }
}
