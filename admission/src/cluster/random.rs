//! Whatever happens to processes and links, some things hold.

use proptest::prelude::*;

use super::*;
use crate::progress::{Action, Steer};

#[derive(Clone, Debug)]
enum Mishap {
    StartEdge(usize),
    StopEdge(usize),
    StartShard(usize),
    StopShard(usize),
    Stop(usize),
    Continue(usize),
    Cut(usize, usize),
    Join,
    Crowd(usize, u32, u32),
    Connacks(usize, u64),
    Feel(usize, Verdict),
    Steer(usize, Action),
    Order(bool),
}

fn mishap() -> impl Strategy<Value = Mishap> {
    let (edge, shard) = (0_usize..3, 0_usize..2);
    let action = prop_oneof![
        Just(Action::Pause),
        Just(Action::Resume),
        Just(Action::Skip),
        Just(Action::Stop),
        Just(Action::Reopen)
    ];
    let verdict = prop_oneof![Just(Verdict::Good), Just(Verdict::Bad), Just(Verdict::Hard)];
    prop_oneof![
        3 => edge.clone().prop_map(Mishap::StartEdge),
        1 => edge.clone().prop_map(Mishap::StopEdge),
        3 => shard.clone().prop_map(Mishap::StartShard),
        1 => shard.clone().prop_map(Mishap::StopShard),
        1 => shard.clone().prop_map(Mishap::Stop),
        2 => shard.clone().prop_map(Mishap::Continue),
        2 => (edge.clone(), shard.clone()).prop_map(|(edge, shard)| Mishap::Cut(edge, shard)),
        2 => Just(Mishap::Join),
        4 => (edge.clone(), 0_u32..300, 0_u32..300).prop_map(|(edge, door, held)| Mishap::Crowd(edge, door, held)),
        3 => (edge, 1_u64..6_000).prop_map(|(edge, millis)| Mishap::Connacks(edge, millis)),
        1 => any::<bool>().prop_map(Mishap::Order),
        1 => (0_usize..3, action).prop_map(|(edge, action)| Mishap::Steer(edge, action)),
        2 => (shard, verdict).prop_map(|(shard, verdict)| Mishap::Feel(shard, verdict)),
    ]
}

impl Cluster {
    fn suffer(&mut self, mishap: &Mishap) {
        match *mishap {
            Mishap::StartEdge(edge) => self.start_edge(edge),
            Mishap::StopEdge(edge) => self.stop_edge(edge),
            Mishap::StartShard(shard) => self.start_shard(shard),
            Mishap::StopShard(shard) => self.stop_shard(shard),
            Mishap::Stop(shard) => self.shards[shard].stopped = true,
            Mishap::Continue(shard) => self.shards[shard].stopped = false,
            Mishap::Cut(edge, shard) => self.cut.push((edge, shard)),
            Mishap::Join => self.cut.clear(),
            Mishap::Crowd(edge, door, held) => {
                self.edges[edge].counts = EdgeCounts {
                    door,
                    held,
                    entering: 9,
                    entering_peak: 500,
                    ..NOBODY
                };
            }
            Mishap::Connacks(edge, millis) => {
                (0..30).for_each(|_| {
                    self.edges[edge]
                        .waits
                        .of(0)
                        .times
                        .record(Duration::from_millis(millis));
                });
            }
            Mishap::Order(edges_hear_first) => self.edges_hear_first = edges_hear_first,
            Mishap::Steer(edge, action) => self.steer(edge, action),
            Mishap::Feel(shard, verdict) => self.feel(shard, verdict, "signal"),
        }
    }

    fn steer(&mut self, edge: usize, action: Action) {
        let steer = Steer {
            action,
            level: None,
        };
        if let Some(edge) = &mut self.edges[edge].running {
            // what makes no sense now is refused
            let _ = edge.steer(steer, self.now);
        }
    }

    fn heal(&mut self) {
        self.cut.clear();
        for shard in 0..self.shards.len() {
            self.shards[shard].stopped = false;
            self.feel(shard, Verdict::Good, "");
            if self.shards[shard].running.is_none() {
                self.start_shard(shard);
            }
        }
        for edge in 0..self.edges.len() {
            if self.edges[edge].running.is_none() {
                self.start_edge(edge);
            }
        }
        self.crowd(KNOCK);
    }

    /// Of each edge that runs: number, level, entering limit.
    fn seen(&self) -> Vec<Option<(u64, u32, u32)>> {
        let views = self
            .edges
            .iter()
            .map(|edge| edge.running.as_ref().map(EdgeAdmission::view));
        views
            .map(|view| view.map(|view| (view.reopening.0, view.level, view.entering_limit)))
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_level_never_falls_within_a_number_and_all_agree_in_the_end(
        mishaps in prop::collection::vec((mishap(), 0_u128..8), 0..60)
    ) {
        let mut cluster = Cluster::started(3, 2);
        for (mishap, steps) in mishaps {
            cluster.suffer(&mishap);
            for _ in 0..=steps {
                let before = cluster.seen();
                cluster.step();
                for (before, after) in before.into_iter().zip(cluster.seen()) {
                    if let (Some(before), Some(after)) = (before, after) {
                        prop_assert!((before.0, before.1) <= (after.0, after.1), "{before:?} {after:?}");
                        prop_assert!(after.1 <= 256);
                        prop_assert!(after.2 == 0 || after.2 >= 4);
                    }
                }
            }
        }
        cluster.heal();
        cluster.run(5_000);
        (0..3).for_each(|edge| cluster.steer(edge, Action::Resume));
        let number = cluster.number(0);
        cluster.run(25_000);
        prop_assert!(cluster.agrees());
        prop_assert_eq!(cluster.number(0), number, "numbers come to rest");
        prop_assert_eq!(cluster.level(0), 256);
    }
}
