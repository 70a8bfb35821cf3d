//! Who numbers reopenings, and who joins which.

use super::*;

fn report(edge: usize, reopening: u64, level: u32) -> EdgeReport {
    EdgeReport {
        edge: id(edge),
        reopening: ReopeningNumber(reopening),
        level,
        door: 0,
        free_places: 0,
        entering_limit: 0,
        held: 0,
        lowest_held: u32::MAX,
        age_ms: 0,
        joined: vec![],
        trigger: Trigger::None,
        steering: Steering::default(),
        patience_ms: 0,
        backend: Verdict::Good,
        arrivals: 0,
    }
}

/// From an edge that has joined the shard `new(0, 1)`.
fn joined(edge: usize, reopening: u64, level: u32) -> EdgeReport {
    EdgeReport {
        joined: vec![ShardBoot {
            shard: 0,
            boot_epoch: 1,
        }],
        ..report(edge, reopening, level)
    }
}

#[test]
fn an_edge_that_starts_knows_nothing_and_lets_nobody_in() {
    let mut cluster = Cluster::new(1, 1);
    cluster.start_edge(0);
    cluster.run(60_000);
    let view = cluster.view(0);
    assert_eq!(
        (
            view.reopening.0,
            view.level,
            view.entering_limit,
            &*view.limiting
        ),
        (0, 0, 0, "no_shard_heard")
    );
    assert!(!view.admits(0));
}

#[test]
fn a_shard_that_starts_serves_nothing_until_an_edge_is_heard() {
    let mut cluster = Cluster::new(1, 1);
    cluster.start_shard(0);
    cluster.run(60_000);
    assert_eq!(cluster.shard_number(0), 0);
    cluster.start_edge(0);
    cluster.step();
    assert_eq!((cluster.shard_number(0), cluster.number(0)), (1, 1));
}

#[test]
fn a_cold_start_is_the_first_reopening_and_two_edges_behave_as_one() {
    let mut cluster = Cluster::started(2, 1);
    let mut levels = Vec::new();
    for _ in 0..20 {
        cluster.step();
        levels.push((cluster.level(0), cluster.level(1)));
    }
    assert_eq!((cluster.number(0), cluster.number(1)), (1, 1));
    assert_eq!(
        cluster.view(0).table.table_hash(),
        cluster.view(1).table.table_hash()
    );
    // The second edge adopts what the first decided one report later.
    assert!(
        levels.windows(2).all(|pair| pair[1].1 == pair[0].0),
        "{levels:?}"
    );
    assert_eq!(*levels.last().unwrap(), (256, 256));
}

#[test]
fn a_shard_that_restarts_alone_sends_everybody_back_to_the_first_slice() {
    let mut cluster = Cluster::open(2, 1);
    cluster.stop_shard(0);
    assert_eq!(cluster.view(0).entering_limit, 0);
    cluster.start_shard(0);
    cluster.step();
    for edge in [0, 1] {
        assert_eq!(cluster.number(edge), 2);
        assert!(cluster.level(edge) <= 1);
    }
    cluster.run(1_000);
    assert!(cluster.agrees());
}

#[test]
fn the_next_reopening_has_another_order() {
    let mut cluster = Cluster::open(1, 1);
    let before = cluster.view(0).table;
    cluster.start_shard(0);
    cluster.step();
    assert_ne!(cluster.view(0).table.table_hash(), before.table_hash());
}

#[test]
fn an_edge_that_restarts_alone_adopts_the_open_level_at_once() {
    let mut cluster = Cluster::open(2, 1);
    for restarted in [0, 1] {
        cluster.start_edge(restarted);
        cluster.step();
        assert_eq!(
            (cluster.number(restarted), cluster.level(restarted)),
            (1, 256)
        );
        assert!(cluster.view(restarted).entering_limit > 0);
    }
    assert_eq!(cluster.shard_number(0), 1);
}

#[test]
fn the_only_edge_restarts_and_the_shard_remembers_the_level() {
    let mut cluster = Cluster::open(1, 1);
    cluster.stop_edge(0);
    cluster.run(60_000);
    cluster.start_edge(0);
    cluster.step();
    assert_eq!((cluster.number(0), cluster.level(0)), (1, 256));
}

#[test]
fn an_edge_that_starts_seconds_later_joins_in_mid_ramp() {
    let mut cluster = Cluster::new(2, 1);
    cluster.start_shard(0);
    cluster.start_edge(1);
    cluster.run(1_500);
    let level = cluster.level(1);
    assert!((1..256).contains(&level));
    cluster.start_edge(0);
    cluster.step();
    assert_eq!(cluster.number(0), 1);
    assert!(cluster.level(0) >= level);
    cluster.run(10_000);
    assert!(cluster.agrees());
}

#[test]
fn an_edge_that_hears_the_shard_before_it_has_told_anything_joins_all_the_same() {
    let mut cluster = Cluster::new(2, 1);
    cluster.edges_hear_first = true;
    cluster.start_shard(0);
    cluster.start_edge(1);
    cluster.run(1_750);
    assert!(cluster.level(1) > 3);
    cluster.start_edge(0);
    cluster.run(2_000);
    assert_eq!((cluster.number(0), cluster.number(1)), (1, 1));
}

#[test]
fn a_link_that_breaks_for_a_moment_starts_nothing() {
    let mut cluster = Cluster::started(2, 1);
    cluster.run(1_500);
    let now = cluster.now;
    cluster.edges[0]
        .running
        .as_mut()
        .unwrap()
        .shard_lost(0, now);
    cluster.cut.push((0, 0));
    cluster.run(1_000);
    cluster.cut.clear();
    cluster.run(10_000);
    assert_eq!((cluster.number(0), cluster.number(1)), (1, 1));
    assert!(cluster.agrees());
}

#[test]
fn everything_restarted_begins_again() {
    let mut cluster = Cluster::open(2, 1);
    cluster.start_shard(0);
    cluster.start_edge(0);
    cluster.start_edge(1);
    cluster.step();
    assert!(cluster.level(0) <= 1 && cluster.level(1) <= 1);
    cluster.run(1_000);
    assert!(cluster.agrees());
}

#[test]
fn an_edge_from_before_whose_link_comes_up_later_does_not_open_a_shard_that_restarted() {
    let mut cluster = Cluster::open(2, 1);
    late_edge_from_before(&mut cluster);
    let mut cluster = Cluster::open(2, 1);
    cluster.edges_hear_first = true;
    late_edge_from_before(&mut cluster);
}

fn late_edge_from_before(cluster: &mut Cluster) {
    // Shard and first edge restart; the second edge still has number and level from before.
    cluster.cut.push((1, 0));
    cluster.start_shard(0);
    cluster.start_edge(0);
    cluster.crowd(CROWD);
    cluster.run(1_000);
    assert_eq!(cluster.number(0), 1, "as before the restart, by accident");
    assert!(cluster.level(0) < 256);
    cluster.cut.clear();
    cluster.run(500);
    for edge in [0, 1] {
        assert_eq!(cluster.number(edge), 2);
        assert!(cluster.level(edge) <= 3);
    }
    // between two moves of the slope
    cluster.run(61_500);
    assert!(cluster.agrees());
    assert_eq!(cluster.number(0), 2);
}

#[test]
fn an_edge_that_comes_back_after_the_start_phase_opens_nothing_either() {
    let mut cluster = Cluster::open(2, 1);
    cluster.start_shard(0);
    cluster.run(250);
    cluster.start_shard(0);
    cluster.crowd(KNOCK);
    cluster.run(10_000);
    assert_eq!((cluster.number(0), cluster.level(0)), (3, 256));
    cluster.cut.push((0, 0));
    cluster.start_shard(0);
    cluster.start_edge(1);
    cluster.run(20_000);
    assert_eq!(cluster.number(1), 1);
    cluster.cut.clear();
    cluster.run(1_000);
    assert_eq!((cluster.number(0), cluster.number(1)), (4, 4));
    assert!(cluster.level(0) < 256 && cluster.level(1) < 256);
    cluster.run(60_000);
    assert_eq!((cluster.number(0), cluster.number(1)), (4, 4));
    assert!(cluster.agrees());
}

#[test]
fn shards_of_their_own_end_up_at_one_number() {
    for delay in [0, 250, 500, 1_000, 3_000] {
        let mut cluster = Cluster::open(2, 2);
        cluster.edges_hear_first = delay % 1_000 == 0;
        cluster.start_shard(0);
        cluster.run(delay);
        cluster.start_shard(1);
        cluster.run(5_000);
        assert!(cluster.agrees(), "{delay} ms");
        let number = cluster.number(0);
        assert!((2..=4).contains(&number), "{number} after {delay} ms");
        cluster.run(30_000);
        assert_eq!(cluster.number(0), number);
    }
}

#[test]
fn a_number_that_an_edge_makes_up_later_is_joined_not_outbid() {
    let mut shard = ShardAdmission::new(0, 1, HearingTuning::default());
    let now = Duration::from_secs(1);
    assert!(shard.hear(report(0, 0, 0), now));
    assert!(!shard.hear(report(0, 0, 0), now));
    assert!(shard.hear(joined(0, 900, 7), now));
    assert_eq!((shard.reopening().0, shard.level()), (900, 7));
    shard.hear(joined(1, u64::MAX, 1), now);
    assert_eq!(shard.reopening().0, u64::MAX);
}

#[test]
fn an_edge_from_before_the_start_that_comes_late_opens_nothing() {
    let mut shard = ShardAdmission::new(0, 1, HearingTuning::default());
    shard.hear(report(0, 0, 0), Duration::ZERO);
    let late = Duration::from_mins(1);
    assert!(shard.hear(report(1, 6, 256), late));
    assert_eq!((shard.reopening().0, shard.level()), (7, 0));
    assert!(!shard.hear(report(1, 6, 256), late), "once is enough");
    shard.hear(joined(0, 7, 4), late);
    shard.hear(report(1, 7, 5), late);
    assert_eq!((shard.reopening().0, shard.level()), (7, 5));
}

#[test]
fn a_number_without_an_open_slice_is_joined_too() {
    let mut shard = ShardAdmission::new(0, 1, HearingTuning::default());
    shard.hear(report(0, 0, 0), Duration::ZERO);
    shard.hear(report(1, 3, 0), Duration::ZERO);
    assert_eq!((shard.reopening().0, shard.level()), (3, 0));
}

#[test]
fn a_shard_that_serves_no_or_another_reopening_is_no_reason_to_let_anybody_in() {
    let mut cluster = Cluster::open(1, 1);
    let mut restarted = ShardAdmission::new(0, 2, HearingTuning::default());
    cluster.start_edge(0);
    let fresh = cluster.edges[0].running.as_mut().unwrap();
    fresh.hear(
        restarted.report(ShardCounts::default(), cluster.now),
        cluster.now,
    );
    assert_eq!(
        fresh.view().entering_limit,
        0,
        "neither knows of a reopening"
    );
    cluster.run(250);
    cluster.stop_shard(0);
    let now = cluster.now;
    let edge = cluster.edges[0].running.as_mut().unwrap();
    edge.hear(restarted.report(ShardCounts::default(), now), now);
    assert_eq!(edge.view().entering_limit, 0, "it serves none yet");
    edge.hear(
        ShardReport {
            reopening: ReopeningNumber(2),
            ..restarted.report(ShardCounts::default(), now)
        },
        now,
    );
    assert_eq!(
        (edge.view().reopening.0, edge.view().entering_limit),
        (2, 64)
    );
    edge.hear(
        ShardReport {
            reopening: ReopeningNumber(1),
            ..restarted.report(ShardCounts::default(), now)
        },
        now,
    );
    assert_eq!(
        (edge.view().reopening.0, edge.view().entering_limit),
        (2, 0)
    );
}

#[test]
fn a_shard_remembers_the_highest_level_of_its_number_only() {
    let mut shard = ShardAdmission::new(0, 1, HearingTuning::default());
    let now = Duration::ZERO;
    shard.hear(report(0, 4, 256), now);
    assert_eq!((shard.reopening().0, shard.level()), (5, 0));
    assert!(!shard.hear(report(0, 4, 256), now));
    assert!(shard.hear(joined(0, 5, 9), now));
    assert!(!shard.hear(joined(1, 5, 3), now));
    assert_eq!(shard.level(), 9);
}

#[test]
fn a_shard_forgets_edges_that_it_does_not_hear() {
    let mut shard = ShardAdmission::new(3, 77, HearingTuning::default());
    shard.hear(report(0, 0, 0), Duration::ZERO);
    shard.hear(report(1, 1, 0), Duration::from_secs(3));
    let ages = |report: ShardReport| {
        report
            .edges
            .iter()
            .map(|e| (e.edge.0.clone(), e.age_ms))
            .collect::<Vec<_>>()
    };
    let told = shard.report(ShardCounts::default(), Duration::from_secs(5));
    assert_eq!((told.shard, told.boot_epoch), (3, 77));
    assert_eq!(
        ages(told),
        [("edge-0".to_owned(), 5_000), ("edge-1".to_owned(), 2_000)]
    );
    let told = shard.report(ShardCounts::default(), Duration::from_millis(5_001));
    assert_eq!(ages(told), [("edge-1".to_owned(), 2_001)]);
}

#[test]
fn invented_edges_do_not_fill_a_shard() {
    let mut shard = ShardAdmission::new(0, 1, HearingTuning::default());
    for edge in 0..3_000 {
        shard.hear(report(edge, 1, 0), Duration::ZERO);
    }
    assert_eq!(
        shard
            .report(ShardCounts::default(), Duration::ZERO)
            .edges
            .len(),
        1_024
    );
}
