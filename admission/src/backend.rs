//! Whether the backend that an edge asks about logins is well, in windows as shards are.

use std::time::Duration;

use crate::health::Condition;
use crate::report::Verdict;
use crate::times::{ENOUGH_TIMES, Times};
use crate::tuning::{BackendTuning, Windows};

/// As edges name it where it keeps clients out.
pub const SIGNAL: &str = "auth_backend";

/// While the backend fails, an error is told no sooner than this after it was asked, and its place is free no sooner: errors
/// are quick, and the herd would do its handshakes in vain as fast as machines can. A window has a few of these still.
pub const PROBE_EVERY: Duration = Duration::from_secs(1);

/// One window of one edge.
#[derive(Clone, Debug, Default)]
pub struct BackendWindow {
    /// How long each request took that is over, verdict or not.
    pub times: Times,
    /// How long those have taken that are not.
    pub waiting: Times,
    /// Requests that are over without a verdict. A wrong password is one.
    pub errors: u64,
}

/// Judges a backend window by window: bad when it is slow or fails, hard when it fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct BackendJudge {
    tuning: BackendTuning,
    windows: Windows,
    bad: Condition,
    hard: Condition,
}

impl BackendWindow {
    /// A request is over.
    pub fn record(&mut self, took: Duration, is_error: bool) {
        self.times.record(took);
        self.errors += u64::from(is_error);
    }

    /// The slowest twentieth; of few, the one that waits longest.
    fn is_slow(&self, slow: Duration) -> bool {
        let mut all = self.times.clone();
        all.merge(&self.waiting);
        let measured = if all.count() < ENOUGH_TIMES {
            self.waiting.percentile(100)
        } else {
            all.percentile(95)
        };
        measured.is_some_and(|measured| measured > slow)
    }

    /// `None`: nothing is over, and somebody waits.
    fn fails(&self, is_hard: bool, most_percent: u32) -> Option<bool> {
        let asked = self.times.count();
        // few errors are chance, but while it is hard there are few because few are let in
        let is_enough = is_hard || asked >= ENOUGH_TIMES;
        match asked {
            0 if self.waiting.count() > 0 => None,
            _ => Some(is_enough && self.errors * 100 > asked * u64::from(most_percent)),
        }
    }
}

impl BackendJudge {
    /// `windows`: as a process's health takes.
    pub fn new(tuning: BackendTuning, windows: Windows) -> Self {
        Self {
            tuning,
            windows,
            ..Self::default()
        }
    }

    /// Every [`crate::health::WINDOW`].
    pub fn judge(&mut self, window: &BackendWindow) -> Verdict {
        let fails = window.fails(self.hard.holds(), self.tuning.most_errors_percent);
        if let Some(fails) = fails {
            self.hard.see(fails, self.windows);
        }
        let is_bad = fails == Some(true) || window.is_slow(self.tuning.slow);
        self.bad.see(is_bad, self.windows);
        self.verdict()
    }

    pub fn verdict(&self) -> Verdict {
        match (self.hard.holds(), self.bad.holds()) {
            (true, _) => Verdict::Hard,
            (false, true) => Verdict::Bad,
            (false, false) => Verdict::Good,
        }
    }
}

#[cfg(test)]
mod tests {
    use Verdict::{Bad, Good, Hard};

    use super::*;

    /// So many requests that took so long, and so many of them without a verdict.
    fn window(asked: u64, millis: u64, errors: u64) -> Box<BackendWindow> {
        let mut window = Box::<BackendWindow>::default();
        for number in 0..asked {
            window.record(Duration::from_millis(millis), number < errors);
        }
        window
    }

    fn waiting(count: u64, millis: u64) -> Box<BackendWindow> {
        let mut window = Box::<BackendWindow>::default();
        (0..count).for_each(|_| window.waiting.record(Duration::from_millis(millis)));
        window
    }

    fn verdicts<const N: usize>(windows: [Box<BackendWindow>; N]) -> [Verdict; N] {
        let mut judge = BackendJudge::default();
        windows.map(|window| judge.judge(&window))
    }

    #[test]
    fn errors_over_a_tenth_are_hard_after_two_windows() {
        let (over, within) = (|| window(100, 5, 11), || window(100, 5, 10));
        assert_eq!(verdicts([over(), over()]), [Good, Hard]);
        assert_eq!(verdicts([within(), within(), within()]), [Good; 3]);
        assert_eq!(verdicts([over(), within(), over()]), [Good; 3]);
    }

    #[test]
    fn three_windows_end_it_however_few_were_let_in() {
        let down = || window(100, 5, 100);
        let (probe, failed) = (|| window(1, 5, 0), || window(1, 5, 1));
        assert_eq!(
            verdicts([
                down(),
                down(),
                probe(),
                probe(),
                failed(),
                probe(),
                probe(),
                probe()
            ]),
            [Good, Hard, Hard, Hard, Hard, Hard, Hard, Good]
        );
    }

    #[test]
    fn a_window_in_which_nothing_ended_says_nothing_of_errors() {
        let down = || window(100, 5, 100);
        let silent = || waiting(4, 300);
        assert_eq!(
            verdicts([
                down(),
                silent(),
                down(),
                silent(),
                silent(),
                silent(),
                silent()
            ]),
            [Good, Good, Hard, Hard, Hard, Hard, Hard]
        );
    }

    #[test]
    fn nobody_who_asks_ends_it_too() {
        let (down, none) = (|| window(100, 5, 100), Box::<BackendWindow>::default);
        assert_eq!(
            verdicts([down(), down(), none(), none(), none()]),
            [Good, Hard, Hard, Hard, Good]
        );
    }

    #[test]
    fn few_errors_condemn_nobody() {
        let few = || window(ENOUGH_TIMES - 1, 5, ENOUGH_TIMES - 1);
        assert_eq!(verdicts([few(), few(), few()]), [Good; 3]);
    }

    #[test]
    fn slowness_is_bad_and_never_hard() {
        let slow = || window(ENOUGH_TIMES, 2_000, 0);
        assert_eq!(verdicts([slow(), slow(), slow()]), [Good, Bad, Bad]);
        let fast = || window(ENOUGH_TIMES, 500, 0);
        assert_eq!(verdicts([fast(), fast(), fast()]), [Good; 3]);
    }

    #[test]
    fn few_are_judged_by_the_one_that_waits_longest_and_many_by_most_of_them() {
        assert_eq!(verdicts([waiting(1, 501), waiting(1, 501)]), [Good, Bad]);
        let few_slow = || window(4, 2_000, 0);
        assert_eq!(verdicts([few_slow(), few_slow()]), [Good, Good]);
        let with_waiting = |mut window: Box<BackendWindow>, others: Box<BackendWindow>| {
            window.waiting = others.waiting;
            window
        };
        let one_hangs = || with_waiting(window(99, 5, 0), waiting(1, 60_000));
        assert_eq!(verdicts([one_hangs(), one_hangs()]), [Good, Good]);
        let many_hang = || with_waiting(window(90, 5, 0), waiting(10, 600));
        assert_eq!(verdicts([many_hang(), many_hang()]), [Good, Bad]);
    }

    #[test]
    fn other_lines_and_windows_are_gone_by() {
        let tuning = BackendTuning {
            slow: Duration::from_secs(2),
            most_errors_percent: 50,
        };
        let judged = |seen: [Box<BackendWindow>; 3]| {
            let mut judge = BackendJudge::new(tuning, Windows { bad: 1, good: 2 });
            seen.map(|window| judge.judge(&window))
        };
        let errors = |errors| window(100, 5, errors);
        assert_eq!(
            judged([errors(50), errors(51), errors(50)]),
            [Good, Hard, Hard]
        );
        assert_eq!(
            judged([errors(51), errors(50), errors(50)]),
            [Hard, Hard, Good]
        );
        let slow = |millis| window(ENOUGH_TIMES, millis, 0);
        assert_eq!(
            judged([slow(2_000), slow(3_000), slow(5)]),
            [Good, Bad, Bad]
        );
    }

    #[test]
    fn what_fails_is_bad_before_it_is_good() {
        let down = || window(100, 5, 100);
        let slow = || window(ENOUGH_TIMES, 2_000, 0);
        assert_eq!(
            verdicts([down(), down(), slow(), slow(), slow()]),
            [Good, Hard, Hard, Hard, Bad]
        );
    }
}
