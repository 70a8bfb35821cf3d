//! How often a client may do something: a token bucket.

use std::num::NonZeroU32;
use std::time::Duration;

/// What a client may do at once after a pause.
const BURST: Duration = Duration::from_secs(1);

/// Tokens that come at a steady rate, up to a second's worth of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenBucket {
    /// Between two tokens.
    interval: Duration,
    /// When it is full again, if nothing more is taken.
    full_at: Duration,
}

impl TokenBucket {
    /// Full.
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        Self {
            interval: Duration::from_secs(1) / per_second.get(),
            full_at: Duration::ZERO,
        }
    }

    /// Takes so many tokens once there is one; `Err`: when there will be. Whoever takes more than there are waits the
    /// longer for the next: nothing is too large to go through.
    pub(super) fn take(&mut self, tokens: NonZeroU32, now: Duration) -> Result<(), Duration> {
        let full_at = self.full_at.max(now);
        let earliest = (full_at + self.interval).saturating_sub(BURST);
        if earliest > now {
            return Err(earliest);
        }
        self.full_at = full_at + self.interval * tokens.get();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NonZeroU32 = NonZeroU32::MIN;

    fn taken(bucket: &mut TokenBucket, now: Duration) -> u32 {
        let mut taken = 0;
        while bucket.take(ONE, now).is_ok() {
            taken += 1;
        }
        taken
    }

    #[test]
    fn a_seconds_worth_at_once_and_then_the_rate() {
        let seconds = Duration::from_secs;
        for rate in [1, 3, 100, 1_000_000] {
            let mut bucket = TokenBucket::new(NonZeroU32::new(rate).unwrap());
            assert_eq!(taken(&mut bucket, seconds(5)), rate);
            assert_eq!(taken(&mut bucket, seconds(6)), rate);
            // a long pause saves no more than a second's worth
            assert_eq!(taken(&mut bucket, seconds(60)), rate);
            assert_eq!(taken(&mut bucket, seconds(60)), 0);
        }
    }

    #[test]
    fn it_tells_when_there_will_be_one() {
        let mut bucket = TokenBucket::new(NonZeroU32::new(4).unwrap());
        let now = Duration::from_secs(9);
        taken(&mut bucket, now);
        let at = bucket.take(ONE, now).unwrap_err();
        assert_eq!(at, now + Duration::from_millis(250));
        assert_eq!(taken(&mut bucket, at), 1);
    }

    #[test]
    fn more_than_there_are_go_at_once_and_are_waited_for_afterwards() {
        let seconds = Duration::from_secs;
        let ten = NonZeroU32::new(10).unwrap();
        let mut bucket = TokenBucket::new(ten);
        assert_eq!(
            bucket.take(NonZeroU32::new(100).unwrap(), seconds(5)),
            Ok(())
        );
        // a hundred less the ten that were there, and one for itself
        let at = bucket.take(ONE, seconds(5)).unwrap_err();
        assert_eq!(at, seconds(14) + Duration::from_millis(100));
        assert_eq!(taken(&mut bucket, at), 1);
        assert_eq!(taken(&mut bucket, seconds(60)), 10);
    }
}
