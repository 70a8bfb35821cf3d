//! How long things took.

use std::time::Duration;

use serde::Serialize;

/// Samples of one stage.
#[derive(Debug, Default)]
pub(super) struct Samples {
    answered: Vec<Duration>,
    /// Without an answer: how long it was waited for.
    lost: Vec<Duration>,
}

/// What they come to; a message without an answer counts as long as it was waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Latencies {
    pub(crate) samples: usize,
    pub(crate) lost: usize,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) max_ms: Option<f64>,
}

impl Samples {
    pub(super) fn answered(&mut self, took: Duration) {
        self.answered.push(took);
    }

    pub(super) fn lost(&mut self, waited: Duration) {
        self.lost.push(waited);
    }

    pub(super) fn latencies(&self) -> Latencies {
        let mut all = [&self.answered[..], &self.lost[..]].concat();
        all.sort_unstable();
        let quantile = |percent: usize| {
            let rank = (all.len() * percent).div_ceil(100).max(1);
            all.get(rank - 1).map(|took| took.as_secs_f64() * 1_000.0)
        };
        Latencies {
            samples: all.len(),
            lost: self.lost.len(),
            p50_ms: quantile(50),
            p99_ms: quantile(99),
            max_ms: quantile(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_lost_took_as_long_as_it_was_waited_for() {
        let mut samples = Samples::default();
        (1..=98).for_each(|ms| samples.answered(Duration::from_millis(ms)));
        samples.lost(Duration::from_secs(5));
        samples.lost(Duration::from_secs(4));
        let found = samples.latencies();
        assert_eq!((found.samples, found.lost), (100, 2));
        assert_eq!(
            (found.p50_ms, found.p99_ms, found.max_ms),
            (Some(50.0), Some(4_000.0), Some(5_000.0))
        );
        assert_eq!(Samples::default().latencies(), Latencies::default());
    }
}
