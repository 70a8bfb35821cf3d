//! Census and tables at the shard's control: heard from edges, told to them, stored.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use herdgate_admission::keeper::{CensusReport, Changed, Keeper, KeeperSettings};
use herdgate_admission::progress::{CensusPage, ClientAddresses};
use herdgate_admission::report::{LastGood, ReopeningNumber};
use herdgate_admission::slicing::{TableFor, TableSpec};
use herdgate_admission::stored::{Limits, Stored};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::metrics::StateMetrics;

/// What links tell edges of tables.
pub type Tables = watch::Receiver<Option<Arc<TableFor>>>;

#[derive(Debug)]
pub(super) struct Keeping {
    keeper: Keeper,
    table: watch::Sender<Option<Arc<TableFor>>>,
    states: watch::Sender<Arc<Stored>>,
    /// The limits, and when the census was taken.
    good: (Limits, u64),
    told: Told,
    metrics: StateMetrics,
}

/// The census as the admin port asks for it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    spec: Option<TableSpec>,
    addresses: ClientAddresses,
    /// Seconds since 1970; 0: not known.
    taken: u64,
    is_frozen: bool,
}

pub type Told = Arc<ArcSwap<Known>>;

impl Known {
    pub fn page(&self, top: usize) -> CensusPage {
        let Some(spec) = &self.spec else {
            return CensusPage::default();
        };
        let taken = i64::try_from(self.taken).ok().filter(|taken| *taken > 0);
        let taken = taken.and_then(|taken| Timestamp::from_second(taken).ok());
        CensusPage {
            taken_at: taken.map(|taken| taken.to_string()),
            is_frozen: self.is_frozen,
            ..CensusPage::of(spec, self.addresses, top)
        }
    }
}

impl Keeping {
    pub(super) fn new(
        settings: KeeperSettings,
        stored: Stored,
        metrics: StateMetrics,
    ) -> (Self, Tables, watch::Receiver<Arc<Stored>>) {
        let keeper = Keeper::new(settings, &stored);
        let (table, tables) = watch::channel(keeper.table().cloned().map(Arc::new));
        let good = (stored.limits, stored.taken);
        let (states, stored) = watch::channel(Arc::new(stored));
        let keeping = Self {
            keeper,
            table,
            states,
            good,
            told: Told::default(),
            metrics,
        };
        keeping.show();
        (keeping, tables, stored)
    }

    pub(super) fn told(&self) -> Told {
        Arc::clone(&self.told)
    }

    pub(super) fn last_good(&self) -> LastGood {
        let (limits, _) = self.good;
        LastGood {
            entering: limits.entering,
            settling: limits.settling,
        }
    }

    pub(super) fn addresses(&self) -> ClientAddresses {
        self.told.load().addresses
    }

    pub(super) fn hear(&mut self, report: CensusReport, limits: Limits, now: Duration) {
        let changed = self.keeper.hear(report, now);
        self.pass_on(changed, limits);
    }

    /// Before edges are told of `reopening`: they cut its table when they hear of it.
    pub(super) fn think(
        &mut self,
        reopening: ReopeningNumber,
        level: u32,
        limits: Limits,
        now: Duration,
    ) {
        let changed = self.keeper.think(reopening, level, now);
        self.pass_on(changed, limits);
    }

    fn pass_on(&mut self, changed: Changed, limits: Limits) {
        let good = self.good.0;
        if changed.counted {
            // What a reopening that goes on tries is not good yet; what is left of it in quiet times is.
            self.good = (limits, seconds_since_1970());
        }
        let changed = Changed {
            stored: changed.stored || self.good.0 != good,
            ..changed
        };
        if changed.table {
            self.table
                .send_replace(self.keeper.table().cloned().map(Arc::new));
        }
        if changed.stored {
            let mut stored = Stored {
                limits: Limits {
                    patience: limits.patience.or(self.good.0.patience),
                    ..self.good.0
                },
                taken: self.good.1,
                ..Stored::default()
            };
            self.keeper.store(&mut stored);
            self.states.send_replace(Arc::new(stored));
        }
        if changed.table || changed.stored || changed.counted {
            self.show();
        }
        if self.told.load().is_frozen != self.keeper.is_frozen() {
            self.show();
        }
    }

    fn show(&self) {
        let addresses = self.keeper.addresses();
        let clients = i64::try_from(addresses.clients).unwrap_or(i64::MAX);
        self.metrics.census_clients.set(clients);
        let trusted = addresses.trust.is_trusted();
        self.metrics.addresses_trusted.set(trusted.into());
        self.told.store(Arc::new(Known {
            spec: self.keeper.next().cloned(),
            addresses,
            taken: self.good.1,
            is_frozen: self.keeper.is_frozen(),
        }));
    }
}

/// 0 where the clock is before that.
fn seconds_since_1970() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or(0)
}
