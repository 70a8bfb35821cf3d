//! What a standalone process tells: of addresses as an edge, of client ids as a shard.

use futures::future::BoxFuture;
use herdgate_admission::progress::{CensusPage, Explanation, Progress, Steer, Steered};
use herdgate_admission::steering::NotSteered;

use crate::admin::{Subject, Valve};
use crate::edge::EdgeValve;
use crate::shard::ShardValve;

#[derive(Clone, Debug)]
pub(super) struct StandaloneValve {
    pub(super) edge: EdgeValve,
    pub(super) shard: ShardValve,
}

impl Valve for StandaloneValve {
    fn progress(&self, per_slice: bool) -> Progress {
        self.edge.progress(per_slice)
    }

    fn census(&self, top: usize) -> CensusPage {
        self.shard.census(top)
    }

    fn explain(&self, subject: Subject) -> BoxFuture<'static, Explanation> {
        match subject {
            Subject::Client(_) => self.shard.explain(subject),
            Subject::Address(_) => self.edge.explain(subject),
        }
    }

    fn steer(&self, steer: Steer) -> BoxFuture<'static, Result<Steered, NotSteered>> {
        self.edge.steer(steer)
    }
}
