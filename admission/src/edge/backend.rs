//! How an edge goes by the backend that it asks about logins.

use super::EdgeAdmission;
use crate::heard::Health;
use crate::report::{EdgeReport, Verdict};

impl EdgeAdmission {
    /// How this edge finds its backend; see [`crate::backend::BackendJudge`]. Counts from the next tick on.
    pub fn feel_backend(&mut self, verdict: Verdict) {
        self.backend = verdict;
    }

    /// Of all edges heard, this one included.
    pub(super) fn feel_backends<'a>(&mut self, edges: impl Iterator<Item = &'a EdgeReport>) {
        self.backends = Health::of_backends(edges.map(|edge| edge.backend));
    }

    /// What the level goes by: shards, and the backends of half or more of the edges.
    pub(super) fn health_of_all(&self) -> Health {
        self.health.clone().or_worse(&self.backends)
    }

    /// A backend that fails is not left alone, as a shard is: few go on asking, or nobody would see that it is well again.
    pub(super) fn limit_by_backend(&self) -> u32 {
        let limit = self.entering.limit();
        match self.backend {
            Verdict::Hard => limit.min(self.settings.tuning.least_entering),
            Verdict::Good | Verdict::Bad => limit,
        }
    }

    /// Whether clients wait because of this edge's backend or of half of all.
    pub(super) fn is_backend_at_fault(&self) -> bool {
        self.backend != Verdict::Good || self.backends != Health::Good
    }
}
