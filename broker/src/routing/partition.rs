//! 1,024 partitions of client ids and topic keys.

/// One of `PARTITIONS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(u16);

/// Enough to spread over every worker that a cluster may have, few enough to list in a table.
pub const PARTITIONS: u16 = 1_024;

impl Partition {
    pub const fn index(self) -> u16 {
        self.0
    }
}

/// The partition of a client id or of a topic key. The same in every process and release: edges and shards must agree.
pub fn partition_of(key: &str) -> Partition {
    // FNV-1a (64 bits); its low bits alone are weak for short keys, so the high half is folded in.
    let hash = key.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    let folded = (hash ^ (hash >> 32)) % u64::from(PARTITIONS);
    Partition(u16::try_from(folded).unwrap_or(0))
}

/// How the partitions of client ids and topics lie on the workers of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Shards that share the client ids between them.
    pub shards: u16,
    /// Of each shard.
    pub workers: u16,
}

impl Layout {
    /// The worker of its shard that owns the partition. The remainder by `shards` is what all partitions of a shard
    /// have in common: it says nothing about the worker.
    pub fn worker_of(self, partition: Partition) -> u16 {
        partition.0 / self.shards.max(1) % self.workers.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known values: another release must place keys where this one does.
    #[test]
    fn partitions_are_stable() {
        let known = ["", "gw-1", "gw-2", "gw/4711", "a"].map(|key| partition_of(key).index());
        assert_eq!(known, [961, 883, 666, 2, 192]);
    }

    #[test]
    fn keys_spread_evenly() {
        let mut counts = vec![0_u32; usize::from(PARTITIONS)];
        for number in 0..102_400 {
            counts[usize::from(partition_of(&format!("gw-{number:06}")).index())] += 1;
        }
        // 100 expected; six standard deviations
        assert!(
            counts.iter().all(|count| (40..=160).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn every_worker_owns_its_share() {
        for (shards, workers) in [(1, 1), (1, 2), (1, 3), (1, 64), (2, 2), (4, 6), (3, 8)] {
            let layout = Layout { shards, workers };
            for shard in 0..shards {
                let mut owned = vec![0_u16; usize::from(workers)];
                for index in (0..PARTITIONS).filter(|index| index % shards == shard) {
                    owned[usize::from(layout.worker_of(Partition(index)))] += 1;
                }
                let least = PARTITIONS / shards / workers;
                assert!(
                    owned
                        .iter()
                        .all(|count| (least..=least + 1).contains(count)),
                    "{layout:?} {owned:?}"
                );
            }
        }
    }
}
