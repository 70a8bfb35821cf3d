//! Who is still coming back, and how many may be at a time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use herdgate_admission::health::Signal;
use herdgate_admission::settle::{Settling, SubscribeGaps};
use herdgate_admission::settle_limit::SettleLimit;
use herdgate_admission::tuning::SettleTuning;

use super::sessions::SessionKey;
use super::{CoreSettings, Outbox, WorkerCore, WorkerIndex};
use crate::link::ToEdge;

#[derive(Debug)]
pub(super) struct SettleClock {
    /// `None`: nothing limits (modes `Open` and `DryRun`).
    limit: Option<SettleLimit>,
    settling: u32,
    tuning: SettleTuning,
    pub(super) gaps: SubscribeGaps,
    /// When to look at whom again: one entry for each settling session, and some of sessions that have ended.
    looks: BinaryHeap<Reverse<(Duration, SessionKey)>>,
}

impl SettleClock {
    pub(super) fn new(settings: &CoreSettings, index: WorkerIndex) -> Self {
        let share = |limit| share(limit, index, settings.workers);
        Self {
            limit: settings
                .settle_limit
                .map(|limit| SettleLimit::new(share(limit), settings.tuning)),
            settling: 0,
            tuning: settings.tuning.settle,
            gaps: SubscribeGaps::new(settings.tuning.settle),
            looks: BinaryHeap::new(),
        }
    }

    pub(super) fn has_place(&self) -> bool {
        self.settling < self.limit()
    }

    /// `resumed`: nothing is awaited of the client, so it may be settled a moment later.
    pub(super) fn begin(&mut self, key: SessionKey, resumed: bool, now: Duration) -> Settling {
        let settling = Settling::begin(now, &self.tuning);
        self.settling += 1;
        let look = if resumed {
            now + LEAST_PAUSE
        } else {
            settling.next_look(self.gaps.quiet(), now)
        };
        self.looks.push(Reverse((look, key)));
        settling
    }

    /// A session settled, or ended before.
    pub(super) fn end(&mut self) {
        self.settling -= 1;
    }

    pub(super) fn next_look(&self) -> Option<Duration> {
        self.looks.peek().map(|Reverse((at, _))| *at)
    }

    fn due(&mut self, now: Duration) -> Option<SessionKey> {
        self.looks.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.looks.pop().map(|Reverse((_, key))| key)
    }

    pub(super) fn settling(&self) -> u32 {
        self.settling
    }

    pub(super) fn limit(&self) -> u32 {
        self.limit.as_ref().map_or(u32::MAX, SettleLimit::limit)
    }

    /// Once a window.
    pub(super) fn adjust(&mut self, subacks: &Signal) {
        if let Some(limit) = &mut self.limit {
            limit.adjust(&subacks.times, subacks.oldest, self.settling);
        }
    }
}

/// The shares of all workers together are the limit; but each has one place, or its clients could never come back.
fn share(limit: u32, index: WorkerIndex, workers: u16) -> u32 {
    let workers = u32::from(workers.max(1));
    let remainder = u32::from(u32::from(index.0) < limit % workers);
    (limit / workers + remainder).max(1)
}

impl WorkerCore {
    /// Looks at all whose time has come.
    pub(super) fn settle(&mut self, now: Duration, out: &mut Outbox) {
        let usual = self.settle.gaps.quiet();
        while let Some(key) = self.settle.due(now) {
            let Some(seat) = self.sessions.get_mut(key) else {
                continue;
            };
            let Some(settling) = seat.settling.as_deref() else {
                continue;
            };
            let quiet = if seat.resumed { Duration::ZERO } else { usual };
            let has_all = seat.replays.is_none() && seat.session.outbound.is_idle();
            if settling.is_settled(has_all, quiet, now) {
                seat.settling = None;
                if let Some((link, stream)) = seat.stream() {
                    out.to_links.push((link, ToEdge::Settled { stream }));
                }
                self.settle.end();
            } else {
                // never now again, or this would not end
                let next = settling.next_look(quiet, now).max(now + LEAST_PAUSE);
                self.settle.looks.push(Reverse((next, key)));
            }
        }
    }
}

/// Between two looks at one session.
const LEAST_PAUSE: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quiet_time_is_the_configured_one() {
        let mut settings = CoreSettings::default();
        settings.tuning.settle.most_quiet = Duration::from_secs(3);
        settings.tuning.settle.within = Duration::from_secs(2);
        let clock = SettleClock::new(&settings, WorkerIndex(0));
        let quiet = clock.gaps.quiet();
        assert_eq!(quiet, Duration::from_secs(3));
        let settling = Settling::begin(Duration::ZERO, &clock.tuning);
        let next = settling.next_look(quiet, Duration::ZERO);
        assert_eq!(next, Duration::from_secs(2));
    }

    #[test]
    fn workers_share_the_limit() {
        let shares = |limit, workers| -> Vec<u32> {
            (0..workers)
                .map(|index| share(limit, WorkerIndex(index), workers))
                .collect()
        };
        assert_eq!(shares(1_000, 1), [1_000]);
        assert_eq!(shares(10, 4), [3, 3, 2, 2]);
        assert_eq!(shares(8, 8), [1; 8]);
        // fewer places than workers
        assert_eq!(shares(1, 3), [1; 3]);
    }
}
