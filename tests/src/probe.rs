//! A client that behaves, beside those that do not: what it feels of them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::mqtt::{Client, Connect, PUBLISH, publish};

/// Between two messages.
const PAUSE: Duration = Duration::from_millis(4);
/// Fewer round trips tell nothing of the slowest hundredth.
const LEAST: usize = 300;
/// What nobody minds, however fast it is otherwise.
const UNNOTICED: Duration = Duration::from_millis(20);

/// It publishes to itself, one message after another, and takes the time of each.
pub struct Probe(Client);

/// How long the slowest hundredth took.
#[derive(Clone, Copy, Debug)]
pub struct P99(pub Duration);

impl Probe {
    pub fn new(address: SocketAddr) -> Self {
        let mut client = Client::plain(address).unwrap();
        client.login(&Connect::v3("probe").keep_alive(60));
        assert_eq!(client.subscribe("probe", 0), 0);
        Self(client)
    }

    /// With nothing else going on.
    pub fn alone(&mut self) -> P99 {
        self.during(|| ()).1
    }

    /// While `work` runs, and until there are enough samples.
    pub fn during<T>(&mut self, work: impl FnOnce() -> T) -> (T, P99) {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let probing = scope.spawn(|| self.sample(&done));
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            done.store(true, Ordering::Relaxed);
            let p99 = probing.join().expect("the probe is served");
            match outcome {
                Ok(outcome) => (outcome, p99),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    fn sample(&mut self, done: &AtomicBool) -> P99 {
        let mut times = Vec::new();
        while !done.load(Ordering::Relaxed) || times.len() < LEAST {
            let began = Instant::now();
            self.0.send(&publish("probe", "x")).unwrap();
            assert_eq!(self.0.read().unwrap().kind(), PUBLISH);
            times.push(began.elapsed());
            thread::sleep(PAUSE);
        }
        times.sort_unstable();
        P99(times[times.len() * 99 / 100])
    }
}

impl P99 {
    /// `before` and `after`: the same probe, alone. A machine that others use as well is as slow as it is.
    #[must_use]
    pub fn is_unmoved(self, before: Self, after: Self) -> bool {
        let idle = before.0.max(after.0);
        println!("the probe's p99 was {:?}, alone {idle:?}", self.0);
        self.0 <= (2 * idle).max(UNNOTICED)
    }
}
