//! Whether a shard is well, in windows of a second.

use std::time::Duration;

use crate::report::Verdict;
use crate::times::Times;

/// How long a window is.
pub const WINDOW: Duration = Duration::from_secs(1);
/// A percentile of fewer samples is chance and condemns nobody.
const ENOUGH_SAMPLES: u64 = 20;
/// One window may be an accident.
const BAD_WINDOWS: u8 = 2;
/// A sick shard that feels better for a moment is not well yet.
const GOOD_WINDOWS: u8 = 3;

/// What a signal may not exceed.
struct Line {
    name: &'static str,
    bad: Duration,
    hard: Duration,
}

/// Settled clients' packets wait no longer than a person notices.
const QUEUE_WAIT: Line = Line {
    name: "queue_wait",
    bad: Duration::from_millis(20),
    hard: Duration::from_millis(200),
};
/// A worker's turn may be as late as its packets may wait, several times over: it serves many in one turn.
const RUNTIME_LAG: Line = Line {
    name: "runtime_lag",
    bad: Duration::from_millis(100),
    hard: Duration::from_secs(1),
};
/// Each SUBSCRIBE waits for the SUBACK before it; tens of these must fit in a second or two.
const SUBACK: Line = Line {
    name: "suback",
    bad: Duration::from_millis(100),
    hard: Duration::from_secs(1),
};

/// One signal over one window.
#[derive(Clone, Debug, Default)]
pub struct Signal {
    pub times: Times,
    /// How long the one that waits longest now has waited.
    pub oldest: Option<Duration>,
}

/// One window, of all workers of a shard together.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// How long settled clients' packets waited for their worker.
    pub queue_wait: Signal,
    /// How late workers' timers fired; sampled at least every 40 ms, so that a window has enough.
    pub runtime_lag: Signal,
    /// From SUBSCRIBE in to SUBACK out.
    pub suback: Signal,
}

/// Judges a shard window by window.
#[derive(Clone, Debug, Default)]
pub struct HealthJudge {
    bad: Condition,
    hard: Condition,
    signal: Option<&'static str>,
}

impl Signal {
    pub fn merge(&mut self, other: &Self) {
        self.times.merge(&other.times);
        self.oldest = self.oldest.max(other.oldest);
    }

    fn exceeds(&self, line: Duration) -> bool {
        let p95 = if self.times.count() < ENOUGH_SAMPLES {
            None
        } else {
            self.times.percentile(95)
        };
        p95.max(self.oldest).is_some_and(|measured| measured > line)
    }
}

impl Window {
    pub fn merge(&mut self, other: &Self) {
        self.queue_wait.merge(&other.queue_wait);
        self.runtime_lag.merge(&other.runtime_lag);
        self.suback.merge(&other.suback);
    }

    fn signals(&self) -> [(&Signal, Line); 3] {
        [
            (&self.queue_wait, QUEUE_WAIT),
            (&self.runtime_lag, RUNTIME_LAG),
            (&self.suback, SUBACK),
        ]
    }
}

impl HealthJudge {
    /// Every [`WINDOW`].
    pub fn judge(&mut self, window: &Window) -> Verdict {
        let over_hard = first_over(window, |line| line.hard);
        let over_bad = first_over(window, |line| line.bad);
        self.hard.see(over_hard.is_some());
        self.bad.see(over_bad.is_some());
        self.signal = over_hard.or(over_bad).or(self.signal);
        if self.verdict() == Verdict::Good {
            self.signal = None;
        }
        self.verdict()
    }

    pub fn verdict(&self) -> Verdict {
        match (self.hard.holds, self.bad.holds) {
            (true, _) => Verdict::Hard,
            (false, true) => Verdict::Bad,
            (false, false) => Verdict::Good,
        }
    }

    /// What is behind a verdict that is not good.
    pub fn signal(&self) -> Option<&'static str> {
        self.signal
    }
}

fn first_over(window: &Window, line_of: impl Fn(&Line) -> Duration) -> Option<&'static str> {
    window
        .signals()
        .iter()
        .find(|(signal, line)| signal.exceeds(line_of(line)))
        .map(|(_, line)| line.name)
}

/// Begins after [`BAD_WINDOWS`] in a row over the line, ends after [`GOOD_WINDOWS`] in a row within it.
#[derive(Clone, Copy, Debug, Default)]
struct Condition {
    holds: bool,
    /// Windows in a row that speak against what holds.
    against: u8,
}

impl Condition {
    fn see(&mut self, over: bool) {
        let needed = if self.holds {
            GOOD_WINDOWS
        } else {
            BAD_WINDOWS
        };
        self.against = if over == self.holds {
            0
        } else {
            self.against + 1
        };
        if self.against >= needed {
            *self = Self {
                holds: over,
                against: 0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: u64, millis: u64) -> Signal {
        let mut signal = Signal::default();
        (0..samples).for_each(|_| signal.times.record(Duration::from_millis(millis)));
        signal
    }

    fn queue(millis: u64) -> Window {
        Window {
            queue_wait: of(ENOUGH_SAMPLES, millis),
            ..Window::default()
        }
    }

    fn verdicts(windows: impl IntoIterator<Item = Window>) -> Vec<Verdict> {
        let mut judge = HealthJudge::default();
        windows
            .into_iter()
            .map(|window| judge.judge(&window))
            .collect()
    }

    #[test]
    fn two_windows_in_a_row_make_it_bad_and_three_good_ones_end_it() {
        use Verdict::{Bad, Good};
        let waits = [30, 10, 30, 30, 10, 10, 30, 10, 10, 10, 30];
        let expected = [Good, Good, Good, Bad, Bad, Bad, Bad, Bad, Bad, Good, Good];
        assert_eq!(verdicts(waits.map(queue)), expected);
    }

    #[test]
    fn hard_falls_back_to_bad_before_it_is_good() {
        use Verdict::{Bad, Good, Hard};
        let waits = [300, 300, 30, 30, 30, 10, 10, 10];
        assert_eq!(
            verdicts(waits.map(queue)),
            [Good, Hard, Hard, Hard, Bad, Bad, Bad, Good]
        );
        assert_eq!(verdicts([30, 300, 300].map(queue)), [Good, Bad, Hard]);
    }

    #[test]
    fn few_samples_condemn_nobody_but_the_oldest_waiter_does() {
        let few = || Window {
            queue_wait: of(ENOUGH_SAMPLES - 1, 900),
            ..Window::default()
        };
        assert_eq!(verdicts([few(), few(), few()]), [Verdict::Good; 3]);
        let waiting = |millis| Window {
            queue_wait: Signal {
                oldest: Some(Duration::from_millis(millis)),
                ..Signal::default()
            },
            ..Window::default()
        };
        assert_eq!(verdicts([waiting(20), waiting(20)])[1], Verdict::Good);
        assert_eq!(verdicts([waiting(21), waiting(21)])[1], Verdict::Bad);
        assert_eq!(verdicts([waiting(201), waiting(201)])[1], Verdict::Hard);
    }

    #[test]
    fn a_few_slow_ones_among_many_do_no_harm() {
        let mostly_fast = || {
            let mut window = Window {
                queue_wait: of(96, 1),
                ..Window::default()
            };
            window.queue_wait.merge(&of(4, 5_000));
            window
        };
        assert_eq!(verdicts([mostly_fast(), mostly_fast()])[1], Verdict::Good);
    }

    #[test]
    fn every_signal_has_its_lines_and_its_name() {
        let window = |name: &str, millis| {
            let signal = of(ENOUGH_SAMPLES, millis);
            match name {
                "queue_wait" => Window {
                    queue_wait: signal,
                    ..Window::default()
                },
                "runtime_lag" => Window {
                    runtime_lag: signal,
                    ..Window::default()
                },
                _ => Window {
                    suback: signal,
                    ..Window::default()
                },
            }
        };
        for (name, good, bad, hard) in [
            ("queue_wait", 20, 21, 201),
            ("runtime_lag", 100, 101, 1_001),
            ("suback", 100, 101, 1_001),
        ] {
            for (millis, verdict) in [
                (good, Verdict::Good),
                (bad, Verdict::Bad),
                (hard, Verdict::Hard),
            ] {
                let mut judge = HealthJudge::default();
                judge.judge(&window(name, millis));
                assert_eq!(
                    judge.judge(&window(name, millis)),
                    verdict,
                    "{name} {millis}"
                );
                assert_eq!(judge.signal(), (verdict != Verdict::Good).then_some(name));
            }
        }
    }

    #[test]
    fn the_signal_is_named_as_long_as_the_verdict_holds() {
        let mut judge = HealthJudge::default();
        [30, 30, 1].map(queue).iter().for_each(|window| {
            judge.judge(window);
        });
        assert_eq!(judge.signal(), Some("queue_wait"));
        [1, 1].map(queue).iter().for_each(|window| {
            judge.judge(window);
        });
        assert_eq!((judge.verdict(), judge.signal()), (Verdict::Good, None));
    }

    #[test]
    fn the_worst_signal_is_named() {
        let window = Window {
            runtime_lag: of(ENOUGH_SAMPLES, 2_000),
            ..queue(30)
        };
        let mut judge = HealthJudge::default();
        judge.judge(&window);
        assert_eq!(judge.judge(&window), Verdict::Hard);
        assert_eq!(judge.signal(), Some("runtime_lag"));
    }

    #[test]
    fn windows_of_several_workers_add_up() {
        let mut window = Window {
            suback: of(10, 200),
            ..Window::default()
        };
        window.merge(&Window {
            suback: of(10, 200),
            ..Window::default()
        });
        assert_eq!(verdicts([window.clone(), window])[1], Verdict::Bad);
    }
}
