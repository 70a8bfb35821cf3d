//! How many may be entering at one edge: let in, CONNACK not yet sent.

use std::time::Duration;

/// Fewer would leave the way in idle between two round trips of a far client.
pub(crate) const LEAST: u32 = 4;
/// Before anything is known: small enough that even slow logins stay within the patience.
pub(crate) const FIRST: u32 = 64;
/// The time to CONNACK aimed at, as a part of the patience: far enough from giving up for the slowest twentieth.
const TARGET_PARTS: u32 = 5;
/// The limit has no bearing on the time to CONNACK unless this much of it was used.
const USED_PERCENT: u64 = 70;
/// A limit is not halved again before the shard's next window has shown what halving did.
const HALVE_EVERY: Duration = Duration::from_secs(1);

/// What one period showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
    /// 95th percentile of the times to CONNACK, the oldest waiter included.
    pub(crate) measured: Option<Duration>,
    /// The most that were entering at a time.
    pub(crate) peak: u32,
    pub(crate) may_grow: bool,
}

/// The controller of one edge's entering limit.
#[derive(Clone, Debug)]
pub(crate) struct EnteringLimit {
    target: Duration,
    cap: u32,
    limit: u32,
    last_good: Option<u32>,
    overshot: bool,
    halved_at: Option<Duration>,
}

impl EnteringLimit {
    /// `cap`: never more than this, whatever the law says, even when it is under [`LEAST`].
    pub(crate) fn new(patience: Duration, cap: Option<u32>) -> Self {
        let cap = cap.unwrap_or(u32::MAX);
        let target = patience / TARGET_PARTS;
        Self {
            target,
            cap,
            limit: FIRST.min(cap),
            last_good: None,
            overshot: false,
            halved_at: None,
        }
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    pub(crate) fn target(&self) -> Duration {
        self.target
    }

    pub(crate) fn is_capped(&self) -> bool {
        self.limit >= self.cap
    }

    /// Another reopening begins: what was good may no longer be.
    pub(crate) fn restart(&mut self) {
        self.overshot = false;
        self.set(self.last_good.map_or(FIRST, |good| good / 2));
    }

    /// Once per period.
    pub(crate) fn adjust(&mut self, period: Period) {
        let Some(measured) = period.measured else {
            return;
        };
        let used = u64::from(period.peak) * 100 >= u64::from(self.limit) * USED_PERCENT;
        if measured > self.target {
            self.overshot = true;
            self.set(self.shrunk(measured));
        } else if used {
            self.last_good = Some(self.limit);
            if period.may_grow && measured < self.target / 2 {
                self.set(self.grown());
            }
        }
    }

    /// The shards are bad: at most once per window. `false`: not yet again.
    pub(crate) fn halve(&mut self, now: Duration) -> bool {
        let due = self
            .halved_at
            .is_none_or(|at| now.saturating_sub(at) >= HALVE_EVERY);
        if due {
            self.halved_at = Some(now);
            self.overshot = true;
            self.set(self.limit / 2);
        }
        due
    }

    fn grown(&self) -> u32 {
        if self.overshot {
            self.limit.saturating_add(self.limit / 4 + 1)
        } else {
            self.limit.saturating_mul(2)
        }
    }

    fn shrunk(&self, measured: Duration) -> u32 {
        let scaled = u128::from(self.limit) * self.target.as_micros() / measured.as_micros().max(1);
        u32::try_from(scaled)
            .unwrap_or(self.limit)
            .max(self.limit / 2)
    }

    fn set(&mut self, limit: u32) {
        self.limit = limit.max(LEAST).min(self.cap);
    }
}
