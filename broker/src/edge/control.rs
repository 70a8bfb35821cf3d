//! The edge's control thread: sums up its workers, runs admission, tells workers and shards.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use herdgate_admission::attaches::UNBOUND;
use herdgate_admission::census::Census;
use herdgate_admission::edge::{EdgeAdmission, EdgeCounts, EdgeView, REPORT_EVERY};
use herdgate_admission::last_class::Came;
use herdgate_admission::progress::{Steer, Steered};
use herdgate_admission::record::Recorder;
use herdgate_admission::report::{EdgeReport, ShardReport};
use herdgate_admission::slicing::TableFor;
use herdgate_admission::steering::NotSteered;
use herdgate_admission::times::Times;
use herdgate_admission::waits::Waits;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::counting::Counting;
use super::drain::Stage;
use super::own_health::OwnHealth;
use super::questions::{MOST_QUESTIONS, Question};
use super::shared::Shared;
use super::standing;
use super::worker::WorkerWires;
use crate::metrics::GateDecision;

/// What control hears. Bounded by its senders: a few messages a second each.
#[derive(Debug)]
pub enum ControlMail {
    Worker(Box<WorkerNews>),
    /// By way of one of the links to it.
    Shard {
        link: usize,
        report: Box<ShardReport>,
    },
    /// What a reopening is cut by.
    Table(Arc<TableFor>),
    /// One worker's link to it is up, or is not any more.
    Link {
        link: usize,
        up: bool,
    },
    /// A person's.
    Steer {
        steer: Steer,
        answer: oneshot::Sender<Result<Steered, NotSteered>>,
    },
}

/// What a worker tells control, four times a second.
#[derive(Debug)]
pub struct WorkerNews {
    pub worker: usize,
    pub door: u32,
    pub held: u32,
    /// Since when the one has been entering that has been so for longest.
    pub oldest_entering: Option<Duration>,
    /// The lowest closed slice that somebody waits in.
    pub lowest_held: Option<u32>,
    /// Since the last news.
    pub waits: Waits,
    /// Addresses of clients that waited in vain for a shard, since the last news.
    pub refused: Vec<(IpAddr, u32)>,
    /// How clients' ways in ended, since the last news.
    pub came: Vec<Came>,
    /// How long clients of the held sample waited that gave up, since the last news.
    pub given_up: Times,
    /// Its clients, when it was time to count them.
    pub census: Option<Census>,
}

/// What `/status` shows of the edge.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What the slices are cut by; `None`: by the plan alone.
    pub table: Option<TableFor>,
    pub view: EdgeView,
    pub counts: EdgeCounts,
    /// The last report of each shard, by link.
    pub shards: Vec<Option<Arc<ShardReport>>>,
    pub record: Arc<Recorder>,
}

/// Runs on the control thread.
#[derive(Debug)]
pub struct EdgeControl {
    shared: Arc<Shared>,
    admission: EdgeAdmission,
    /// `None`: somebody else looks after the process.
    own_health: Option<OwnHealth>,
    mail: UnboundedReceiver<ControlMail>,
    workers: Vec<WorkerNews>,
    waits: Waits,
    shards: Vec<Option<Arc<ShardReport>>>,
    /// How many workers' links to each are up.
    links: Vec<usize>,
    view: watch::Sender<EdgeView>,
    report: watch::Sender<Option<Arc<EdgeReport>>>,
    counting: Counting,
    snapshot: Arc<ArcSwap<Snapshot>>,
    record: Arc<Recorder>,
    /// See [`Self::arrived`]; at the last tick.
    arrived: u64,
}

/// The other ends of control's wires.
#[derive(Debug)]
pub struct EdgeControlWires {
    pub workers: WorkerWires,
    pub drain: watch::Sender<Stage>,
    pub control: UnboundedSender<ControlMail>,
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    pub questions: broadcast::Sender<Question>,
}

impl EdgeControl {
    pub fn new(
        shared: Arc<Shared>,
        admission: EdgeAdmission,
        links: usize,
    ) -> (Self, EdgeControlWires) {
        let (control, mail) = unbounded_channel();
        let first = admission.view();
        shared.places.set_limit(first.entering_limit);
        let shards = vec![None; links];
        let snapshot = Snapshot {
            table: None,
            view: first.clone(),
            counts: EdgeCounts::default(),
            shards: shards.clone(),
            record: Arc::default(),
        };
        let snapshot = Arc::new(ArcSwap::from_pointee(snapshot));
        let (view, views) = watch::channel(first);
        // Links send it as soon as they are up: a shard numbers a reopening only when it hears of an edge.
        let (report, reports) =
            watch::channel(Some(Arc::new(admission.report(EdgeCounts::default()))));
        let counting = Counting::new(&shared, &admission);
        let (questions, _) = broadcast::channel(MOST_QUESTIONS);
        let (drain, stage) = watch::channel(Stage::Serving);
        let workers = WorkerWires {
            control: control.clone(),
            view: views,
            report: reports,
            census: counting.reports(),
            drain: stage,
            questions: questions.clone(),
        };
        let wires = EdgeControlWires {
            workers,
            drain,
            control,
            snapshot: Arc::clone(&snapshot),
            questions,
        };
        let workers = (0..shared.settings.workers.get()).map(no_news).collect();
        (
            Self {
                shared,
                admission,
                own_health: None,
                mail,
                workers,
                waits: Waits::default(),
                shards,
                links: vec![0; links],
                view,
                report,
                counting,
                snapshot,
                record: Arc::default(),
                arrived: 0,
            },
            wires,
        )
    }

    /// The process is this edge's alone, and its health the edge's.
    #[must_use]
    pub fn looking_at(self, process: OwnHealth) -> Self {
        Self {
            own_health: Some(process),
            ..self
        }
    }

    /// Runs until the process ends.
    pub async fn run(mut self) {
        let mut ticks = interval(REPORT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                mail = self.mail.recv() => match mail {
                    Some(mail) => self.take(mail),
                    None => return,
                },
                _ = ticks.tick() => self.tick(),
            }
        }
    }

    fn take(&mut self, mail: ControlMail) {
        let now = self.shared.clock.now();
        let changed = match mail {
            ControlMail::Table(table) => self.admission.adopt_table(&table),
            ControlMail::Worker(mut news) => {
                self.counting.counted(news.worker, news.census.take());
                self.waits.merge(&news.waits);
                let refused = std::mem::take(&mut news.refused);
                self.admission.remember(refused, now);
                self.admission.came(std::mem::take(&mut news.came), now);
                self.admission.gave_up(&news.given_up);
                if let Some(known) = self.workers.get_mut(news.worker) {
                    *known = *news;
                }
                false
            }
            ControlMail::Shard { link, report } => {
                if let Some(known) = self.shards.get_mut(link) {
                    *known = Some(Arc::new((*report).clone()));
                }
                self.admission.hear(*report, now)
            }
            ControlMail::Link { link, up } => self.link(link, up, now),
            ControlMail::Steer { steer, answer } => {
                let steered = self.admission.steer(steer, now);
                let changed = steered.is_ok();
                if changed {
                    self.tell_shards(self.counts(now, 0));
                }
                // whoever asked may have gone
                let _ = answer.send(steered);
                changed
            }
        };
        if changed {
            self.publish();
        }
    }

    /// With its last link a shard is lost. `true`: the view has changed.
    fn link(&mut self, link: usize, up: bool, now: Duration) -> bool {
        let Some(links) = self.links.get_mut(link) else {
            return false;
        };
        *links = if up {
            *links + 1
        } else {
            links.saturating_sub(1)
        };
        if *links > 0 {
            return false;
        }
        let lost = self.shards.get_mut(link).and_then(Option::take);
        lost.is_some_and(|report| self.admission.shard_lost(report.shard, now))
    }

    fn tick(&mut self) {
        let now = self.shared.clock.now();
        let own = self.own_health.as_mut().and_then(|own| own.look(now));
        if let Some((verdict, signal)) = own {
            self.admission.feel_itself(verdict, signal);
        }
        let arrived = self.arrived();
        let counts = EdgeCounts {
            arrivals: u32::try_from(arrived.saturating_sub(self.arrived)).unwrap_or(u32::MAX),
            ..self.counts(now, self.shared.places.take_peak())
        };
        self.arrived = arrived;
        let backend = self.shared.authenticator.backend_health();
        self.admission.feel_backend(backend);
        self.asked();
        self.still_waiting();
        self.admission
            .tick(counts, &std::mem::take(&mut self.waits), now);
        self.tell_shards(counts);
        // before the view, with which workers look anew
        self.grant();
        self.publish();
    }

    /// A worker without news since the last tick has those who waited then.
    fn still_waiting(&mut self) {
        let known = self.workers.iter().flat_map(|news| &news.waits.shards);
        for (shard, known) in known.filter(|(_, known)| known.oldest.is_some()) {
            let waits = self.waits.of(*shard);
            waits.oldest = waits.oldest.max(known.oldest);
        }
    }

    /// What shards may be asked until the next tick.
    fn grant(&self) {
        let view = self.admission.view();
        for shard in (0..).take(self.shards.len()) {
            let known = view.shard(shard);
            let attaches = known.map_or(UNBOUND, |shard| shard.attaches);
            self.shared.attaches.grant(shard, attaches);
        }
    }

    fn asked(&mut self) {
        for shard in (0..).take(self.shards.len()) {
            let asked = self.shared.attaches.take_asked(shard);
            if asked > 0 {
                self.waits.of(shard).asked += asked;
            }
        }
    }

    /// Clients that the gate has decided about since the start; one that waits after its CONNECT once, too.
    fn arrived(&self) -> u64 {
        let gate = &self.shared.metrics.edge.gate;
        [GateDecision::Admit, GateDecision::Hold, GateDecision::Reset]
            .map(|decision| gate.get(decision))
            .iter()
            .sum()
    }

    fn tell_shards(&mut self, counts: EdgeCounts) {
        self.report
            .send_replace(Some(Arc::new(self.admission.report(counts))));
        self.counting.tell(&self.admission, self.shared.clock.now());
    }

    fn record(&mut self, now: &Snapshot) {
        let shared = &self.shared;
        if now.view.reopening != self.record.reopening() {
            shared.entered.restart();
        } else if self.record.finished().is_some() {
            return;
        }
        let totals = standing::totals(now, &shared.settings.id);
        let entered = shared.entered.counts(now.view.slices());
        let handshakes = shared.metrics.edge.handshakes_started.get();
        let sample = standing::sample(now, totals, handshakes, &entered);
        Arc::make_mut(&mut self.record).note(&sample, shared.clock.now());
    }

    fn counts(&self, now: Duration, entering_peak: u32) -> EdgeCounts {
        let oldest = self
            .workers
            .iter()
            .filter_map(|worker| worker.oldest_entering)
            .min();
        EdgeCounts {
            door: self.workers.iter().map(|worker| worker.door).sum(),
            held: self.workers.iter().map(|worker| worker.held).sum(),
            entering: self.shared.places.used(),
            entering_peak,
            arrivals: 0,
            lowest_held: self
                .workers
                .iter()
                .filter_map(|worker| worker.lowest_held)
                .min(),
            oldest_entering: oldest.map(|since| now.saturating_sub(since)),
        }
    }

    fn publish(&mut self) {
        let view = self.admission.view();
        self.shared.places.set_limit(view.entering_limit);
        self.shared.places.set_last_limit(view.last_class_limit);
        let counts = self.counts(self.shared.clock.now(), 0);
        self.show(&view, counts);
        let table = self.admission.table_for();
        let mut snapshot = Snapshot {
            table: table
                .filter(|table| table.reopening == view.reopening)
                .cloned(),
            view: view.clone(),
            counts,
            shards: self.shards.clone(),
            record: Arc::clone(&self.record),
        };
        self.record(&snapshot);
        snapshot.record = Arc::clone(&self.record);
        self.snapshot.store(Arc::new(snapshot));
        self.view.send_replace(view);
    }

    fn show(&self, view: &EdgeView, counts: EdgeCounts) {
        let metrics = &self.shared.metrics.edge;
        metrics.held.set(counts.held.into());
        metrics.door.set(counts.door.into());
        metrics.entering.set(counts.entering.into());
        metrics.entering_limit.set(view.entering_limit.into());
        metrics.level.set(view.level.into());
        metrics.stalled.set(view.stalled.into());
        metrics.last_class.set(gauge(view.last_class.len()));
        metrics.remembered.set(gauge(view.remembered.len()));
        metrics.slices.set(view.slices().into());
        metrics.reopening.set(gauge(view.reopening.0));
    }
}

fn no_news(worker: usize) -> WorkerNews {
    WorkerNews {
        worker,
        door: 0,
        held: 0,
        oldest_entering: None,
        lowest_held: None,
        waits: Waits::default(),
        refused: Vec::new(),
        came: Vec::new(),
        given_up: Times::default(),
        census: None,
    }
}

fn gauge(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
