//! The herd that most chapters meet: gateways in each of the cluster's ranges.

use herdgate_tests::lab::kubernetes::ROLLOUT;
use herdgate_tests::lab::swarm::{Herd, Run};
use herdgate_tests::setup::ALICE;

use crate::world::{HOSTNAME, RANGES, World};

const GATEWAYS_PER_RANGE: u32 = 60;

/// Gateways of the whole herd.
pub(crate) fn herd_size() -> u64 {
    u64::from(GATEWAYS_PER_RANGE) * RANGES.len() as u64
}

impl World<'_> {
    /// Gateways in every range, all connected.
    pub(crate) fn bring_up_herd(&self) -> Run {
        let ranges = RANGES
            .iter()
            .map(|(name, cidr)| (*name, GATEWAYS_PER_RANGE, self.lab.fleet.then_some(*cidr)));
        let herd = self.herd(ranges.collect());
        herd.bring_up(&self.lab.swarm, self.lab.folder.path(), ROLLOUT)
    }

    /// Name, gateways and source addresses of each range.
    pub(crate) fn herd<'b>(&self, ranges: Vec<(&'b str, u32, Option<&'b str>)>) -> Herd<'b> {
        Herd {
            name: "herd",
            target: self.balancer().to_string(),
            server_name: HOSTNAME,
            ca_file: self.ca_file.clone(),
            user: ALICE,
            ranges,
            topics: 3,
            concurrent: 32,
        }
    }
}
