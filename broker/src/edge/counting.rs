//! The edge's clients as shards are told of them.

use std::sync::Arc;
use std::time::Duration;

use herdgate_admission::census::Census;
use herdgate_admission::edge::EdgeAdmission;
use herdgate_admission::keeper::CensusReport;
use herdgate_admission::report::{EdgeId, ReopeningNumber};
use herdgate_admission::slicing::SlicePlan;
use tokio::sync::watch;

use super::shared::Shared;

/// What links tell shards.
pub type Censuses = watch::Receiver<Option<Arc<CensusReport>>>;

#[derive(Debug)]
pub(super) struct Counting {
    edge: EdgeId,
    plan: SlicePlan,
    every: Duration,
    /// By worker, as last counted.
    workers: Vec<Option<Census>>,
    told_at: Option<Duration>,
    told: (ReopeningNumber, bool),
    report: watch::Sender<Option<Arc<CensusReport>>>,
}

impl Counting {
    pub(super) fn new(shared: &Shared, admission: &EdgeAdmission) -> Self {
        Self {
            edge: EdgeId(shared.settings.id.clone()),
            plan: admission.plan().clone(),
            every: shared.settings.admission.count_every,
            workers: vec![None; shared.settings.workers.get()],
            told_at: None,
            told: (ReopeningNumber::default(), false),
            report: watch::channel(None).0,
        }
    }

    pub(super) fn reports(&self) -> Censuses {
        self.report.subscribe()
    }

    pub(super) fn counted(&mut self, worker: usize, census: Option<Census>) {
        if let (Some(known), Some(census)) = (self.workers.get_mut(worker), census) {
            *known = Some(census);
        }
    }

    /// When it is time, or when it is another reopening or all of its slices are open.
    pub(super) fn tell(&mut self, admission: &EdgeAdmission, now: Duration) {
        let view = admission.view();
        let is_open = view.level >= view.slices();
        let due = self
            .told_at
            .is_none_or(|told| now.saturating_sub(told) >= self.every);
        let stands = (view.reopening, is_open);
        if view.reopening == ReopeningNumber::default() || (!due && stands == self.told) {
            return;
        }
        (self.told_at, self.told) = (Some(now), stands);
        let census = Census::sum(self.workers.iter().flatten());
        let table = admission.table_for();
        self.report.send_replace(Some(Arc::new(CensusReport {
            edge: self.edge.clone(),
            reopening: view.reopening,
            is_open,
            counted: self.plan.spec(census, true),
            table: table
                .filter(|table| table.reopening == view.reopening)
                .cloned(),
        })));
    }
}
