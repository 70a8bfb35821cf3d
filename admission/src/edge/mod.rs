//! One edge process's part in admission: what it hears, what it decides every half second, what it tells.

mod view;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::advance::{Advance, Door};
use crate::entering::{EnteringLimit, Period};
use crate::heard::{self, Health, Heard};
use crate::report::{EdgeReport, ReopeningNumber, ShardBoot, ShardReport};
use crate::slicing::{Seed, SliceTable, TableFor};
use crate::times::Times;

pub use view::{EdgeCounts, EdgeSettings, EdgeView, Mode};

/// How often edges and shards report to each other.
pub const REPORT_EVERY: Duration = Duration::from_millis(250);
/// How often the level is thought over: as often as there is news of the other edges.
pub const TICK: Duration = REPORT_EVERY;
/// How often the entering limit is: a tenth of the usual patience; sooner, a change has not yet shown what it does.
const ADJUST_EVERY: Duration = Duration::from_millis(500);
/// A level that nobody knocks at moves after this: perhaps nobody is left to knock.
const KNOCK_WITHIN: Duration = Duration::from_secs(30);
/// A percentile of fewer times is chance; older ones are then taken in.
const ENOUGH_TIMES: u64 = 20;
/// The usual time to CONNACK before there is one: half of what is aimed at, as a part of the patience.
const FIRST_USUAL_PARTS: u32 = 10;

/// One edge process's admission; owned by its control thread.
#[derive(Debug)]
pub struct EdgeAdmission {
    settings: EdgeSettings,
    heard: Heard,
    /// Shard and boot epoch, see [`EdgeReport::joined`].
    joined: BTreeMap<u32, u64>,
    reopening: ReopeningNumber,
    level: u32,
    table: Arc<SliceTable>,
    /// What `table` is, or the next one will be, cut by; `None`: by the plan alone.
    table_for: Option<TableFor>,
    advance: Advance,
    /// When this edge first heard a shard at this reopening.
    heard_since: Option<Duration>,
    knocked: bool,
    entering: EnteringLimit,
    adjusted_at: Duration,
    /// When the entering limit last grew.
    grown_at: Duration,
    /// Since the entering limit was adjusted: times to CONNACK, and the most that were entering at a time.
    period: (Times, u32),
    /// Times to CONNACK of earlier periods too, older ones faded.
    recent: Times,
    /// What the last period showed.
    measured: Option<Duration>,
    health: Health,
    limiting: Arc<str>,
}

impl EdgeAdmission {
    pub fn new(settings: EdgeSettings) -> Self {
        let reopening = ReopeningNumber::default();
        Self {
            heard: Heard::default(),
            joined: BTreeMap::new(),
            reopening,
            level: first_level(&settings),
            table: cut(&settings, reopening, None),
            table_for: None,
            advance: Advance::new(),
            heard_since: None,
            knocked: false,
            entering: EnteringLimit::new(settings.patience, settings.entering_cap),
            adjusted_at: Duration::ZERO,
            grown_at: Duration::ZERO,
            period: (Times::default(), 0),
            recent: Times::default(),
            measured: None,
            health: Health::Silent,
            limiting: Arc::from(""),
            settings,
        }
    }

    /// A shard's report arrived. `true`: the view has changed and must reach the workers now.
    pub fn hear(&mut self, report: ShardReport, now: Duration) -> bool {
        let before = (self.reopening, self.level);
        self.join(&report);
        let echoed = report
            .edges
            .iter()
            .filter(|edge| edge.reopening == self.reopening);
        let highest = echoed.map(|edge| edge.level).max();
        self.adopt_level(highest.unwrap_or(0));
        self.heard.hear(report, now);
        let felt_differently = self.feel(now);
        felt_differently || before != (self.reopening, self.level)
    }

    /// The last link to a shard broke. `true`: the view has changed and must reach the workers now.
    pub fn shard_lost(&mut self, shard: u32, now: Duration) -> bool {
        self.heard.lost(shard);
        self.feel(now)
    }

    /// A shard told what a reopening is cut by; of several, the greatest counts. `true`: the view has changed and must
    /// reach the workers now.
    pub fn adopt_table(&mut self, table: &TableFor) -> bool {
        let other = TableFor::adopt(&mut self.table_for, table);
        if !other || table.reopening != self.reopening {
            return false;
        }
        let before = self.table.slices();
        self.table = cut(&self.settings, self.reopening, self.table_for.as_ref());
        // Of another number of slices as much is open as was.
        let (now, before) = (u64::from(self.table.slices()), u64::from(before.max(1)));
        let level = (u64::from(self.level) * now).div_ceil(before);
        self.level = u32::try_from(level).unwrap_or(self.table.slices());
        true
    }

    /// What this edge's reopening is cut by; `None`: by the plan alone.
    pub fn table_for(&self) -> Option<&TableFor> {
        self.table_for.as_ref()
    }

    /// Every [`TICK`]. `times`: the times to CONNACK since the last one, of all workers.
    pub fn tick(&mut self, counts: EdgeCounts, times: &Times, now: Duration) {
        self.feel(now);
        self.period.0.merge(times);
        self.period.1 = self.period.1.max(counts.entering_peak);
        // Half a tick early is in time: ticks are never quite regular.
        if now.saturating_sub(self.adjusted_at) + TICK / 2 >= ADJUST_EVERY {
            self.adjusted_at = now;
            self.adjust_entering(counts.oldest_entering, now);
        }
        self.advance_level(counts, now);
        self.limiting = self.find_limiting(counts, now).into();
    }

    pub fn view(&self) -> EdgeView {
        EdgeView {
            mode: self.settings.mode,
            reopening: self.reopening,
            level: self.level,
            table: Arc::clone(&self.table),
            entering_limit: self.entering_limit(),
            usual_time_to_connack: self.usual_time_to_connack(),
            aim: self.entering.target(),
            limiting: Arc::clone(&self.limiting),
        }
    }

    /// What shards are told every [`REPORT_EVERY`].
    pub fn report(&self, counts: EdgeCounts) -> EdgeReport {
        let entering_limit = self.entering_limit();
        EdgeReport {
            edge: self.settings.edge.clone(),
            reopening: self.reopening,
            level: self.level,
            door: counts.door,
            free_places: entering_limit.saturating_sub(counts.entering),
            entering_limit,
            held: counts.held,
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
    /// with slices open already, has its number from before the shard's start: the shard must hear so.
    fn join(&mut self, report: &ShardReport) {
        if report.reopening > self.reopening {
            self.reopen(report.reopening);
        }
        if report.reopening == self.reopening && self.reopening != ReopeningNumber::default() {
            if self.level == first_level(&self.settings) {
                self.joined.insert(report.shard, report.boot_epoch);
            }
            self.adopt_level(report.level);
        }
    }

    fn reopen(&mut self, reopening: ReopeningNumber) {
        self.reopening = reopening;
        self.level = first_level(&self.settings);
        self.table = cut(&self.settings, reopening, self.table_for.as_ref());
        self.advance = Advance::new();
        self.heard_since = None;
        self.knocked = false;
        self.entering.restart();
    }

    /// A level never falls within a reopening.
    fn adopt_level(&mut self, level: u32) {
        self.level = self.level.max(level.min(self.table.slices()));
    }

    /// Notes how the shards are. `true`: whether anybody may enter has changed.
    fn feel(&mut self, now: Duration) -> bool {
        let before = self.entering_limit();
        self.health = self.heard.health(self.reopening, now);
        if self.health != Health::Silent {
            self.heard_since.get_or_insert(now);
        }
        before != self.entering_limit()
    }

    fn adjust_entering(&mut self, oldest_entering: Option<Duration>, now: Duration) {
        let (times, peak) = std::mem::take(&mut self.period);
        self.recent.fade();
        self.recent.merge(&times);
        let enough = if times.count() < ENOUGH_TIMES {
            &self.recent
        } else {
            &times
        };
        let p95 = if times.count() == 0 {
            None
        } else {
            enough.percentile(95)
        };
        self.measured = p95.max(oldest_entering);
        if matches!(self.health, Health::Bad(_)) && self.entering.halve(now) {
            return;
        }
        // Without any CONNACK nothing tells that more could enter; nor before those who entered last have theirs: a fleet
        // of long patience would be let in whole meanwhile.
        let told = self
            .measured
            .is_some_and(|took| now.saturating_sub(self.grown_at) >= took);
        let may_grow = self.health == Health::Good && times.count() > 0 && told;
        let before = self.entering.limit();
        self.entering.adjust(Period {
            measured: self.measured,
            peak,
            may_grow,
        });
        if self.entering.limit() > before {
            self.grown_at = now;
        }
    }

    /// Of the edges heard, the one with the lowest id moves the level; the others adopt it.
    fn advance_level(&mut self, counts: EdgeCounts, now: Duration) {
        let others = self.heard.others(&self.settings.edge, self.reopening, now);
        let moves = others.keys().all(|other| self.settings.edge < *other);
        let own = self.report(counts);
        self.knocked |= others
            .values()
            .chain([&own])
            .any(|edge| edge.door > 0 || edge.held > 0);
        let waited_long = self
            .heard_since
            .is_some_and(|since| now.saturating_sub(since) >= KNOCK_WITHIN);
        let started = self.level > 0 || self.knocked || waited_long;
        if moves && started && self.health == Health::Good {
            let door: Door = heard::sum(others.values().chain([&own]));
            self.level = self.advance.next(self.level, self.table.slices(), door);
        }
    }

    fn entering_limit(&self) -> u32 {
        match (self.settings.mode, &self.health) {
            (Mode::Open, _) => u32::MAX,
            (Mode::Staged, Health::Silent | Health::Hard(_)) => 0,
            (Mode::Staged, Health::Good | Health::Bad(_)) => self.entering.limit(),
        }
    }

    fn usual_time_to_connack(&self) -> Duration {
        self.recent
            .percentile(50)
            .unwrap_or(self.settings.patience / FIRST_USUAL_PARTS)
    }

    fn find_limiting(&self, counts: EdgeCounts, now: Duration) -> &str {
        match &self.health {
            _ if self.settings.mode == Mode::Open => "",
            Health::Silent => "no_shard_heard",
            Health::Hard(signal) | Health::Bad(signal) => signal,
            Health::Good if counts.door == 0 && counts.held == 0 => "",
            Health::Good if self.heard.settling_is_full(self.reopening, now) => "settle_limit",
            Health::Good if counts.entering < self.entering_limit() => "level",
            Health::Good if self.entering.is_capped() => "entering_limit",
            Health::Good => "time_to_connack",
        }
    }
}

/// An open gate is open for everybody.
fn first_level(settings: &EdgeSettings) -> u32 {
    if settings.mode == Mode::Open {
        settings.plan.slices()
    } else {
        0
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
