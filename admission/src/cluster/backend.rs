//! Edges whose backend is slow or fails.

use super::ramp::connacks;
use super::*;

impl Cluster {
    fn feel_backend(&mut self, edge: usize, verdict: Verdict) {
        if let Some(running) = &mut self.edges[edge].running {
            running.feel_backend(verdict);
        }
    }

    fn limit(&self, edge: usize) -> u32 {
        self.view(edge).entering_limit
    }

    fn limiting(&self, edge: usize) -> String {
        self.view(edge).limiting.to_string()
    }
}

#[test]
fn a_slow_backend_freezes_the_level_and_halves_entering_once_a_second() {
    let mut cluster = Cluster::started(1, 1);
    cluster.run(1_000);
    let level = cluster.level(0);
    cluster.feel_backend(0, Verdict::Bad);
    let mut limits = Vec::new();
    for _ in 0..24 {
        cluster.step();
        limits.push(cluster.limit(0));
    }
    assert_eq!(
        (cluster.level(0), &*cluster.limiting(0)),
        (level, "auth_backend")
    );
    limits.dedup();
    assert_eq!(limits, [64, 32, 16, 8, 4]);
    cluster.feel_backend(0, Verdict::Good);
    cluster.run(500);
    assert!(cluster.level(0) > level);
    assert_eq!(cluster.limiting(0), "level");
}

#[test]
fn a_backend_that_fails_lets_a_few_ask_and_nothing_grow() {
    let mut cluster = Cluster::started(1, 1);
    cluster.run(1_000);
    let level = cluster.level(0);
    cluster.feel_backend(0, Verdict::Hard);
    for _ in 0..400 {
        connacks(&mut cluster, 0, 10);
        cluster.step();
        assert_eq!((cluster.limit(0), cluster.level(0)), (4, level));
    }
    assert_eq!(cluster.limiting(0), "auth_backend");
    cluster.run(25_000);
    assert!(cluster.view(0).stalled);
    cluster.feel_backend(0, Verdict::Good);
    cluster.step();
    assert_eq!(cluster.limit(0), 64, "as before it failed");
    cluster.run(5_000);
    assert!(cluster.level(0) > level && !cluster.view(0).stalled);
}

#[test]
fn one_edge_of_three_holds_up_itself_alone_and_two_hold_the_level() {
    let mut cluster = Cluster::started(3, 1);
    cluster.run(500);
    // the one that moves the level
    cluster.feel_backend(0, Verdict::Hard);
    let before = cluster.level(0);
    cluster.run(1_000);
    assert!(cluster.level(0) > before);
    let limits = [0, 1, 2].map(|edge| cluster.limit(edge));
    assert_eq!(limits, [4, 64, 64]);
    cluster.feel_backend(2, Verdict::Bad);
    cluster.run(1_000);
    let level = cluster.level(0);
    cluster.run(3_000);
    assert_eq!(cluster.level(0), level);
    assert_eq!([0, 1, 2].map(|edge| cluster.limit(edge)), [4, 64, 4]);
    assert_eq!(cluster.limiting(1), "auth_backend", "of half of all");
    // An edge that is gone has no say.
    cluster.stop_edge(0);
    cluster.stop_edge(2);
    cluster.run(5_000);
    assert!(cluster.level(1) > level);
}

#[test]
fn a_shard_that_is_hard_says_so_first() {
    let mut cluster = Cluster::started(1, 1);
    cluster.feel_backend(0, Verdict::Hard);
    cluster.feel(0, Verdict::Bad, "suback");
    cluster.run(1_000);
    assert_eq!(
        (cluster.limit(0), &*cluster.limiting(0)),
        (4, "auth_backend")
    );
    cluster.feel(0, Verdict::Hard, "suback");
    cluster.run(500);
    assert_eq!((cluster.limit(0), &*cluster.limiting(0)), (0, "suback"));
}
