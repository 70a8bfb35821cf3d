//! The edge's control thread: sums up its workers, runs admission, tells workers and shards.

mod mail;
mod snapshot;
mod tick;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use herdgate_admission::edge::{EdgeAdmission, EdgeCounts, EdgeView, REPORT_EVERY};
use herdgate_admission::record::Recorder;
use herdgate_admission::report::{EdgeReport, ShardReport};
use herdgate_admission::waits::Waits;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{broadcast, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::counting::Counting;
use super::drain::Stage;
use super::own_health::OwnHealth;
use super::questions::{MOST_QUESTIONS, Question};
use super::shared::Shared;
use super::worker::WorkerWires;
use mail::no_news;

pub use mail::{ControlMail, WorkerNews};
pub use snapshot::Snapshot;

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

    fn tell_shards(&mut self, counts: EdgeCounts) {
        self.report
            .send_replace(Some(Arc::new(self.admission.report(counts))));
        self.counting.tell(&self.admission, self.shared.clock.now());
    }
}
