//! The whole fleet on one thread: a task per gateway, one tally, one meter.

mod agent;
mod connection;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::dial::{self, Tls, TlsError};
use crate::meter::{self, Load, Meter};
use crate::scenario::Scenario;
use crate::tally::{Counts, Heading, Report, Tally};
use agent::Agent;

/// How often a waiting run looks at the tally and the view is told.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes of the buffer all gateways read through.
const SCRATCH: usize = 16 * 1024;

/// What all gateways share.
#[derive(Debug)]
struct Shared {
    scenario: Rc<Scenario>,
    target: SocketAddr,
    tls: Option<Tls>,
    start: Instant,
    tally: RefCell<Tally>,
    meter: RefCell<Meter>,
    scratch: RefCell<Vec<u8>>,
    /// Gateways that may be on their way at a time during the bring-up.
    places: Semaphore,
    /// The error number when something is wrong with the swarm itself, such as no free file descriptor.
    own_fault: Cell<Option<i32>>,
}

impl Shared {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A running fleet; its gateways end with it.
#[derive(Debug)]
pub(crate) struct Fleet {
    shared: Rc<Shared>,
    load_at_end: RefCell<Option<Load>>,
    _tasks: JoinSet<()>,
}

/// The fleet at one moment, for a view.
#[derive(Debug)]
pub(crate) struct Snapshot<'a> {
    pub(crate) scenario: &'a Scenario,
    /// Since the beginning of the tally.
    pub(crate) elapsed: Duration,
    pub(crate) settled: u32,
    pub(crate) gateways: u32,
    pub(crate) settled_by_range: Vec<u32>,
    pub(crate) counts: Counts,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum FleetError {
    #[error("failed to resolve {target}")]
    Resolve {
        target: String,
        source: std::io::Error,
    },
    #[error("failed to find an address for {target}")]
    NoAddress { target: String },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("failed to use {address} of range {range} as a source address")]
    Source {
        range: String,
        address: std::net::IpAddr,
        source: std::io::Error,
    },
    #[error("failed to open sockets: {0}")]
    OwnFault(std::io::Error),
    #[error(
        "failed to bring the fleet up: {settled} of {gateways} gateways are connected after {seconds:.0} s"
    )]
    BringUp {
        settled: u32,
        gateways: u32,
        seconds: f64,
    },
    #[error("failed to see a restart: nobody lost a connection within {seconds:.0} s")]
    NoRestart { seconds: f64 },
}

/// Told now and then how it goes.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(&Snapshot<'_>);

impl Fleet {
    /// Starts the gateways; none dials before `bring_up`. Must run inside a `LocalSet`.
    pub(crate) async fn start(scenario: Rc<Scenario>) -> Result<Self, FleetError> {
        let target = resolve(&scenario.target.address).await?;
        let tls = match &scenario.target.tls {
            Some(target) => Some(Tls::load(target, &scenario.identity.certificates)?),
            None => None,
        };
        probe_sources(&scenario)?;
        let start = Instant::now();
        let shared = Rc::new(Shared {
            target,
            tls,
            start,
            tally: RefCell::new(Tally::new(
                scenario.ranges.iter().map(|range| range.gateways),
                Duration::ZERO,
            )),
            meter: RefCell::new(Meter::new(Duration::ZERO, meter::read_self())),
            scratch: RefCell::new(vec![0; SCRATCH]),
            places: Semaphore::new(0),
            own_fault: Cell::new(None),
            scenario,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn_local(measure(Rc::clone(&shared)));
        spawn_gateways(&shared, &mut tasks);
        Ok(Self {
            shared,
            load_at_end: RefCell::new(None),
            _tasks: tasks,
        })
    }

    /// Lets the gateways dial for the first time, so many on their way at a time, until all are settled.
    pub(crate) async fn bring_up(&self, watch: Watch<'_>) -> Result<(), FleetError> {
        let bring_up = self.shared.scenario.bring_up;
        self.shared.places.add_permits(bring_up.concurrent as usize);
        if self
            .wait(bring_up.timeout, watch, Tally::all_settled)
            .await?
        {
            return Ok(());
        }
        let tally = self.shared.tally.borrow();
        Err(FleetError::BringUp {
            settled: tally.settled(),
            gateways: tally.gateways(),
            seconds: bring_up.timeout.as_secs_f64(),
        })
    }

    /// The server ends now, or has just ended: everything is counted from here.
    pub(crate) fn restarted(&self) {
        let now = self.shared.now();
        self.shared.tally.borrow_mut().begin(now);
        *self.shared.meter.borrow_mut() = Meter::new(now, meter::read_self());
    }

    /// Waits until somebody loses a connection, then counts from there.
    pub(crate) async fn await_restart(
        &self,
        wait: Duration,
        watch: Watch<'_>,
    ) -> Result<(), FleetError> {
        self.shared
            .tally
            .borrow_mut()
            .begin_at_first_drop(self.shared.now());
        if !self.wait(wait, watch, |tally| tally.fallen() > 0).await? {
            return Err(FleetError::NoRestart {
                seconds: wait.as_secs_f64(),
            });
        }
        *self.shared.meter.borrow_mut() = Meter::new(self.shared.now(), meter::read_self());
        Ok(())
    }

    /// Waits until somebody fell and all are settled again and stay so for `quiet`; false when that takes longer than
    /// `timeout`.
    pub(crate) async fn reopened(
        &self,
        timeout: Duration,
        quiet: Duration,
        watch: Watch<'_>,
    ) -> Result<bool, FleetError> {
        let began = self.shared.tally.borrow().began();
        loop {
            let left = timeout.saturating_sub(self.shared.now().saturating_sub(began));
            let back = |tally: &Tally| tally.fallen() > 0 && tally.all_settled();
            if !self.wait(left, watch, back).await? {
                return Ok(false);
            }
            let load = self.load();
            if !self
                .wait(quiet, watch, |tally| !tally.all_settled())
                .await?
            {
                // the quiet time only makes sure: it would dilute the swarm's own load
                self.load_at_end.replace(Some(load));
                return Ok(true);
            }
        }
    }

    pub(crate) fn report(&self) -> Report {
        let scenario = &self.shared.scenario;
        self.shared.tally.borrow().report(Heading {
            scenario: &scenario.name,
            target: &scenario.target.address,
            ranges: scenario
                .ranges
                .iter()
                .map(|range| range.name.as_str())
                .collect(),
            load: self
                .load_at_end
                .borrow()
                .clone()
                .unwrap_or_else(|| self.load()),
            patience: scenario.habits.patience,
        })
    }

    fn load(&self) -> Load {
        let mut meter = self.shared.meter.borrow_mut();
        meter.finish(self.shared.now(), meter::read_self());
        meter.load()
    }

    /// Whether the condition came true within `timeout`.
    async fn wait(
        &self,
        timeout: Duration,
        watch: Watch<'_>,
        done: impl Fn(&Tally) -> bool,
    ) -> Result<bool, FleetError> {
        let until = self.shared.now() + timeout;
        loop {
            if let Some(fault) = self.shared.own_fault.get() {
                return Err(FleetError::OwnFault(std::io::Error::from_raw_os_error(
                    fault,
                )));
            }
            let done = done(&self.shared.tally.borrow());
            watch(&self.snapshot());
            if done || self.shared.now() >= until {
                return Ok(done);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn snapshot(&self) -> Snapshot<'_> {
        let scenario = &self.shared.scenario;
        let tally = self.shared.tally.borrow();
        Snapshot {
            scenario,
            elapsed: self.shared.now().saturating_sub(tally.began()),
            settled: tally.settled(),
            gateways: tally.gateways(),
            settled_by_range: tally.settled_by_range(scenario.ranges.len()),
            counts: tally.counts().clone(),
        }
    }
}

async fn resolve(target: &str) -> Result<SocketAddr, FleetError> {
    let mut found =
        tokio::net::lookup_host(target)
            .await
            .map_err(|source| FleetError::Resolve {
                target: target.into(),
                source,
            })?;
    found.next().ok_or_else(|| FleetError::NoAddress {
        target: target.into(),
    })
}

/// Finds addresses that are not this machine's before thousands of gateways do.
fn probe_sources(scenario: &Scenario) -> Result<(), FleetError> {
    for range in &scenario.ranges {
        for index in [0, range.gateways - 1] {
            if let Some(address) = range.source(index) {
                dial::probe(address).map_err(|source| FleetError::Source {
                    range: range.name.clone(),
                    address,
                    source,
                })?;
            }
        }
    }
    Ok(())
}

/// The gateways of all ranges take turns, so that a bring-up reaches every range from its start.
fn spawn_gateways(shared: &Rc<Shared>, tasks: &mut JoinSet<()>) {
    let mut first = 0;
    let mut all = Vec::new();
    for (range, described) in (0_u16..).zip(&shared.scenario.ranges) {
        all.extend((0..described.gateways).map(|index| (index, range, first + index)));
        first += described.gateways;
    }
    all.sort_unstable();
    for (index, range, number) in all {
        let agent = Agent::new(Rc::clone(shared), number, range, index);
        tasks.spawn_local(agent.live());
    }
}

async fn measure(shared: Rc<Shared>) {
    loop {
        let asleep = Instant::now();
        tokio::time::sleep(meter::TICK).await;
        let now = shared.now();
        let mut meter = shared.meter.borrow_mut();
        // the timer itself counts in whole milliseconds
        meter.lag(asleep.elapsed().saturating_sub(meter::TICK));
        if meter.wants_reading(now) {
            meter.read(now, meter::read_self());
        }
    }
}
