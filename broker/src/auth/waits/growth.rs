//! How a wait grows.

use std::time::Duration;

use crate::config::GrowingWait;

impl GrowingWait {
    pub(super) fn is_off(self) -> bool {
        self.first.is_zero()
    }

    /// The wait after the `times`-th time; none after none.
    pub(super) fn after(self, times: u32) -> Duration {
        let Some(doublings) = times.checked_sub(1) else {
            return Duration::ZERO;
        };
        let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_longest() {
        let growth = GrowingWait {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(10),
        };
        let waits = [0, 1, 2, 3, 4, 5, u32::MAX].map(|times| growth.after(times).as_secs());
        assert_eq!(waits, [0, 1, 2, 4, 8, 10, 10]);
    }
}
