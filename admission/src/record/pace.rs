//! How fast clients come back.

use std::collections::VecDeque;
use std::time::Duration;

/// Long enough to even out the batches in which slices open, short enough to follow a change of weather.
const WINDOW: Duration = Duration::from_secs(20);
/// Before so much time has passed a pace is chance.
const LEAST: Duration = Duration::from_secs(2);
/// Between two samples kept, so that a window holds few.
const EVERY: Duration = Duration::from_secs(1);

/// Clients back at moments of the last [`WINDOW`].
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    samples: VecDeque<(Duration, u64)>,
    newest: Option<(Duration, u64)>,
}

impl Pace {
    pub(super) fn note(&mut self, settled: u64, now: Duration) {
        self.newest = Some((now, settled));
        let due = self
            .samples
            .back()
            .is_none_or(|(at, _)| now.saturating_sub(*at) >= EVERY);
        if due {
            self.samples.push_back((now, settled));
        }
        while self
            .samples
            .front()
            .is_some_and(|(at, _)| now.saturating_sub(*at) > WINDOW)
        {
            self.samples.pop_front();
        }
    }

    /// How long `clients` more would take; `None` when nobody came back of late.
    pub(super) fn until(&self, clients: u64) -> Option<Duration> {
        let ((from, before), (to, now)) = (*self.samples.front()?, self.newest?);
        let (time, came) = (to.saturating_sub(from), now.saturating_sub(before));
        if clients == 0 {
            return Some(Duration::ZERO);
        }
        if time < LEAST || came == 0 {
            return None;
        }
        let millis = time.as_millis() * u128::from(clients) / u128::from(came);
        u64::try_from(millis).ok().map(Duration::from_millis)
    }
}
