//! One run: who is there, what time it is, what happens next.

use super::client::{Client, Kind, Try};
use super::cores::{Cores, For, Job, Work};
use super::edge::Edge;
use super::moment::{Moment, duration, moment};
use super::outcome::{Outcome, Progress};
use super::scenario::Scenario;
use super::shard::{PROBE_EVERY, Shard};
use super::watch::Watch;
use super::wheel::Wheel;
use super::{Problem, Problems};
use crate::edge::{REPORT_EVERY, TICK};
use crate::health::WINDOW;
use crate::hold::SWEEP_EVERY;
use crate::slicing::TableSpec;
use crate::stable::Random;

#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Arrive(u32),
    GiveUp(Try),
    SeenGone(Try),
    LoginArrives(Try),
    BackendAnswers(Try, u16),
    BackendTold(Try, u16),
    SubscribeArrives(Try),
    SettleLook(Try),
    Leave(Try),
    KeepAlive(Try),
    CoreFree(u16, u16),
    Probe(u16),
    Judge,
    Sweep,
    Report,
    Tick,
    Fault(u16),
    Healed(u16),
}

pub(super) struct Run<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) now: Moment,
    pub(super) round_trip: Moment,
    events: Wheel<Event>,
    pub(super) clients: Vec<Client>,
    pub(super) edges: Vec<Edge>,
    pub(super) shards: Vec<Shard>,
    /// What every shard has stored for the next reopening.
    pub(super) spec: Option<TableSpec>,
    pub(super) cores: Vec<Cores>,
    pub(super) random: Random,
    /// Faults that have not yet begun.
    pub(super) pending: Vec<bool>,
    pub(super) backend: Option<super::Backend>,
    pub(super) progress: Progress,
    pub(super) watch: Watch,
}

impl Scenario {
    /// Until everybody is back and the last fault has begun, or until the time is over.
    pub fn run(&self) -> Result<Outcome, Problems> {
        self.check()?;
        let mut run = Run::new(self)?;
        let expected = self.expected();
        let at_most = moment(self.at_most);
        while !run.is_over(expected) && run.now < at_most && run.step() {}
        Ok(run.outcome())
    }
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario) -> Result<Self, Problems> {
        let capacity = &scenario.capacity;
        let half_patience = moment(scenario.first_patience() / 2);
        let cores = |count: u16| Cores::new(count, capacity.priorities, half_patience);
        let machines = if capacity.one_machine {
            vec![cores(capacity.edge_cores)]
        } else {
            let edges = (0..capacity.edges).map(|_| cores(capacity.edge_cores));
            edges
                .chain((0..capacity.shards).map(|_| cores(capacity.shard_cores)))
                .collect()
        };
        let everybody = scenario.everybody();
        // a held client comes again every few seconds; one that comes back has its packets within the ideal time
        let per_second = u64::from(everybody)
            + u64::from(everybody) * u64::from(scenario.herd.subscribes) * 2
                / (scenario.ideal().as_secs() + 1);
        let mut run = Self {
            scenario,
            now: 0,
            round_trip: moment(scenario.herd.round_trip),
            events: Wheel::new(per_second),
            clients: (0..everybody)
                .map(|client| Client::new(&scenario.herd, scenario.shard_of(client)))
                .collect(),
            edges: (0..capacity.edges)
                .map(|number| Edge::new(scenario, number, 0))
                .collect::<Result<_, _>>()
                .map_err(|error| cannot_slice(&error))?,
            shards: (0..capacity.shards)
                .map(|number| Shard::new(scenario, number, 1))
                .collect(),
            spec: scenario.spec().map_err(|error| cannot_slice(&error))?,
            cores: machines,
            random: Random::new(scenario.seed),
            pending: vec![true; scenario.faults.len()],
            backend: capacity.backend,
            progress: Progress::default(),
            watch: Watch::default(),
        };
        run.begin();
        Ok(run)
    }

    fn begin(&mut self) {
        for edge in 0..self.edges.len() {
            self.publish(edge);
        }
        let within = moment(self.scenario.herd.dials_within);
        for client in 0..self.scenario.everybody() {
            if self.scenario.kind(client) != Kind::Gone {
                let wait = self.random_below(within);
                self.dial_after(wait, client);
            }
        }
        for shard in 0..self.scenario.capacity.shards {
            self.after(0, Event::Probe(shard));
        }
        self.after(moment(WINDOW), Event::Judge);
        for event in [Event::Sweep, Event::Report, Event::Tick] {
            self.after(0, event);
        }
        self.plan_faults();
    }

    fn is_over(&self, expected: u32) -> bool {
        self.progress.back == expected && !self.pending.contains(&true)
    }

    pub(super) fn after(&mut self, wait: Moment, event: Event) {
        self.events.push(self.now.saturating_add(wait), event);
    }

    /// `false`: nothing will ever happen again.
    fn step(&mut self) -> bool {
        let Some((at, event)) = self.events.pop() else {
            return false;
        };
        self.now = at;
        match event {
            Event::Arrive(client) => self.arrive(client),
            Event::GiveUp(attempt) => self.give_up(attempt),
            Event::SeenGone(attempt) => self.seen_gone(attempt),
            Event::LoginArrives(attempt) => self.login_arrives(attempt),
            Event::BackendAnswers(attempt, edge) => self.backend_answers(attempt, edge),
            Event::BackendTold(attempt, edge) => self.backend_told(attempt, edge),
            Event::SubscribeArrives(attempt) => self.subscribe_arrives(attempt),
            Event::SettleLook(attempt) => self.settle_look(attempt),
            Event::Leave(attempt) => self.leave(attempt),
            Event::KeepAlive(attempt) => self.keep_alive(attempt),
            Event::CoreFree(machine, core) => self.core_free(machine, core),
            Event::Probe(shard) => self.probe(shard),
            Event::Judge => self.judge(),
            Event::Sweep => self.sweep(),
            Event::Report => self.report(),
            Event::Tick => self.tick(),
            Event::Fault(fault) => self.fault(fault),
            Event::Healed(fault) => self.healed(fault),
        }
        true
    }

    pub(super) fn client(&mut self, attempt: Try) -> &mut Client {
        &mut self.clients[attempt.client as usize]
    }

    /// Whether the client itself is still at this try.
    pub(super) fn is_current(&self, attempt: Try) -> bool {
        self.clients[attempt.client as usize].tries == attempt.number
    }

    /// Whether its edge still has this try.
    pub(super) fn is_served(&self, attempt: Try) -> bool {
        self.clients[attempt.client as usize].served == attempt.number
    }

    /// `0..below`, or 0.
    pub(super) fn random_below(&mut self, below: Moment) -> Moment {
        if below == 0 {
            0
        } else {
            self.random.next() % below
        }
    }

    pub(super) fn edge_machine(&self, edge: u16) -> u16 {
        if self.scenario.capacity.one_machine {
            0
        } else {
            edge
        }
    }

    pub(super) fn shard_machine(&self, shard: u16) -> u16 {
        if self.scenario.capacity.one_machine {
            0
        } else {
            self.scenario.capacity.edges + shard
        }
    }

    pub(super) fn work(&mut self, machine: u16, whom: For, work: Work, cost: Moment) {
        self.cores[usize::from(machine)].queue(whom, work, cost, self.now);
        self.keep_busy(machine);
    }

    pub(super) fn keep_busy(&mut self, machine: u16) {
        let clients = &self.clients;
        let is_there = |whom| match whom {
            For::Client(attempt) => clients[attempt.client as usize].served == attempt.number,
            For::Probe(_) => true,
        };
        while let Some((core, takes, job)) =
            self.cores[usize::from(machine)].start(self.now, is_there)
        {
            self.events
                .push(self.now + takes, Event::CoreFree(machine, core));
            let waited = self.now - job.queued;
            match job.whom {
                For::Probe(shard) => self.shards[usize::from(shard)].probed(duration(waited)),
                For::Client(attempt) => {
                    let edge = clients[attempt.client as usize].edge;
                    self.edges[usize::from(edge)].waited(job.work, duration(waited));
                }
            }
        }
    }

    fn core_free(&mut self, machine: u16, core: u16) {
        if let Some(job) = self.cores[usize::from(machine)].end(core) {
            self.done(job);
        }
        self.keep_busy(machine);
    }

    fn done(&mut self, job: Job) {
        let For::Client(attempt) = job.whom else {
            return;
        };
        if !self.is_served(attempt) {
            return;
        }
        match job.work {
            Work::Handshake => self.handshake_done(attempt),
            Work::Login => self.login_done(attempt),
            Work::Session => self.session_open(attempt),
            Work::Subscribe => self.subscribed(attempt, job.queued),
            Work::Settled => self.answered(attempt, job.queued),
        }
    }

    fn probe(&mut self, shard: u16) {
        let machine = self.shard_machine(shard);
        self.work(machine, For::Probe(shard), Work::Settled, 0);
        self.after(PROBE_EVERY, Event::Probe(shard));
    }

    pub(super) fn after_report(&mut self) {
        self.after(moment(REPORT_EVERY), Event::Report);
    }

    pub(super) fn after_tick(&mut self) {
        self.after(moment(TICK), Event::Tick);
    }

    pub(super) fn after_sweep(&mut self) {
        self.after(moment(SWEEP_EVERY), Event::Sweep);
    }

    pub(super) fn after_window(&mut self) {
        self.after(moment(WINDOW), Event::Judge);
    }
}

/// Nothing that a scenario can say leads to this; the library's own limits do.
fn cannot_slice(error: &crate::slicing::SlicingErrors) -> Problems {
    Problems(vec![Problem {
        field: "slicing".to_owned(),
        found: error.to_string(),
        allowed: "a way to cut slices".to_owned(),
    }])
}
