//! Census and tables at the shard's control: heard from edges, told to them, stored.

use std::sync::Arc;
use std::time::Duration;

use herdgate_admission::keeper::{CensusReport, Changed, Keeper, KeeperSettings};
use herdgate_admission::report::ReopeningNumber;
use herdgate_admission::slicing::TableFor;
use herdgate_admission::stored::{Limits, Stored};
use tokio::sync::watch;

use crate::metrics::StateMetrics;

/// What links tell edges of tables.
pub type Tables = watch::Receiver<Option<Arc<TableFor>>>;

#[derive(Debug)]
pub(super) struct Keeping {
    keeper: Keeper,
    table: watch::Sender<Option<Arc<TableFor>>>,
    states: watch::Sender<Arc<Stored>>,
    metrics: StateMetrics,
}

impl Keeping {
    pub(super) fn new(
        settings: KeeperSettings,
        stored: Stored,
        metrics: StateMetrics,
    ) -> (Self, Tables, watch::Receiver<Arc<Stored>>) {
        let keeper = Keeper::new(settings, &stored);
        let (table, tables) = watch::channel(keeper.table().cloned().map(Arc::new));
        let (states, stored) = watch::channel(Arc::new(stored));
        let keeping = Self {
            keeper,
            table,
            states,
            metrics,
        };
        keeping.show();
        (keeping, tables, stored)
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

    fn pass_on(&self, changed: Changed, limits: Limits) {
        if changed.table {
            self.table
                .send_replace(self.keeper.table().cloned().map(Arc::new));
        }
        if changed.stored {
            let mut stored = Stored {
                limits,
                ..Stored::default()
            };
            self.keeper.store(&mut stored);
            self.states.send_replace(Arc::new(stored));
        }
        if changed.table || changed.stored {
            self.show();
        }
    }

    fn show(&self) {
        let clients = self.keeper.next().map_or(0, |next| next.census().clients());
        let clients = i64::try_from(clients).unwrap_or(i64::MAX);
        self.metrics.census_clients.set(clients);
        let trusted = self.keeper.trust().is_trusted();
        self.metrics.addresses_trusted.set(trusted.into());
    }
}
