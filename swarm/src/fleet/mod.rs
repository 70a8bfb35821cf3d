//! The whole fleet on one thread: a task per gateway, one tally, one meter.

mod agent;
mod connection;
mod start;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::dial::{Stream, Tls, TlsError};
use crate::meter::{self, Load, Meter};
use crate::outside::{Outside, Reports, Stage};
use crate::scenario::Scenario;
use crate::status::{Asking, Status};
use crate::tally::{BringUpReport, Counts, Heading, Members, Report, Tally};
use crate::timeline::{Point, Timeline};

/// How often a waiting run looks at the tally and the view is told.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes of the buffer all gateways read through.
const SCRATCH: usize = 16 * 1024;

/// What all gateways share.
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
    /// Wakes all when their ways to the server are cut.
    cut: Notify,
    /// Connections that were cut: neither end knows.
    lingering: RefCell<Vec<Box<dyn Stream>>>,
    /// The error number when something is wrong with the swarm itself, such as no free file descriptor.
    own_fault: Cell<Option<i32>>,
}

impl Shared {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A running fleet; its gateways end with it.
pub(crate) struct Fleet {
    shared: Rc<Shared>,
    load_at_end: RefCell<Option<Load>>,
    bring_up: Cell<Option<BringUpReport>>,
    timeline: RefCell<Timeline>,
    asking: RefCell<Option<Asking>>,
    outside: RefCell<Option<Outside>>,
    reports: RefCell<Reports>,
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
    /// Somebody lost a connection since.
    pub(crate) has_begun: bool,
    pub(crate) counts: Counts,
    /// What the server says of itself, where it is asked.
    pub(crate) server: Option<Status>,
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
    #[error("failed to run the clients beside the fleet")]
    Outside(#[source] anyhow::Error),
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

impl std::fmt::Debug for Fleet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // streams of any kind say nothing of themselves
        f.debug_struct("Fleet").finish_non_exhaustive()
    }
}

/// Told now and then how it goes.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(&Snapshot<'_>);

impl Fleet {
    /// Starts the gateways; none dials before `bring_up`. Must run inside a `LocalSet`.
    pub(crate) async fn start(scenario: Rc<Scenario>) -> Result<Self, FleetError> {
        let target = start::resolve(&scenario.target.address).await?;
        let tls = match &scenario.target.tls {
            Some(target) => Some(Tls::load(target, &scenario.identity.certificates)?),
            None => None,
        };
        start::probe_sources(&scenario)?;
        let began = Instant::now();
        let shared = Rc::new(Shared {
            target,
            tls,
            start: began,
            tally: RefCell::new(Tally::new(
                scenario.ranges.iter().map(|range| Members {
                    gateways: range.gateways,
                    flap: range.flaps_after.is_some(),
                }),
                Duration::ZERO,
            )),
            meter: RefCell::new(Meter::new(Duration::ZERO, meter::read_self())),
            scratch: RefCell::new(vec![0; SCRATCH]),
            places: Semaphore::new(0),
            cut: Notify::new(),
            lingering: RefCell::default(),
            own_fault: Cell::new(None),
            scenario,
        });
        let outside = start::outside(&shared).map_err(FleetError::Outside)?;
        let mut tasks = JoinSet::new();
        tasks.spawn_local(start::measure(Rc::clone(&shared)));
        start::spawn_gateways(&shared, &mut tasks);
        let fleet = Self {
            load_at_end: RefCell::default(),
            bring_up: Cell::default(),
            timeline: RefCell::default(),
            asking: RefCell::default(),
            outside: RefCell::new(outside),
            reports: RefCell::default(),
            _tasks: tasks,
            shared,
        };
        if let Some(admin) = &fleet.shared.scenario.target.admin {
            fleet.follow(admin);
        }
        Ok(fleet)
    }

    /// Asks the server at this `host:port` for its status from now on.
    pub(crate) fn follow(&self, admin: &str) {
        self.asking.replace(Some(Asking::start(admin)));
    }

    /// Lets the gateways dial for the first time, so many on their way at a time, until all are settled.
    pub(crate) async fn bring_up(&self, watch: Watch<'_>) -> Result<(), FleetError> {
        let bring_up = self.shared.scenario.bring_up;
        self.shared.places.add_permits(bring_up.concurrent as usize);
        if self
            .wait(bring_up.timeout, watch, Tally::all_settled)
            .await?
        {
            self.bring_up.set(Some(self.brought_up()));
            return self.idle(watch).await;
        }
        let tally = self.shared.tally.borrow();
        Err(FleetError::BringUp {
            settled: tally.settled(),
            gateways: tally.gateways(),
            seconds: bring_up.timeout.as_secs_f64(),
        })
    }

    fn brought_up(&self) -> BringUpReport {
        let tally = self.shared.tally.borrow();
        BringUpReport {
            concurrent: self.shared.scenario.bring_up.concurrent,
            seconds: tally.last_back().as_secs_f64(),
            handshakes: tally.counts().handshakes,
        }
    }

    /// All are up, and the probe takes its time.
    async fn idle(&self, watch: Watch<'_>) -> Result<(), FleetError> {
        self.enter(Stage::Idle);
        let probe = &self.shared.scenario.probe;
        let idle = probe.as_ref().map_or(Duration::ZERO, |probe| probe.idle);
        self.wait(idle, watch, |_| false).await.map(drop)
    }

    fn enter(&self, stage: Stage) {
        if let Some(outside) = &*self.outside.borrow() {
            outside.enter(stage);
        }
    }

    /// The server ends now, or has just ended: everything is counted from here.
    pub(crate) fn restarted(&self) {
        self.shared.tally.borrow_mut().begin(self.shared.now());
        self.begin_ramp();
    }

    /// All ways to the server are cut now; the server is not told.
    pub(crate) fn cut(&self) {
        self.restarted();
        self.shared.cut.notify_waiters();
    }

    fn begin_ramp(&self) {
        self.enter(Stage::Ramp);
        self.timeline.take();
        *self.shared.meter.borrow_mut() = Meter::new(self.shared.now(), meter::read_self());
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
        self.begin_ramp();
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
            self.enter(Stage::Over);
            let load = self.load();
            if !self
                .wait(quiet, watch, |tally| !tally.all_settled())
                .await?
            {
                // the quiet time only makes sure: it would dilute the swarm's own load
                self.load_at_end.replace(Some(load));
                return Ok(true);
            }
            self.enter(Stage::Ramp);
        }
    }

    /// Ends the clients beside the fleet and keeps what they say for the report.
    pub(crate) async fn finish(&self) -> Result<(), FleetError> {
        let outside = self.outside.take();
        if let Some(outside) = outside {
            let reports = outside.finish().await.map_err(FleetError::Outside)?;
            self.reports.replace(reports);
        }
        Ok(())
    }

    pub(crate) fn report(&self) -> Report {
        let scenario = &self.shared.scenario;
        let reports = self.reports.borrow().clone();
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
            bring_up: self.bring_up.get(),
            probe: reports.probe,
            cloud: reports.cloud,
            timeline: self.timeline.borrow().clone(),
            expectations: scenario.expect,
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
            let snapshot = self.snapshot();
            self.note(&snapshot);
            watch(&snapshot);
            if done || self.shared.now() >= until {
                return Ok(done);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn note(&self, snapshot: &Snapshot<'_>) {
        let seconds = snapshot.elapsed.as_secs_f64();
        let mut timeline = self.timeline.borrow_mut();
        if timeline.wants(seconds) {
            timeline.add(Point {
                seconds,
                settled: snapshot.settled,
                attempts: snapshot.counts.attempts,
                handshakes: snapshot.counts.handshakes,
                drops: snapshot.counts.drops,
                server: snapshot.server.clone(),
            });
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        let scenario = &self.shared.scenario;
        let tally = self.shared.tally.borrow();
        Snapshot {
            scenario,
            elapsed: self.shared.now().saturating_sub(tally.began()),
            settled: tally.settled(),
            gateways: tally.gateways(),
            settled_by_range: tally.settled_by_range(scenario.ranges.len()),
            has_begun: tally.fallen() > 0,
            counts: tally.counts().clone(),
            server: self.asking.borrow().as_ref().and_then(Asking::latest),
        }
    }
}
