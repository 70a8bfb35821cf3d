//! Keep-alive: one coarse wheel per worker.
//!
//! A client's entry stays where it was put while packets move its deadline on; only when the entry comes due is the
//! deadline looked at, and the entry put back.

use std::time::Duration;

use crate::link::StreamId;

/// How exactly a deadline is met: keep-alives are whole seconds.
pub(super) const GRAIN: Duration = Duration::from_millis(250);
/// About eight minutes around; what is due later is looked at once more on the way.
const SLOTS: u64 = 2048;

#[derive(Debug)]
pub(super) struct Wheel {
    slots: Vec<Vec<StreamId>>,
    /// The next slot to come due, counted from the start.
    next: u64,
}

impl Default for Wheel {
    fn default() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            next: 0,
        }
    }
}

impl Wheel {
    /// `stream` comes due at or, when that is far, before `deadline`.
    pub(super) fn insert(&mut self, stream: StreamId, deadline: Duration) {
        let slot = grains(deadline)
            .saturating_add(1)
            .clamp(self.next, self.next + SLOTS - 1);
        if let Some(slot) = self.slots.get_mut(index(slot)) {
            slot.push(stream);
        }
    }

    /// Takes out what has come due; the caller puts back what lives on.
    pub(super) fn due(&mut self, now: Duration) -> Vec<StreamId> {
        let mut due = Vec::new();
        // After a long pause every slot is visited once, not every grain of the pause.
        let last = grains(now);
        for slot in self.next..=last.min(self.next + SLOTS - 1) {
            if let Some(slot) = self.slots.get_mut(index(slot)) {
                due.append(slot);
            }
        }
        self.next = self.next.max(last + 1);
        due
    }
}

/// When a client that says nothing more has gone silent (section 3.1.2.10: one and a half times the keep-alive).
pub(super) fn patience(keep_alive_seconds: u16) -> Option<Duration> {
    (keep_alive_seconds > 0).then(|| Duration::from_millis(u64::from(keep_alive_seconds) * 1500))
}

fn grains(time: Duration) -> u64 {
    u64::try_from(time.as_millis() / GRAIN.as_millis()).unwrap_or(u64::MAX / 2)
}

fn index(slot: u64) -> usize {
    usize::try_from(slot % SLOTS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn nothing_comes_due_early_or_much_too_late() {
        let mut wheel = Wheel::default();
        wheel.insert(StreamId(1), SECOND);
        wheel.insert(StreamId(2), 3 * SECOND);
        assert!(wheel.due(Duration::from_millis(750)).is_empty());
        assert_eq!(wheel.due(SECOND + 2 * GRAIN), [StreamId(1)]);
        assert!(wheel.due(Duration::from_millis(2750)).is_empty());
        assert_eq!(wheel.due(3 * SECOND + 2 * GRAIN), [StreamId(2)]);
    }

    #[test]
    fn a_far_deadline_comes_around_early_and_once() {
        let mut wheel = Wheel::default();
        let far = 18 * 3600 * SECOND;
        wheel.insert(StreamId(1), far);
        let seen = (0..=600)
            .flat_map(|second| wheel.due(second * SECOND))
            .collect::<Vec<_>>();
        assert_eq!(seen, [StreamId(1)]);
    }

    #[test]
    fn a_long_pause_loses_nobody() {
        let mut wheel = Wheel::default();
        for stream in 0..100 {
            wheel.insert(StreamId(stream), stream * 7 * SECOND);
        }
        let mut due = wheel.due(3600 * SECOND);
        due.sort();
        assert_eq!(due.len(), 100);
        wheel.insert(StreamId(5), 3601 * SECOND);
        assert_eq!(wheel.due(3602 * SECOND), [StreamId(5)]);
    }

    #[test]
    fn a_deadline_in_the_past_comes_due_next() {
        let mut wheel = Wheel::default();
        wheel.due(10 * SECOND);
        wheel.insert(StreamId(1), SECOND);
        assert_eq!(wheel.due(10 * SECOND + GRAIN), [StreamId(1)]);
    }

    #[test]
    fn zero_means_none() {
        assert_eq!(patience(0), None);
        assert_eq!(patience(30), Some(45 * SECOND));
    }
}
