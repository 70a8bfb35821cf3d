//! When a client that came back is done coming back.

use std::time::Duration;

use crate::times::Times;

/// A client is settling no longer than this, whatever it does.
pub const SETTLES_WITHIN: Duration = Duration::from_secs(20);
/// The quiet time is at least this: shorter pauses are the network's.
const QUIET_LEAST: Duration = Duration::from_millis(250);
/// And at most this: a settled client must not hold its place long.
const QUIET_MOST: Duration = Duration::from_secs(2);
/// Usual gaps without a SUBSCRIBE after which a client has sent its last.
const QUIET_GAPS: u32 = 4;
/// Fewer gaps than this do not make a usual one.
const ENOUGH_GAPS: u64 = 20;
/// So many gaps are remembered before the older half is forgotten: the last few hundred clients.
const FADE_AT: u64 = 8_192;

/// One session between its CONNACK and being settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    since: Duration,
    last_subscribe: Duration,
}

impl Settling {
    /// At CONNACK.
    pub fn begin(now: Duration) -> Self {
        Self {
            since: now,
            last_subscribe: now,
        }
    }

    /// The client sent a SUBSCRIBE.
    pub fn subscribe(&mut self, gaps: &mut SubscribeGaps, now: Duration) {
        gaps.record(now.saturating_sub(self.last_subscribe));
        self.last_subscribe = now;
    }

    /// `delivered`: the messages queued for it have been delivered.
    pub fn is_settled(&self, delivered: bool, quiet: Duration, now: Duration) -> bool {
        let is_quiet = now.saturating_sub(self.last_subscribe) >= quiet;
        (is_quiet && delivered) || now.saturating_sub(self.since) >= SETTLES_WITHIN
    }

    /// When it is worth asking again, if no SUBSCRIBE comes.
    pub fn next_look(&self, quiet: Duration, now: Duration) -> Duration {
        let quiet_at = self.last_subscribe + quiet;
        let end = self.since + SETTLES_WITHIN;
        if quiet_at > now {
            quiet_at.min(end)
        } else {
            (now + QUIET_LEAST).min(end)
        }
    }
}

/// The fleet's gaps between CONNACK and SUBSCRIBE, and between one SUBSCRIBE and the next.
#[derive(Clone, Debug, Default)]
pub struct SubscribeGaps {
    gaps: Times,
}

impl SubscribeGaps {
    pub fn record(&mut self, gap: Duration) {
        self.gaps.record(gap);
        if self.gaps.count() >= FADE_AT {
            self.gaps.fade();
        }
    }

    /// How long a client must have sent no SUBSCRIBE to be settled.
    pub fn quiet(&self) -> Duration {
        let usual = if self.gaps.count() < ENOUGH_GAPS {
            None
        } else {
            self.gaps.percentile(50)
        };
        usual.map_or(QUIET_MOST, |gap| {
            (gap * QUIET_GAPS).clamp(QUIET_LEAST, QUIET_MOST)
        })
    }
}
