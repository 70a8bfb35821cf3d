//! How an edge goes: it accepts until balancers have noticed, then closes its clients at a pace.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::interval;

use super::worker::Worker;

/// How often some clients are closed: fine enough that they come back as a stream, not in bursts.
const STEP: Duration = Duration::from_millis(50);

/// Where an edge is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Serving,
    /// Accept nobody any more and close so many clients a second, over all workers.
    Closing {
        clients_per_second: u32,
    },
}

/// Runs until the last client is told to go.
pub(super) async fn run(
    worker: Rc<Worker>,
    mut stage: watch::Receiver<Stage>,
    accepting: Vec<JoinHandle<()>>,
) {
    let clients_per_second = loop {
        if let Stage::Closing { clients_per_second } = *stage.borrow_and_update() {
            break clients_per_second;
        }
        if stage.changed().await.is_err() {
            return;
        }
    };
    accepting.iter().for_each(JoinHandle::abort);
    worker.gate.close();
    let workers = worker.shared.settings.workers.get();
    let rate =
        f64::from(clients_per_second) / f64::from(u32::try_from(workers).unwrap_or(u32::MAX));
    let mut pace = Pace::default();
    let mut steps = interval(STEP);
    loop {
        steps.tick().await;
        worker.drain(pace.step(rate * STEP.as_secs_f64()));
    }
}

/// Whole clients out of fractions.
#[derive(Debug, Default)]
struct Pace {
    owed: f64,
}

impl Pace {
    fn step(&mut self, more: f64) -> usize {
        self.owed += more;
        let whole = self.owed.floor();
        self.owed -= whole;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // a small whole number, never negative
        let clients = whole as usize;
        clients
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_add_up() {
        let mut pace = Pace::default();
        let steps: usize = (0..100).map(|_| pace.step(0.35)).sum();
        assert!((34..=35).contains(&steps));
        assert_eq!(Pace::default().step(25.0), 25);
    }
}
