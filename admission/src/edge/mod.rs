//! One edge process's part in admission: what it hears, what it decides every half second, what it tells.

mod backend;
mod last;
mod level;
mod limiting;
mod ramp;
mod shards;
mod steer;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::attaches::AttachLimit;
use crate::entering::{EnteringLimit, Period};
use crate::heard::{Health, Heard};
use crate::last_class::Comers;
use crate::overload::{Arrivals, Overload};
use crate::patience::Patience;
use crate::remembered::Remembered;
use crate::report::{EdgeReport, ReopeningNumber, ShardBoot, ShardReport, Trigger, Verdict};
use crate::shard::median;
use crate::slicing::{Seed, SlicePlan, SliceTable, TableFor};
use crate::times::Times;
use crate::waits::{Measure, Waits};
use ramp::Ramp;

pub use view::{EdgeCounts, EdgeSettings, EdgeView, Mode, ShardView};

/// How often edges and shards report to each other.
pub const REPORT_EVERY: Duration = Duration::from_millis(250);
/// How often the level is thought over: as often as there is news of the other edges.
pub const TICK: Duration = REPORT_EVERY;

/// One edge process's admission; owned by its control thread.
#[derive(Debug)]
pub struct EdgeAdmission {
    settings: EdgeSettings,
    heard: Heard,
    /// Shard and boot epoch, see [`EdgeReport::joined`].
    joined: BTreeMap<u32, u64>,
    ramp: Ramp,
    table: Arc<SliceTable>,
    /// What `table` is, or the next one will be, cut by; `None`: by the plan alone.
    table_for: Option<TableFor>,
    entering: EnteringLimit,
    adjusted_at: Duration,
    /// When the entering limit last grew.
    grown_at: Duration,
    /// The most that were entering at a time since the entering limit was adjusted.
    peak: u32,
    waits: Measure,
    /// Shards that are heard, as of the last tick.
    live: BTreeMap<u32, Verdict>,
    attaches: BTreeMap<u32, AttachLimit>,
    remembered: Arc<Remembered>,
    comers: Comers,
    others_wait: bool,
    /// See [`EdgeView::loosened`], and the shards that were well then.
    loosened: (u64, Vec<u32>),
    health: Health,
    /// How the process itself is, and the signal behind it.
    itself: (Verdict, Option<&'static str>),
    /// How this edge finds its backend.
    backend: Verdict,
    /// Those of all edges heard.
    backends: Health,
    limiting: Arc<str>,
    stalled: bool,
    overload: Overload,
    arrivals: Arrivals,
    learning: Patience,
    /// What all edges go by now.
    patience: Duration,
}

impl EdgeAdmission {
    pub fn new(settings: EdgeSettings) -> Self {
        let table = cut(&settings, ReopeningNumber::default(), None);
        let (patience, cap, tuning) = (settings.patience, settings.entering_cap, &settings.tuning);
        Self {
            heard: Heard::new(tuning.hearing.silent_after),
            joined: BTreeMap::new(),
            ramp: Ramp::new(settings.mode, table.slices(), tuning),
            table,
            table_for: None,
            entering: EnteringLimit::new(patience, cap, tuning),
            adjusted_at: Duration::ZERO,
            grown_at: Duration::ZERO,
            peak: 0,
            waits: Measure::default(),
            live: BTreeMap::new(),
            attaches: BTreeMap::new(),
            remembered: Arc::default(),
            comers: Comers::default(),
            others_wait: true,
            loosened: (0, Vec::new()),
            health: Health::Silent,
            itself: (Verdict::Good, None),
            backend: Verdict::Good,
            backends: Health::Good,
            limiting: Arc::from(""),
            stalled: false,
            overload: Overload::new(tuning),
            arrivals: Arrivals::default(),
            learning: Patience::new(tuning),
            patience,
            settings,
        }
    }

    /// A shard's report arrived. `true`: the view has changed and must reach the workers now.
    pub fn hear(&mut self, report: ShardReport, now: Duration) -> bool {
        let before = (self.ramp.number, self.ramp.level);
        let mut changed = self.join(&report);
        for edge in &report.edges {
            if edge.reopening == self.ramp.number {
                self.ramp.adopt_level(edge.level);
                changed |= self.ramp.adopt_steering(edge.steering);
            }
        }
        self.heard.hear(report, now);
        changed |= self.feel(now);
        changed || before != (self.ramp.number, self.ramp.level)
    }

    /// The last link to a shard broke. `true`: the view has changed and must reach the workers now.
    pub fn shard_lost(&mut self, shard: u32, now: Duration) -> bool {
        self.heard.lost(shard);
        self.feel(now)
    }

    /// How this process itself is, as its own [`crate::health::HealthJudge`] finds: an edge that is not well lets fewer in,
    /// or nobody, and leaves the level to the others.
    pub fn feel_itself(&mut self, verdict: Verdict, signal: Option<&'static str>) {
        self.itself = (verdict, signal);
    }

    /// A shard told what a reopening is cut by; of several, the greatest counts. `true`: the view has changed and must
    /// reach the workers now.
    pub fn adopt_table(&mut self, table: &TableFor) -> bool {
        let other = TableFor::adopt(&mut self.table_for, table);
        if !other || table.reopening != self.ramp.number {
            return false;
        }
        self.table = cut(&self.settings, self.ramp.number, self.table_for.as_ref());
        self.ramp.recut(self.table.slices());
        true
    }

    /// How slices are cut where no shard knows better.
    pub fn plan(&self) -> &SlicePlan {
        &self.settings.plan
    }

    /// What this edge's reopening is cut by; `None`: by the plan alone.
    pub fn table_for(&self) -> Option<&TableFor> {
        self.table_for.as_ref()
    }

    /// Every [`TICK`]. `waits`: since the last one, of all workers.
    pub fn tick(&mut self, counts: EdgeCounts, waits: &Waits, now: Duration) {
        self.feel(now);
        self.agree_on_patience(now);
        self.waits.note(waits);
        self.peak = self.peak.max(counts.entering_peak);
        self.limit_attaches(waits, now);
        // Half a tick early is in time: ticks are never quite regular.
        if now.saturating_sub(self.adjusted_at) + TICK / 2 >= self.settings.tuning.adjust_every {
            self.adjusted_at = now;
            self.adjust_entering(counts.oldest_entering, now);
        }
        self.arrivals.count(counts.arrivals, now);
        self.loosen(now);
        self.comers.forget(now);
        self.advance_level(counts, now);
        self.stalled = self.ramp.is_stalled(now);
        self.limiting = self.find_limiting(counts, now).into();
    }

    /// How long clients of the held sample waited before they left; see [`crate::hold::Hold::take_given_up`].
    pub fn gave_up(&mut self, waits: &Times) {
        self.learning.learn(waits);
    }

    /// All edges go by the median of what they have learned, so that one beside an odd crowd misleads nobody; while none
    /// has, by what shards remember.
    fn agree_on_patience(&mut self, now: Duration) {
        if !self.settings.learns_patience {
            return;
        }
        let own = self.learning.learned_ms();
        let number = self.ramp.number;
        let others = self.heard.others(&self.settings.edge, number, now);
        let learned = others.values().map(|edge| edge.patience_ms).chain([own]);
        let remembered = || {
            median(
                self.heard
                    .live(number, now)
                    .map(|shard| shard.patience_ms)
                    .filter(|millis| *millis > 0),
            )
        };
        if let Some(millis) = median(learned.filter(|millis| *millis > 0)).or_else(remembered) {
            // what a peer says is kept within bounds as what was learned is
            let tuning = &self.settings.tuning;
            let most = tuning.most_patience.max(tuning.least_patience);
            self.patience = Duration::from_millis(millis.into()).clamp(tuning.least_patience, most);
            self.entering.set_patience(self.patience);
        }
    }

    pub fn view(&self) -> EdgeView {
        EdgeView {
            mode: self.settings.mode,
            reopening: self.ramp.number,
            trigger: self.ramp.trigger,
            steering: self.ramp.steering,
            level: self.ramp.level,
            table: Arc::clone(&self.table),
            entering_limit: self.entering_limit(),
            lawful_entering_limit: self.lawful_limit(),
            stalled: self.stalled,
            patience: self.patience,
            shards: self.shard_views(),
            remembered: Arc::clone(&self.remembered),
            last_class: self.comers.last().clone(),
            last_class_limit: self.last_class_limit(),
            loosened: self.loosened.0,
            usual_time_to_connack: self.usual_time_to_connack(),
            aim: self.entering.target(),
            limiting: Arc::clone(&self.limiting),
        }
    }

    /// What shards are told every [`REPORT_EVERY`].
    pub fn report(&self, counts: EdgeCounts) -> EdgeReport {
        let entering_limit = self.lawful_limit();
        EdgeReport {
            edge: self.settings.edge.clone(),
            reopening: self.ramp.number,
            level: self.ramp.level,
            trigger: self.ramp.trigger,
            steering: self.ramp.steering,
            patience_ms: self.learning.learned_ms(),
            backend: self.backend,
            arrivals: self.arrivals.in_a_second(),
            door: counts.door,
            free_places: entering_limit.saturating_sub(counts.entering),
            entering_limit,
            held: counts.held,
            lowest_held: counts.lowest_held.unwrap_or(u32::MAX),
            age_ms: 0,
            joined: self
                .joined
                .iter()
                .map(|(shard, boot_epoch)| ShardBoot {
                    shard: *shard,
                    boot_epoch: *boot_epoch,
                })
                .collect(),
        }
    }

    /// The highest reopening number heard wins. An edge that is at the same number as a shard that it has not joined,
    /// with slices open already, has its number from before the shard's start: the shard must hear so. `true`: the
    /// reopening is steered in another way than before.
    fn join(&mut self, report: &ShardReport) -> bool {
        if report.reopening > self.ramp.number {
            self.reopen(report.reopening, report.trigger, self.remembered(report));
        }
        if report.reopening != self.ramp.number || self.ramp.number == ReopeningNumber::default() {
            return false;
        }
        if self.ramp.level == self.ramp.first_level() {
            self.joined.insert(report.shard, report.boot_epoch);
        }
        self.ramp.adopt_level(report.level);
        self.ramp.adopt_steering(report.steering)
    }

    fn reopen(&mut self, number: ReopeningNumber, trigger: Trigger, remembered: Option<u32>) {
        self.table = cut(&self.settings, number, self.table_for.as_ref());
        self.ramp.reopen(number, trigger, self.table.slices());
        self.entering.restart(remembered);
    }

    /// This edge's part of the entering limit that a shard knows to have been good; `None`: it knows of none.
    fn remembered(&self, told: &ShardReport) -> Option<u32> {
        let others = (told.edges.iter()).filter(|edge| edge.edge != self.settings.edge);
        let edges = u32::try_from(others.count()).unwrap_or(u32::MAX);
        let good = told.last_good.entering;
        (good > 0).then(|| good / edges.saturating_add(1))
    }

    /// Notes how shards and backends are. `true`: whether anybody may enter has changed.
    fn feel(&mut self, now: Duration) -> bool {
        let before = self.entering_limit();
        self.health = self.heard.health(self.ramp.number, now);
        let is_hard = self.itself.0 == Verdict::Hard;
        self.ramp.feel(&self.health_of_all(), is_hard, now);
        before != self.entering_limit()
    }

    fn adjust_entering(&mut self, oldest_entering: Option<Duration>, now: Duration) {
        let peak = std::mem::take(&mut self.peak);
        let shown = self.waits.end(oldest_entering, self.live.keys().copied());
        if self.backend == Verdict::Hard {
            // errors that are told late say nothing of how many could enter when it is well again
            return;
        }
        let is_bad = matches!(self.health, Health::Bad(_))
            || self.itself.0 == Verdict::Bad
            || self.backend == Verdict::Bad;
        if is_bad && self.entering.halve(now) {
            return;
        }
        // Without any CONNACK nothing tells that more could enter; nor before those who entered last have theirs: a fleet
        // of long patience would be let in whole meanwhile.
        let told = shown
            .measured
            .is_some_and(|took| now.saturating_sub(self.grown_at) >= took);
        let are_well = self.health == Health::Good && self.itself.0 == Verdict::Good;
        let may_grow = are_well && !is_bad && shown.tells && told;
        let before = self.entering.limit();
        self.entering.adjust(Period {
            measured: shown.measured,
            peak,
            may_grow,
        });
        if self.entering.limit() > before {
            self.grown_at = now;
        }
    }

    /// What binds.
    fn entering_limit(&self) -> u32 {
        match self.settings.mode {
            Mode::Open | Mode::DryRun => u32::MAX,
            Mode::Staged | Mode::Manual | Mode::Closed => self.lawful_limit(),
        }
    }

    /// What the law says, whether it binds or not.
    fn lawful_limit(&self) -> u32 {
        match (self.settings.mode, &self.health) {
            (Mode::Open, _) => u32::MAX,
            (Mode::Closed, _) | (_, Health::Silent | Health::Hard(_)) => 0,
            _ if self.itself.0 == Verdict::Hard => 0,
            (_, Health::Good | Health::Bad(_)) => self.limit_by_backend(),
        }
    }

    /// Before there is one: half of what is aimed at.
    fn usual_time_to_connack(&self) -> Duration {
        self.waits
            .usual()
            .unwrap_or_else(|| self.entering.target() / 2)
    }
}

fn cut(
    settings: &EdgeSettings,
    reopening: ReopeningNumber,
    table: Option<&TableFor>,
) -> Arc<SliceTable> {
    let seed = Seed::new(&settings.cluster, reopening);
    let table = table.filter(|table| table.reopening == reopening);
    Arc::new(table.map_or_else(|| settings.plan.table(seed), |table| table.spec.table(seed)))
}
