//! When a herd comes back to a cluster that nothing restarted in: a network that was down, a balancer that was.

use std::time::Duration;

use crate::edge::TICK;
use crate::tuning::Tuning;

const SECOND: Duration = Duration::from_secs(1);

/// Clients that came to one edge.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Arrivals {
    last_second: u32,
    since: u32,
    counted_from: Duration,
}

impl Arrivals {
    /// Every tick: how many came since the one before.
    pub(crate) fn count(&mut self, arrivals: u32, now: Duration) {
        self.since = self.since.saturating_add(arrivals);
        // Half a tick early is in time: ticks are never quite regular.
        if now.saturating_sub(self.counted_from) + TICK / 2 >= SECOND {
            *self = Self {
                last_second: self.since,
                since: 0,
                counted_from: now,
            };
        }
    }

    pub(crate) fn in_a_second(&self) -> u32 {
        self.last_second
    }
}

/// What one tick showed, of all edges together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pulse {
    /// Clients that came in the last whole second.
    pub(crate) arrivals: u64,
    /// All slices are open.
    pub(crate) is_open: bool,
    /// Half the shards or more are not well.
    pub(crate) is_overloaded: bool,
}

/// Knows how many clients usually come.
#[derive(Clone, Debug)]
pub(crate) struct Overload {
    tuning: Tuning,
    /// A thousandth of a client a second, so that a slow average of few clients is not lost.
    usual_milli: u64,
    looked_at: Duration,
    open_since: Option<Duration>,
    over_since: Option<Duration>,
}

impl Overload {
    pub(crate) fn new(tuning: &Tuning) -> Self {
        Self {
            tuning: *tuning,
            usual_milli: 0,
            looked_at: Duration::ZERO,
            open_since: None,
            over_since: None,
        }
    }

    /// Every tick. `true`: another reopening must start.
    pub(crate) fn look(&mut self, pulse: Pulse, now: Duration) -> bool {
        if !pulse.is_open {
            self.open_since = None;
            self.over_since = None;
            return false;
        }
        let open_for = now.saturating_sub(*self.open_since.get_or_insert(now));
        if open_for < self.tuning.quiet_before_overload {
            return false;
        }
        if pulse.is_overloaded && self.is_unusual(pulse.arrivals) {
            let since = *self.over_since.get_or_insert(now);
            return now.saturating_sub(since) >= self.tuning.overload_for;
        }
        self.over_since = None;
        if !pulse.is_overloaded {
            self.learn(pulse.arrivals, now);
        }
        false
    }

    fn is_unusual(&self, arrivals: u64) -> bool {
        arrivals >= u64::from(self.tuning.least_overload_arrivals)
            && arrivals.saturating_mul(1_000) > self.usual_milli.saturating_mul(2)
    }

    /// Once a second: a sixtieth of the way towards what comes now, so that a minute of other traffic is the usual one.
    fn learn(&mut self, arrivals: u64, now: Duration) {
        if now.saturating_sub(self.looked_at) < SECOND {
            return;
        }
        self.looked_at = now;
        let milli = arrivals.saturating_mul(1_000);
        self.usual_milli = (self.usual_milli.saturating_mul(59) + milli) / 60;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Pulse = Pulse {
        arrivals: 10,
        is_open: true,
        is_overloaded: false,
    };
    const STORM: Pulse = Pulse {
        arrivals: 500,
        is_open: true,
        is_overloaded: true,
    };

    /// In quarters of a second.
    fn run(overload: &mut Overload, pulse: Pulse, from: u64, seconds: u64) -> bool {
        (from * 4..(from + seconds) * 4)
            .any(|quarter| overload.look(pulse, Duration::from_millis(quarter * 250)))
    }

    fn usual(arrivals: u64) -> Overload {
        let mut overload = Overload::new(&Tuning::default());
        let well = Pulse { arrivals, ..WELL };
        assert!(!run(&mut overload, well, 0, 600));
        overload
    }

    #[test]
    fn arrivals_are_told_by_whole_seconds() {
        let mut arrivals = Arrivals::default();
        let told = [1, 2, 3, 4, 5, 6, 7, 8].map(|came| {
            // the fourth tick of a second is early by a hundredth
            arrivals.count(came, Duration::from_millis(u64::from(came) * 250 - 10));
            arrivals.in_a_second()
        });
        assert_eq!(told, [0, 0, 0, 10, 10, 10, 10, 26]);
    }

    #[test]
    fn a_storm_that_is_too_much_starts_a_reopening_after_three_seconds() {
        let mut overload = usual(10);
        assert!(!run(&mut overload, STORM, 600, 3));
        assert!(run(&mut overload, STORM, 603, 1));
    }

    #[test]
    fn shards_that_can_take_it_or_that_are_sick_of_themselves_start_none() {
        let mut overload = usual(10);
        let served = Pulse {
            is_overloaded: false,
            ..STORM
        };
        assert!(!run(&mut overload, served, 600, 60));
        let sick = Pulse {
            arrivals: 10,
            ..STORM
        };
        assert!(!run(&mut usual(10), sick, 600, 60));
    }

    #[test]
    fn what_comes_every_second_is_no_storm() {
        assert!(!run(&mut usual(300), STORM, 600, 60));
        assert!(run(&mut usual(200), STORM, 600, 60));
    }

    #[test]
    fn nothing_starts_while_a_reopening_goes_on_or_right_after_it() {
        let mut overload = usual(10);
        let ramping = Pulse {
            is_open: false,
            ..STORM
        };
        assert!(!run(&mut overload, ramping, 600, 60));
        assert!(!run(&mut overload, STORM, 660, 60));
        assert!(run(&mut overload, STORM, 720, 10));
    }
}
