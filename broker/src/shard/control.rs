//! The shard's control thread: sums up its workers, judges its health, hears edges and tells them.

mod figures;
mod keeping;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use herdgate_admission::edge::REPORT_EVERY;
use herdgate_admission::health::{DRAINING, HealthJudge, WINDOW, Window};
use herdgate_admission::keeper::{CensusReport, KeeperSettings};
use herdgate_admission::progress::{GateMode, Steer, Steered};
use herdgate_admission::report::{EdgeReport, ShardReport, Verdict};
use herdgate_admission::shard::{ShardAdmission, ShardCounts};
use herdgate_admission::steering::NotSteered;
use herdgate_admission::stored::{Limits, Stored};
use herdgate_admission::tuning::HealthTuning;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::core::{WorkerIndex, WorkerStats};
use super::mailbox::{Mail, Mailbox};
use super::system::SystemTopics;
use crate::metrics::ShardMetrics;
use crate::process::{Allowances, Clock};
use figures::Figures;
use keeping::Keeping;

pub use keeping::{Tables, Told};

/// What a worker tells control, four times a second.
#[derive(Debug)]
pub struct WorkerNews {
    pub worker: WorkerIndex,
    pub stats: WorkerStats,
    /// Once a second.
    pub window: Option<Box<Window>>,
}

/// The ends of control's wires.
#[derive(Clone, Debug)]
pub struct ControlWires {
    pub news: UnboundedSender<WorkerNews>,
    /// Reports of edges, from any link.
    pub edges: UnboundedSender<EdgeReport>,
    /// What edges count, from any link.
    pub censuses: UnboundedSender<CensusReport>,
    /// What reopenings are cut by, for every link.
    pub tables: Tables,
    /// The census, for the admin port.
    pub census: Told,
    /// What is to be stored.
    pub states: watch::Receiver<Arc<Stored>>,
    /// The shard's own report, for every link.
    pub report: watch::Receiver<Option<Arc<ShardReport>>>,
    /// The same, for `/status`.
    pub latest: Arc<ArcSwapOption<ShardReport>>,
    /// `true`: edges are to let nobody in any more.
    pub draining: watch::Sender<bool>,
    pub steers: UnboundedSender<SteerMail>,
}

/// What a person asks.
#[derive(Debug)]
pub struct SteerMail {
    pub mode: GateMode,
    pub steer: Steer,
    pub answer: oneshot::Sender<Result<Steered, NotSteered>>,
}

/// What control goes by.
#[derive(Clone, Copy, Debug, Default)]
pub struct ControlSettings {
    pub keeper: KeeperSettings,
    pub health: HealthTuning,
}

/// Runs on the control thread.
#[derive(Debug)]
pub struct ShardControl {
    clock: Clock,
    admission: ShardAdmission,
    judge: HealthJudge,
    allowances: Allowances,
    figures: Figures,
    window: Window,
    news: UnboundedReceiver<WorkerNews>,
    edges: UnboundedReceiver<EdgeReport>,
    censuses: UnboundedReceiver<CensusReport>,
    keeping: Keeping,
    report: watch::Sender<Option<Arc<ShardReport>>>,
    latest: Arc<ArcSwapOption<ShardReport>>,
    draining: watch::Receiver<bool>,
    steers: UnboundedReceiver<SteerMail>,
    /// Any worker finds the owners of the topics.
    system: Option<(SystemTopics, Mailbox)>,
}

impl ShardControl {
    /// `boot_epoch`: another one at each start.
    pub fn new(
        shard: u32,
        boot_epoch: u64,
        workers: u16,
        clock: Clock,
        metrics: ShardMetrics,
        system: Option<(SystemTopics, Mailbox)>,
        (settings, stored): (ControlSettings, Stored),
    ) -> (Self, ControlWires) {
        let (news, news_in) = unbounded_channel();
        let (edges, edges_in) = unbounded_channel();
        let (censuses, censuses_in) = unbounded_channel();
        let mut admission = ShardAdmission::new(shard, boot_epoch, settings.keeper.hearing);
        admission.restore(stored.reopening, stored_patience_ms(&stored));
        let (keeping, tables, states) =
            Keeping::new(settings.keeper, stored, metrics.state.clone());
        let census = keeping.told();
        let (report, report_out) = watch::channel(None);
        let latest = Arc::new(ArcSwapOption::empty());
        let (draining, draining_in) = watch::channel(false);
        let (steers, steers_in) = unbounded_channel();
        let control = Self {
            clock,
            admission,
            censuses: censuses_in,
            keeping,
            judge: HealthJudge::new(settings.health),
            allowances: Allowances::find(),
            figures: Figures::new(workers, metrics),
            window: Window::default(),
            news: news_in,
            edges: edges_in,
            report,
            latest: Arc::clone(&latest),
            draining: draining_in,
            steers: steers_in,
            system,
        };
        (
            control,
            ControlWires {
                news,
                edges,
                censuses,
                tables,
                census,
                states,
                report: report_out,
                latest,
                draining,
                steers,
            },
        )
    }

    /// Runs until the process ends.
    pub async fn run(mut self) {
        let mut reports = ticks(REPORT_EVERY);
        let mut windows = ticks(WINDOW);
        loop {
            tokio::select! {
                Some(news) = self.news.recv() => self.take(&news),
                Some(report) = self.edges.recv() => {
                    if self.admission.hear(report, self.clock.now()) {
                        self.tell();
                    }
                }
                Some(report) = self.censuses.recv() => {
                    let limits = self.limits();
                    self.keeping.hear(report, limits, self.clock.now());
                }
                Ok(()) = self.draining.changed() => self.tell(),
                Some(mail) = self.steers.recv() => self.steer(mail),
                _ = reports.tick() => {
                    self.tell();
                    self.write_system_topics();
                }
                _ = windows.tick() => self.judge(),
                else => return,
            }
        }
    }

    fn steer(&mut self, mail: SteerMail) {
        let steered = self.admission.steer(mail.mode, mail.steer);
        if steered.is_ok() {
            self.tell();
        }
        // whoever asked may have gone
        let _ = mail.answer.send(steered);
    }

    fn take(&mut self, news: &WorkerNews) {
        if let Some(window) = &news.window {
            self.window.merge(window);
        }
        self.figures.take(news.worker, &news.stats);
    }

    fn judge(&mut self) {
        let window = Window {
            allowance: self.allowances.look(),
            ..std::mem::take(&mut self.window)
        };
        self.judge.judge(&window);
    }

    fn write_system_topics(&mut self) {
        let Some((topics, worker)) = &mut self.system else {
            return;
        };
        let news = topics.look(self.clock.now(), &self.figures.totals());
        if !news.is_empty() {
            worker.send(Mail::System(news));
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            patience: (self.admission.patience_ms() > 0)
                .then(|| Duration::from_millis(self.admission.patience_ms().into())),
            entering: self.admission.entering(),
            settling: self.figures.counts().settle_limit,
        }
    }

    fn tell(&mut self) {
        let (number, level) = (self.admission.reopening(), self.admission.level());
        let limits = self.limits();
        self.keeping.think(number, level, limits, self.clock.now());
        let (verdict, signal) = if *self.draining.borrow() {
            (Verdict::Hard, Some(DRAINING))
        } else {
            (self.judge.verdict(), self.judge.signal())
        };
        let counts = ShardCounts {
            verdict,
            signal: signal.map(str::to_owned),
            last_good: self.keeping.last_good(),
            addresses: self.keeping.addresses(),
            ..self.figures.counts()
        };
        let report = Arc::new(self.admission.report(counts, self.clock.now()));
        self.latest.store(Some(Arc::clone(&report)));
        self.report.send_replace(Some(report));
    }
}

fn stored_patience_ms(stored: &Stored) -> u32 {
    let patience = stored.limits.patience.unwrap_or_default();
    u32::try_from(patience.as_millis()).unwrap_or(u32::MAX)
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn a_shard_that_is_told_to_end_lets_edges_know() {
        let metrics = Metrics::new().shard;
        let (mut control, wires) = ShardControl::new(
            0,
            1,
            1,
            Clock::start(),
            metrics,
            None,
            (ControlSettings::default(), Stored::default()),
        );
        let mut told = || {
            control.tell();
            let report = wires.latest.load_full().unwrap();
            (report.verdict, report.signal.clone())
        };
        assert_eq!(told(), (Verdict::Good, None));
        wires.draining.send_replace(true);
        assert_eq!(told(), (Verdict::Hard, Some("draining".to_owned())));
    }
}
