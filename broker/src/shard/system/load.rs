//! Load averages as mosquitto has them: events per minute, over one, five and fifteen minutes.

use std::time::Duration;

const WINDOWS: [(&str, f64); 3] = [("1min", 60.0), ("5min", 300.0), ("15min", 900.0)];

/// The averages of one counter.
#[derive(Debug, Default)]
pub(super) struct Load {
    counted: u64,
    averages: [f64; WINDOWS.len()],
}

impl Load {
    /// The counter stands here, `elapsed` after the last time.
    pub(super) fn count(&mut self, counter: u64, elapsed: Duration) {
        let seconds = elapsed.as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        #[allow(clippy::cast_precision_loss)] // shown with two decimals
        let new = counter.saturating_sub(self.counted) as f64;
        let per_minute = new * 60.0 / seconds;
        for (average, (_, window)) in self.averages.iter_mut().zip(WINDOWS) {
            let kept = (-seconds / window).exp();
            *average = per_minute + kept * (*average - per_minute);
        }
        self.counted = counter;
    }

    /// By the names of the windows.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        let shown = WINDOWS.iter().zip(self.averages);
        shown.map(|((name, _), average)| (*name, format!("{average:.2}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(load: &Load) -> Vec<String> {
        load.shown().map(|(_, average)| average).collect()
    }

    fn numbers(load: &Load) -> Vec<f64> {
        let shown = shown(load);
        shown
            .iter()
            .map(|average| average.parse().unwrap())
            .collect()
    }

    #[test]
    fn a_steady_rate_is_approached_by_the_short_window_first_and_left_again() {
        let mut load = Load::default();
        let every = Duration::from_secs(10);
        for step in 1..=6 {
            load.count(step * 20, every);
        }
        let after_a_minute = numbers(&load);
        // 120 a minute: 1 - 1/e of it after one window
        assert!(
            (75.0..77.0).contains(&after_a_minute[0]),
            "{after_a_minute:?}"
        );
        assert!(
            after_a_minute.is_sorted_by(|a, b| a > b),
            "{after_a_minute:?}"
        );
        for step in 7..=1_000 {
            load.count(step * 20, every);
        }
        assert_eq!(shown(&load)[0], "120.00");
        for _ in 0..1_000 {
            load.count(20_000, every);
        }
        assert_eq!(shown(&load), ["0.00"; 3]);
    }

    #[test]
    fn the_interval_does_not_matter() {
        let (mut often, mut seldom) = (Load::default(), Load::default());
        for step in 1..=60 {
            often.count(step * 5, Duration::from_secs(1));
        }
        seldom.count(300, Duration::from_mins(1));
        assert_eq!(shown(&often), shown(&seldom));
        // no time has passed: nothing to divide by
        seldom.count(900, Duration::ZERO);
        assert_eq!(shown(&often), shown(&seldom));
    }
}
