//! Short pauses of a busy thread before it looks at its sockets again, so that one look finds more.
//!
//! Under load a thread that looks as soon as it can finds one packet at each look, and pays for the look, for the wake-up
//! of whoever takes the packet and for a write that carries it alone. A pause shares these among all that came meanwhile:
//! what network cards do with their interrupts. It is made only while pauses prove to bring something, so that a client
//! alone with the broker never waits for one.

use std::time::Duration;

/// How long a pause is; the kernel may make it half as much again. Enough to share a look among several at ten thousand
/// packets a second, and unseen beside the way to a client.
pub(super) const PAUSE: Duration = Duration::from_micros(100);
/// Pieces of work that a pause must bring on average: below it the pause costs as much as it saves.
const WORTH: u32 = 3;
/// Pieces above the average that are remembered: the last of a burst bring little, and the next burst is near.
const CREDIT: u32 = 32;
/// Looks without a pause when pauses were not worth it, doubled each time: the first pauses of a rush come soon after its
/// beginning, and who never needs one has a handful in a second at most.
const REST: u32 = 64;
const LONGEST_REST: u32 = 16 * 1024;

/// When one thread pauses.
#[derive(Debug)]
pub(super) struct Gather {
    paused: bool,
    credit: u32,
    /// The last rest.
    rest: u32,
    /// Looks until the next pause is tried.
    left: u32,
}

impl Gather {
    pub(super) const fn new() -> Self {
        Self {
            paused: false,
            credit: 0,
            rest: 0,
            left: 0,
        }
    }

    /// Whether the thread pauses before it looks again: `brought` pieces of work since the last look, which waited `idle`
    /// until there was anything.
    pub(super) fn pauses(&mut self, brought: u32, idle: Duration) -> bool {
        if self.paused {
            self.judge(brought);
        }
        self.paused = false;
        if brought == 0 || idle > PAUSE {
            return false;
        }
        self.paused = self.left == 0;
        self.left = self.left.saturating_sub(1);
        self.paused
    }

    fn judge(&mut self, brought: u32) {
        if brought >= WORTH {
            self.rest = 0;
        }
        if let Some(credit) = (self.credit + brought).checked_sub(WORTH) {
            self.credit = credit.min(CREDIT);
            return;
        }
        self.credit = 0;
        self.rest = (self.rest * 2).clamp(REST, LONGEST_REST);
        self.left = self.rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pauses in so many looks that each bring what `brought` says of whether there was a pause.
    fn pauses(looks: u32, idle: Duration, brought: impl Fn(bool) -> u32) -> u32 {
        let mut gather = Gather::new();
        let mut paused = false;
        (0..looks)
            .map(|_| {
                paused = gather.pauses(brought(paused), idle);
                u32::from(paused)
            })
            .sum()
    }

    #[test]
    fn a_rush_is_taken_in_pauses() {
        let rush = |paused| if paused { 8 } else { 1 };
        assert_eq!(pauses(1000, Duration::ZERO, rush), 1000);
    }

    #[test]
    fn the_last_of_a_burst_end_no_rush() {
        let mut gather = Gather::new();
        gather.pauses(1, Duration::ZERO);
        let brings = [20, 1, 1, 2, 20, 2, 1].into_iter().cycle();
        let paused = brings
            .take(700)
            .filter(|brought| gather.pauses(*brought, Duration::ZERO));
        assert_eq!(paused.count(), 700);
    }

    #[test]
    fn a_client_alone_hardly_meets_one() {
        let alone = |_| 1;
        let met = pauses(100_000, Duration::from_micros(30), alone);
        assert!((1..=16).contains(&met), "{met}");
    }

    #[test]
    fn who_comes_seldom_meets_none() {
        assert_eq!(pauses(1000, 2 * PAUSE, |_| 5), 0);
        assert_eq!(pauses(1000, Duration::ZERO, |_| 0), 0);
    }

    #[test]
    fn a_rush_after_a_quiet_time_is_found_soon() {
        let mut gather = Gather::new();
        for _ in 0..10 {
            gather.pauses(1, Duration::ZERO);
        }
        let mut paused = false;
        let looks = (0..2 * REST).find(|_| {
            paused = gather.pauses(if paused { 8 } else { 1 }, Duration::ZERO);
            paused
        });
        assert!(looks.is_some_and(|looks| looks <= REST), "{looks:?}");
        assert!((0..100).all(|_| gather.pauses(8, Duration::ZERO)));
    }
}
