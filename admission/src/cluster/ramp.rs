//! What moves the level and the entering limit, and what holds them.

use super::*;

fn levels(cluster: &mut Cluster, steps: usize) -> Vec<u32> {
    (0..steps)
        .map(|_| {
            cluster.step();
            cluster.level(0)
        })
        .collect()
}

pub(super) fn connacks(cluster: &mut Cluster, edge: usize, millis: u64) {
    for _ in 0..50 {
        cluster.edges[edge]
            .waits
            .of(0)
            .times
            .record(Duration::from_millis(millis));
    }
}

#[test]
fn slices_open_while_the_door_is_empty_and_stand_still_while_it_is_not() {
    let mut cluster = Cluster::started(1, 1);
    assert_eq!(levels(&mut cluster, 5), [1, 3, 7, 15, 31]);
    cluster.crowd(CROWD);
    assert_eq!(levels(&mut cluster, 100), [31; 100]);
    cluster.crowd(KNOCK);
    assert_eq!(levels(&mut cluster, 2), [32, 34]);
}

#[test]
fn without_a_knock_nothing_opens_for_thirty_seconds() {
    let mut cluster = Cluster::started(2, 1);
    cluster.crowd(NOBODY);
    cluster.run(29_750);
    assert_eq!(cluster.level(0), 0);
    cluster.run(750);
    assert!(cluster.level(0) > 0);
}

#[test]
fn the_next_reopening_waits_for_a_knock_of_its_own_and_starts_small() {
    let mut cluster = Cluster::open(1, 1);
    cluster.crowd(NOBODY);
    cluster.run(60_000);
    cluster.start_shard(0);
    assert_eq!(levels(&mut cluster, 100), [0; 100]);
    cluster.crowd(KNOCK);
    assert_eq!(levels(&mut cluster, 3), [1, 3, 7]);
}

#[test]
fn the_next_reopening_starts_at_half_the_limit_that_was_good() {
    let mut cluster = Cluster::open(1, 1);
    cluster.crowd(EdgeCounts {
        entering_peak: 1_000_000,
        ..CROWD
    });
    for _ in 0..6 {
        connacks(&mut cluster, 0, 10);
        cluster.run(500);
    }
    let grown = cluster.view(0).entering_limit;
    assert!(grown >= 2_048);
    connacks(&mut cluster, 0, 700);
    cluster.run(500);
    cluster.start_shard(0);
    cluster.step();
    assert_eq!(cluster.view(0).entering_limit, grown / 2);
}

#[test]
fn a_knock_at_any_edge_starts_the_ramp() {
    let mut cluster = Cluster::started(2, 1);
    cluster.crowd(NOBODY);
    cluster.run(1_000);
    cluster.edges[1].counts = KNOCK;
    cluster.run(500);
    assert!(cluster.level(0) > 0);
}

#[test]
fn the_sum_of_all_doors_decides() {
    let mut cluster = Cluster::started(2, 1);
    // 64 free and 64 of limit each: short under 192 together.
    cluster.edges[0].counts = NOBODY;
    cluster.edges[1].counts = EdgeCounts {
        door: 192,
        ..NOBODY
    };
    cluster.run(500);
    let level = cluster.level(0);
    // not so long that the slope moves it
    cluster.run(2_000);
    assert_eq!(cluster.level(0), level);
    cluster.edges[1].counts = EdgeCounts {
        door: 191,
        ..NOBODY
    };
    cluster.run(500);
    assert!(cluster.level(0) > level);
}

#[test]
fn of_two_reports_of_an_edge_the_fresher_counts() {
    for fresher in [0, 1] {
        let mut cluster = Cluster::started(2, 2);
        cluster.edges[1].counts = CROWD;
        cluster.run(500);
        cluster.cut.push((1, 1 - fresher));
        cluster.step();
        let level = cluster.level(0);
        cluster.edges[1].counts = KNOCK;
        cluster.run(1_000);
        assert!(cluster.level(0) > level + 1, "{fresher}");
    }
}

#[test]
fn few_times_are_judged_with_the_older_ones() {
    let mut cluster = Cluster::started(1, 1);
    cluster.crowd(EdgeCounts {
        entering_peak: 1_000_000,
        ..CROWD
    });
    cluster.run(500);
    connacks(&mut cluster, 0, 700);
    cluster.run(500);
    assert_eq!(cluster.view(0).entering_limit, 64);
    // One lucky client among many that took long does not double the limit.
    cluster.edges[0]
        .waits
        .of(0)
        .times
        .record(Duration::from_millis(10));
    cluster.run(500);
    assert_eq!(cluster.view(0).entering_limit, 64);
}

#[test]
fn when_the_lowest_edge_dies_the_next_moves_the_level() {
    let mut cluster = Cluster::started(3, 1);
    cluster.run(1_000);
    let level = cluster.level(1);
    cluster.stop_edge(0);
    cluster.run(1_500);
    assert_eq!(cluster.level(1), cluster.level(2));
    cluster.run(5_000);
    assert!(cluster.level(1) > level + 1 && cluster.agrees());
}

#[test]
fn a_shard_that_stands_still_stops_the_level_and_all_entering() {
    let mut cluster = Cluster::started(2, 1);
    cluster.run(1_000);
    cluster.shards[0].stopped = true;
    cluster.crowd(CROWD);
    cluster.run(2_250);
    let level = cluster.level(0);
    assert!(level < 256);
    cluster.crowd(KNOCK);
    assert_eq!(levels(&mut cluster, 100), vec![level; 100]);
    assert_eq!(
        (cluster.view(0).entering_limit, &*cluster.view(0).limiting),
        (0, "no_shard_heard")
    );
    cluster.shards[0].stopped = false;
    cluster.run(5_000);
    assert_eq!((cluster.level(0), cluster.number(0)), (256, 1));
    assert!(cluster.view(0).entering_limit > 0);
}

#[test]
fn a_lost_link_stops_entering_at_once_and_one_of_two_does_not() {
    let mut cluster = Cluster::open(1, 2);
    cluster.stop_shard(0);
    assert!(cluster.view(0).entering_limit > 0);
    cluster.stop_shard(1);
    assert_eq!(cluster.view(0).entering_limit, 0);
}

#[test]
fn bad_health_freezes_the_level_and_halves_entering_once_a_second() {
    let mut cluster = Cluster::started(1, 1);
    cluster.run(1_000);
    let level = cluster.level(0);
    cluster.feel(0, Verdict::Bad, "queue_wait");
    let mut limits = Vec::new();
    for _ in 0..24 {
        cluster.step();
        limits.push(cluster.view(0).entering_limit);
    }
    assert_eq!(cluster.level(0), level);
    assert_eq!(&*cluster.view(0).limiting, "queue_wait");
    limits.dedup();
    assert_eq!(limits, [64, 32, 16, 8, 4]);
    cluster.feel(0, Verdict::Good, "");
    cluster.run(500);
    assert!(cluster.level(0) > level);
}

#[test]
fn bad_health_forbids_growth() {
    let mut cluster = Cluster::started(1, 1);
    cluster.crowd(CROWD);
    cluster.run(1_000);
    cluster.feel(0, Verdict::Bad, "suback");
    for _ in 0..16 {
        let before = cluster.view(0).entering_limit;
        connacks(&mut cluster, 0, 10);
        cluster.step();
        assert!(cluster.view(0).entering_limit <= before);
    }
}

#[test]
fn hard_health_lets_nobody_in_and_ends() {
    let mut cluster = Cluster::started(1, 1);
    cluster.run(1_000);
    let level = cluster.level(0);
    cluster.feel(0, Verdict::Hard, "runtime_lag");
    cluster.run(5_000);
    assert_eq!(
        (cluster.level(0), cluster.view(0).entering_limit),
        (level, 0)
    );
    assert_eq!(&*cluster.view(0).limiting, "runtime_lag");
    cluster.feel(0, Verdict::Good, "");
    cluster.run(500);
    assert!(cluster.level(0) > level && cluster.view(0).entering_limit == 64);
}

#[test]
fn one_sick_shard_of_three_stops_nobody_but_two_do() {
    let mut cluster = Cluster::started(1, 3);
    cluster.run(500);
    cluster.feel(0, Verdict::Hard, "queue_wait");
    cluster.run(1_000);
    assert!(cluster.level(0) > 3 && cluster.view(0).entering_limit == 64);
    cluster.feel(1, Verdict::Bad, "suback");
    cluster.step();
    let level = cluster.level(0);
    cluster.run(5_000);
    assert_eq!(cluster.level(0), level);
    assert!(
        cluster.view(0).entering_limit > 0,
        "only one of three is hard"
    );
    // The sick ones fall silent and are left out.
    cluster.shards[0].stopped = true;
    cluster.shards[1].stopped = true;
    cluster.run(3_000);
    assert!(cluster.level(0) > level);
}

#[test]
fn entering_follows_the_time_to_connack() {
    let mut cluster = Cluster::started(1, 1);
    cluster.crowd(EdgeCounts {
        entering: 1_000_000,
        entering_peak: 1_000_000,
        ..CROWD
    });
    cluster.run(500);
    let mut limits = Vec::new();
    for millis in [100, 100, 2_000, 400, 700] {
        connacks(&mut cluster, 0, millis);
        cluster.run(500);
        limits.push(cluster.view(0).entering_limit);
    }
    assert_eq!(limits, [128, 256, 128, 161, 161]);
    assert_eq!(&*cluster.view(0).limiting, "time_to_connack");
}

#[test]
fn the_oldest_waiter_counts_when_nobody_gets_a_connack() {
    let mut cluster = Cluster::started(1, 1);
    cluster.crowd(EdgeCounts {
        oldest_entering: Some(Duration::from_millis(200)),
        ..CROWD
    });
    cluster.run(5_000);
    assert_eq!(cluster.view(0).entering_limit, 64, "no CONNACK, no growth");
    cluster.crowd(EdgeCounts {
        oldest_entering: Some(Duration::from_secs(3)),
        ..CROWD
    });
    cluster.run(5_000);
    assert_eq!(cluster.view(0).entering_limit, 4);
}

#[test]
fn the_usual_time_to_connack_is_the_median_of_late() {
    let mut cluster = Cluster::started(1, 1);
    assert_eq!(
        cluster.view(0).usual_time_to_connack,
        Duration::from_millis(500),
        "nothing known"
    );
    for _ in 0..8 {
        connacks(&mut cluster, 0, 800);
        cluster.run(500);
    }
    for _ in 0..3 {
        connacks(&mut cluster, 0, 100);
        cluster.run(500);
    }
    let usual = cluster.view(0).usual_time_to_connack;
    assert!(
        usual >= Duration::from_millis(100) && usual < Duration::from_millis(110),
        "{usual:?}"
    );
}

#[test]
fn limits_that_bind_are_named() {
    let limiting = |counts, feels| {
        let mut cluster = Cluster::open(1, 1);
        cluster.shards[0].feels = feels;
        cluster.crowd(counts);
        cluster.run(500);
        cluster.view(0).limiting.to_string()
    };
    let settling = |attaching| ShardCounts {
        settling: 9,
        settle_limit: 9,
        attaching,
        ..ShardCounts::default()
    };
    assert_eq!(limiting(NOBODY, settling(1)), "");
    assert_eq!(limiting(CROWD, settling(1)), "settle_limit");
    assert_eq!(limiting(CROWD, settling(0)), "time_to_connack");
    assert_eq!(
        limiting(
            EdgeCounts {
                entering: 63,
                ..CROWD
            },
            settling(0)
        ),
        "level"
    );
}

#[test]
fn the_configured_cap_holds_and_is_named() {
    let mut cluster = Cluster::new(1, 1);
    cluster.start_shard(0);
    cluster.edges[0].cap = Some(3);
    cluster.start_edge(0);
    cluster.crowd(EdgeCounts {
        entering: 3,
        entering_peak: 3,
        ..CROWD
    });
    for _ in 0..8 {
        connacks(&mut cluster, 0, 10);
        cluster.step();
    }
    assert_eq!(
        (cluster.view(0).entering_limit, &*cluster.view(0).limiting),
        (3, "entering_limit")
    );
}

#[test]
fn an_open_gate_refuses_nobody_ever() {
    let mut cluster = Cluster::new(1, 1);
    cluster.edges[0].mode = Mode::Open;
    cluster.start_edge(0);
    let is_open = |cluster: &Cluster| {
        let view = cluster.view(0);
        view.admits(255)
            && view.level == 256
            && view.entering_limit == u32::MAX
            && view.limiting.is_empty()
    };
    cluster.run(1_000);
    assert!(is_open(&cluster));
    cluster.start_shard(0);
    cluster.feel(0, Verdict::Hard, "queue_wait");
    cluster.run(1_000);
    assert!(is_open(&cluster) && cluster.number(0) == 1);
    cluster.start_shard(0);
    cluster.run(1_000);
    assert!(is_open(&cluster) && cluster.number(0) == 2);
}
