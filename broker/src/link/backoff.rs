//! How long to wait before a shard is dialled again.

use std::time::Duration;

/// A shard that restarts in place is back within a second or two.
const FIRST: Duration = Duration::from_millis(100);
/// Longer, and a shard that came back would wait for its edges.
const LONGEST: Duration = Duration::from_secs(2);

/// Doubles from 100 ms to 2 s; each wait is cut at random, so that edges do not dial in step.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    random: u64,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        // Xorshift stays at 0 for ever.
        Self {
            next: FIRST,
            random: seed | 1,
        }
    }

    pub(super) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// Half of the step for certain, the other half at random.
    pub(super) fn wait(&mut self) -> Duration {
        let half = self.next / 2;
        self.next = (self.next * 2).min(LONGEST);
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let micros = u64::try_from(half.as_micros()).unwrap_or(u64::MAX).max(1);
        half + Duration::from_micros(self.random % micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_bound_and_starts_anew() {
        let mut backoff = Backoff::new(7);
        assert!(backoff.wait() < FIRST);
        let waits: Vec<_> = (0..20).map(|_| backoff.wait()).collect();
        assert!(waits.iter().all(|wait| *wait >= FIRST && *wait < LONGEST));
        assert!(waits.last().is_some_and(|wait| *wait >= LONGEST / 2));
        backoff.reset();
        assert!(backoff.wait() < FIRST);
    }

    #[test]
    fn two_edges_are_not_in_step() {
        let (mut one, mut other) = (Backoff::new(1), Backoff::new(2));
        let differ = (0..8).filter(|_| one.wait() != other.wait()).count();
        assert!(differ >= 6);
    }
}
