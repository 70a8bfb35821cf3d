//! Edges that are not well themselves, and shards that are well but slow.

use super::*;

fn feel_itself(cluster: &mut Cluster, edge: usize, verdict: Verdict, signal: &'static str) {
    let edge = cluster.edges[edge].running.as_mut().unwrap();
    edge.feel_itself(verdict, Some(signal));
}

#[test]
fn an_edge_that_is_hard_lets_nobody_in_and_the_others_go_on() {
    let mut cluster = Cluster::started(2, 1);
    cluster.run(1_000);
    feel_itself(&mut cluster, 1, Verdict::Hard, "memory");
    let level = cluster.level(0);
    cluster.run(2_000);
    let sick = cluster.view(1);
    assert_eq!((sick.entering_limit, &*sick.limiting), (0, "memory"));
    assert!(cluster.level(0) > level && cluster.view(0).entering_limit == 64);
    assert!(cluster.agrees(), "it goes along with the level");
    feel_itself(&mut cluster, 1, Verdict::Good, "memory");
    cluster.run(250);
    assert_eq!(cluster.view(1).entering_limit, 64);
}

#[test]
fn an_edge_that_is_bad_halves_what_enters_there() {
    let mut cluster = Cluster::started(2, 1);
    cluster.run(1_000);
    feel_itself(&mut cluster, 0, Verdict::Bad, "memory");
    let level = cluster.level(0);
    cluster.run(2_500);
    assert!(cluster.view(0).entering_limit < 64);
    assert_eq!(&*cluster.view(0).limiting, "memory");
    assert_eq!(cluster.view(1).entering_limit, 64);
    assert!(cluster.level(0) > level);
}

#[test]
fn nothing_opens_where_the_only_edge_is_hard_and_somebody_should_look() {
    let mut cluster = Cluster::started(1, 1);
    cluster.run(1_000);
    cluster.crowd(CROWD);
    feel_itself(&mut cluster, 0, Verdict::Hard, "memory");
    cluster.run(500);
    let level = cluster.level(0);
    cluster.run(10_000);
    assert!(
        cluster.level(0) <= level + 256 * 11 / 900,
        "the slope alone"
    );
    assert!(!cluster.view(0).stalled);
    cluster.run(112_000);
    assert!(cluster.view(0).stalled);
}

#[test]
fn half_of_the_shards_name_what_makes_them_slow_and_nothing_waits_for_it() {
    let mut cluster = Cluster::started(1, 3);
    cluster.run(1_000);
    let limiting = |cluster: &mut Cluster| {
        cluster.crowd(CROWD);
        cluster.step();
        let limiting = cluster.view(0).limiting.to_string();
        cluster.crowd(KNOCK);
        limiting
    };
    cluster.feel(0, Verdict::Good, "cpu_throttling");
    assert_eq!(limiting(&mut cluster), "time_to_connack");
    cluster.feel(2, Verdict::Good, "cpu_throttling");
    assert_eq!(limiting(&mut cluster), "cpu_throttling");
    let level = cluster.level(0);
    cluster.run(10_000);
    assert!(cluster.level(0) > level && cluster.view(0).entering_limit == 64);
    cluster.run(20_000);
    assert_eq!(cluster.level(0), 256);
}

#[test]
fn an_edge_that_is_slow_itself_says_so() {
    let mut cluster = Cluster::open(1, 1);
    feel_itself(&mut cluster, 0, Verdict::Good, "cpu_throttling");
    cluster.step();
    assert_eq!(&*cluster.view(0).limiting, "cpu_throttling");
    cluster.crowd(NOBODY);
    cluster.step();
    assert_eq!(&*cluster.view(0).limiting, "", "nobody waits");
}
