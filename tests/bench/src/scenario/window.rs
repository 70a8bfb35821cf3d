//! What a stretch of time cost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::outcome::Outcome;
use crate::procfs;

/// What a broker still does behind the last reply is charged, too.
const AFTERMATH: Duration = Duration::from_millis(200);
/// A load generator this busy is not waiting for anybody.
const SATURATED: f64 = 0.95;

#[derive(Debug)]
pub(super) struct Window<'a> {
    pids: &'a [u32],
    since: Instant,
    broker: f64,
    own: f64,
}

/// In seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Used {
    pub(super) wall: f64,
    pub(super) broker: f64,
    own: f64,
}

impl<'a> Window<'a> {
    pub(super) fn begin(pids: &'a [u32]) -> anyhow::Result<Self> {
        Ok(Self {
            pids,
            broker: procfs::cpu_seconds(pids)?,
            own: procfs::own_cpu_seconds()?,
            since: Instant::now(),
        })
    }

    pub(super) async fn end(self) -> anyhow::Result<Used> {
        let wall = self.since.elapsed().as_secs_f64();
        let own = procfs::own_cpu_seconds()? - self.own;
        sleep(AFTERMATH).await;
        let broker = procfs::cpu_seconds(self.pids)? - self.broker;
        Ok(Used { wall, broker, own })
    }
}

impl Used {
    pub(super) fn broker_core(&self) -> f64 {
        self.broker / self.wall
    }

    pub(super) fn load_core(&self) -> f64 {
        self.own / self.wall
    }

    /// The load generator was at its end, and the broker was not.
    fn is_void(&self) -> bool {
        self.load_core() > SATURATED && self.load_core() > self.broker_core()
    }

    pub(super) fn outcome<const N: usize>(&self, figures: [(&str, f64); N]) -> Outcome {
        let figures: BTreeMap<_, _> = figures
            .into_iter()
            .chain([("load core", self.load_core())])
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        if self.is_void() {
            Outcome::Void(figures)
        } else {
            Outcome::Measured(figures)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(broker: f64, own: f64) -> Used {
        Used {
            wall: 2.0,
            broker,
            own,
        }
    }

    #[test]
    fn a_run_is_void_when_the_load_was_the_slower_one() {
        assert!(used(1.0, 1.98).is_void());
        assert!(
            !used(1.99, 1.98).is_void(),
            "the broker was at its end, too"
        );
        assert!(!used(1.0, 1.5).is_void());
        assert!(matches!(
            used(1.0, 1.98).outcome([("x", 1.0)]),
            Outcome::Void(figures) if figures.len() == 2
        ));
    }
}
