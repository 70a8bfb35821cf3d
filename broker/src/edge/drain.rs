//! How an edge goes: it accepts until balancers have noticed, then closes its clients at a pace.

use std::rc::Rc;
use std::time::Duration;

use futures::future::select_all;
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

/// Runs as long as the worker; ends only when nobody can tell it to close, or nothing is accepted any more.
pub(super) async fn run(
    worker: Rc<Worker>,
    mut stage: watch::Receiver<Stage>,
    mut accepting: Vec<JoinHandle<()>>,
) {
    let clients_per_second = loop {
        if let Stage::Closing { clients_per_second } = *stage.borrow_and_update() {
            break clients_per_second;
        }
        tokio::select! {
            changed = stage.changed() => if changed.is_err() { return },
            // An edge has a listener at least.
            _ = select_all(accepting.iter_mut()) => return,
        }
    };
    accepting.iter().for_each(JoinHandle::abort);
    worker.gate.close();
    let own = u32::try_from(worker.clients()).unwrap_or(u32::MAX);
    let rate = share(clients_per_second, own, worker.shared.connections());
    let mut pace = Pace::default();
    let mut steps = interval(STEP);
    loop {
        steps.tick().await;
        worker.drain(pace.step(rate * STEP.as_secs_f64()));
    }
}

/// A worker's share of the pace, by the clients that it has: chance deals them out, and all workers end together.
fn share(clients_per_second: u32, own: u32, all: u32) -> f64 {
    let part = f64::from(own.min(all)) / f64::from(all.max(1));
    // Some may still be entering at a worker that has nobody else.
    (f64::from(clients_per_second) * part).max(1.0)
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
    fn all_workers_need_the_same_time() {
        let (most, least) = (share(500, 7_500, 10_000), share(500, 2_500, 10_000));
        assert_eq!((7_500.0 / most).to_bits(), (2_500.0 / least).to_bits());
        assert_eq!((most + least).to_bits(), 500.0_f64.to_bits());
        assert_eq!(share(500, 0, 10_000).to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn fractions_add_up() {
        let mut pace = Pace::default();
        let steps: usize = (0..100).map(|_| pace.step(0.35)).sum();
        assert!((34..=35).contains(&steps));
        assert_eq!(Pace::default().step(25.0), 25);
    }
}
