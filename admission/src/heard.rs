//! What an edge has heard of the shards, and through them of the other edges.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::advance::Door;
use crate::backend::SIGNAL;
use crate::report::{EdgeId, EdgeReport, ReopeningNumber, ShardReport, Verdict};

/// The last report of each shard.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// See [`crate::tuning::HearingTuning`].
    silent_after: Duration,
    shards: BTreeMap<u32, (Duration, ShardReport)>,
}

/// The shards' health, or that of the edges' backends, as far as all entering and the level follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// No shard at this reopening was heard.
    Silent,
    Good,
    /// Half or more are at least bad; the signal of the worst.
    Bad(String),
    /// Half or more are hard.
    Hard(String),
}

impl Health {
    /// Half or more decide.
    fn of(verdicts: &[Verdict], signal: impl FnOnce() -> String) -> Self {
        let at_least = |verdict| verdicts.iter().filter(|each| **each >= verdict).count();
        match verdicts.len() {
            0 => Self::Silent,
            all if at_least(Verdict::Hard) * 2 >= all => Self::Hard(signal()),
            all if at_least(Verdict::Bad) * 2 >= all => Self::Bad(signal()),
            _ => Self::Good,
        }
    }

    /// Of the backends that edges ask about logins.
    pub(crate) fn of_backends(verdicts: impl Iterator<Item = Verdict>) -> Self {
        let verdicts: Vec<_> = verdicts.collect();
        Self::of(&verdicts, || SIGNAL.to_owned())
    }

    pub(crate) fn or_worse(self, other: &Self) -> Self {
        if other.rank() > self.rank() {
            other.clone()
        } else {
            self
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Bad(_) => 1,
            Self::Hard(_) => 2,
            Self::Silent => 3,
        }
    }
}

impl Heard {
    pub(crate) fn new(silent_after: Duration) -> Self {
        Self {
            silent_after,
            shards: BTreeMap::new(),
        }
    }

    pub(crate) fn hear(&mut self, report: ShardReport, now: Duration) {
        self.shards.insert(report.shard, (now, report));
    }

    pub(crate) fn lost(&mut self, shard: u32) {
        self.shards.remove(&shard);
    }

    /// Shards that are at this reopening. One that has just started is not yet: it knows nothing of the level, and
    /// letting clients in would be work for nothing.
    pub(crate) fn live(
        &self,
        reopening: ReopeningNumber,
        now: Duration,
    ) -> impl Iterator<Item = &ShardReport> {
        let serving = reopening != ReopeningNumber::default();
        self.shards
            .values()
            .filter(move |(_, report)| serving && report.reopening == reopening)
            .filter(move |(at, _)| now.saturating_sub(*at) <= self.silent_after)
            .map(|(_, report)| report)
    }

    pub(crate) fn health(&self, reopening: ReopeningNumber, now: Duration) -> Health {
        let live: Vec<_> = self.live(reopening, now).collect();
        let verdicts: Vec<_> = live.iter().map(|report| report.verdict).collect();
        Health::of(&verdicts, || {
            let worst = live.iter().max_by_key(|report| report.verdict);
            worst
                .and_then(|report| report.signal.clone())
                .unwrap_or_else(|| "shard".to_owned())
        })
    }

    /// What makes half or more of the shards slow, although they are well.
    pub(crate) fn slowed(&self, reopening: ReopeningNumber, now: Duration) -> Option<&str> {
        let (all, slowed) = self
            .live(reopening, now)
            .map(|shard| shard.signal.as_deref())
            .fold((0, Vec::new()), |(all, mut slowed), signal| {
                slowed.extend(signal);
                (all + 1, slowed)
            });
        slowed.first().copied().filter(|_| slowed.len() * 2 >= all)
    }

    /// Whether clients wait for a shard because of its settle limit.
    pub(crate) fn settling_is_full(&self, reopening: ReopeningNumber, now: Duration) -> bool {
        self.live(reopening, now)
            .any(|shard| shard.attaching > 0 && shard.settling >= shard.settle_limit)
    }

    /// The freshest report of each other edge at this reopening.
    pub(crate) fn others(
        &self,
        own: &EdgeId,
        reopening: ReopeningNumber,
        now: Duration,
    ) -> BTreeMap<EdgeId, EdgeReport> {
        let mut freshest: BTreeMap<EdgeId, (Duration, EdgeReport)> = BTreeMap::new();
        for (at, shard) in self.shards.values() {
            for edge in shard
                .edges
                .iter()
                .filter(|edge| edge.edge != *own && edge.reopening == reopening)
            {
                let age = now.saturating_sub(*at) + Duration::from_millis(u64::from(edge.age_ms));
                let fresher = freshest
                    .get(&edge.edge)
                    .is_none_or(|(known, _)| age < *known);
                if age <= self.silent_after && fresher {
                    freshest.insert(edge.edge.clone(), (age, edge.clone()));
                }
            }
        }
        freshest
            .into_iter()
            .map(|(id, (_, report))| (id, report))
            .collect()
    }
}

/// The door of several edges together.
pub(crate) fn sum<'a>(reports: impl Iterator<Item = &'a EdgeReport>) -> Door {
    reports.fold(Door::default(), |sum, report| Door {
        waiting: sum.waiting + u64::from(report.door),
        free: sum.free + u64::from(report.free_places),
        limit: sum.limit + u64::from(report.entering_limit),
    })
}
