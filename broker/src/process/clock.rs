//! Time as the pure parts want it: since the process started.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

/// Cheap to copy; all copies count from the same moment.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub fn now(self) -> Duration {
        self.start.elapsed()
    }

    /// A moment as people write it, RFC 3339 in whole seconds; `None` beyond what a calendar has.
    pub fn date(self, at: Duration) -> Option<String> {
        let ago = self.now().saturating_sub(at);
        let wall = Timestamp::try_from(SystemTime::now().checked_sub(ago)?).ok()?;
        Timestamp::from_second(wall.as_second())
            .ok()
            .map(|second| second.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_as_dates() {
        let clock = Clock::start();
        let date = clock.date(clock.now()).unwrap();
        let told: Timestamp = date.parse().unwrap();
        assert!(
            date.len() == "2026-11-25T22:00:00Z".len() && date.ends_with('Z'),
            "{date}"
        );
        assert!(told.duration_until(Timestamp::now()).as_secs() < 60);
    }
}
