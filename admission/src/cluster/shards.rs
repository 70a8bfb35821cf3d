//! Shards of different health, and slices that nobody comes from.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::attaches::UNBOUND;
use crate::census::Census;
use crate::slicing::TableFor;

const SECOND: u128 = 1_000;

fn address(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(number).into()
}

/// What each shard may be asked at one tick.
fn grants(cluster: &Cluster) -> Vec<u32> {
    let view = cluster.view(0);
    view.shards.iter().map(|shard| shard.attaches).collect()
}

#[test]
fn one_bad_shard_is_asked_less_and_nobody_else_notices() {
    let mut cluster = Cluster::open(1, 3);
    assert_eq!(grants(&cluster), [UNBOUND; 3]);
    let limit = cluster.view(0).entering_limit;
    for verdict in [Verdict::Bad, Verdict::Hard, Verdict::Good] {
        cluster.feel(1, verdict, "suback");
        cluster.run(2 * SECOND);
        let grants = grants(&cluster);
        let expected = match verdict {
            Verdict::Bad => 1,
            Verdict::Hard => 0,
            Verdict::Good => UNBOUND,
        };
        assert_eq!(grants, [UNBOUND, expected, UNBOUND], "{verdict:?}");
        assert_eq!(cluster.view(0).entering_limit, limit);
        assert_eq!(
            cluster.view(0).shard(1).and_then(|shard| shard.verdict),
            Some(verdict)
        );
    }
}

#[test]
fn an_open_gate_asks_a_hard_shard_all_the_same() {
    let mut cluster = Cluster::new(1, 1);
    cluster.edges[0].mode = Mode::Open;
    cluster.start_edge(0);
    cluster.start_shard(0);
    cluster.feel(0, Verdict::Hard, "queue_wait");
    cluster.run(2 * SECOND);
    assert_eq!(grants(&cluster), [UNBOUND]);
}

/// The edge's view after it was told that a client waited for the shard in vain.
fn after_in_vain(cluster: &mut Cluster, shard: u32) -> EdgeView {
    let now = cluster.now;
    let edge = cluster.edges[0].running.as_mut().unwrap();
    edge.remember([(address(7), shard)], now);
    cluster.step();
    cluster.view(0)
}

#[test]
fn a_client_that_waited_in_vain_is_kept_out_until_its_shard_is_well() {
    for how in ["bad", "hard", "silent", "lost", "late"] {
        let mut cluster = Cluster::open(1, 3);
        match how {
            "bad" => cluster.feel(1, Verdict::Bad, "suback"),
            "hard" => cluster.feel(1, Verdict::Hard, "suback"),
            "silent" => cluster.shards[1].stopped = true,
            "lost" => cluster.stop_shard(1),
            _ => {}
        }
        let late = |cluster: &mut Cluster| {
            if how == "late" {
                cluster.edges[0].waits.of(1).oldest = Some(Duration::from_secs(2));
            }
            cluster.step();
        };
        (0..12).for_each(|_| late(&mut cluster));
        if how == "late" {
            cluster.edges[0].waits.of(1).oldest = Some(Duration::from_secs(2));
        }
        let view = after_in_vain(&mut cluster, 1);
        assert!(view.keeps_out(address(7), cluster.now), "{how}");
        assert!(!view.keeps_out(address(8), cluster.now), "{how}");
        let loosened = view.loosened;
        let over = cluster.now + Duration::from_mins(1);
        assert!(!view.keeps_out(address(7), over), "{how}: not for ever");
        match how {
            "silent" => cluster.shards[1].stopped = false,
            "lost" => cluster.start_shard(1),
            _ => cluster.feel(1, Verdict::Good, ""),
        }
        cluster.run(3 * SECOND);
        let view = cluster.view(0);
        assert!(!view.keeps_out(address(7), cluster.now), "{how}");
        assert!(view.loosened > loosened, "{how}");
    }
}

#[test]
fn for_a_shard_that_is_well_nobody_is_kept_out_and_what_is_over_is_told() {
    let mut cluster = Cluster::open(1, 2);
    let view = after_in_vain(&mut cluster, 0);
    assert!(!view.keeps_out(address(7), cluster.now));
    let loosened = view.loosened;
    cluster.run(59 * SECOND);
    assert_eq!(cluster.view(0).loosened, loosened);
    cluster.run(2 * SECOND);
    assert_eq!(cluster.view(0).loosened, loosened + 1);
    assert!(cluster.view(0).remembered.is_empty());
}

#[test]
fn who_waits_for_a_sick_shard_behind_open_slices_is_told_so() {
    let mut cluster = Cluster::open(1, 3);
    let places_are_free = EdgeCounts {
        entering: 1,
        ..CROWD
    };
    cluster.crowd(places_are_free);
    cluster.run(2 * SECOND);
    assert_eq!(&*cluster.view(0).limiting, "level");
    cluster.feel(1, Verdict::Bad, "suback");
    cluster.run(2 * SECOND);
    assert_eq!(&*cluster.view(0).limiting, "unwell_shard");
    cluster.crowd(CROWD);
    cluster.run(2 * SECOND);
    assert_ne!(&*cluster.view(0).limiting, "unwell_shard", "places bind");
    cluster.crowd(places_are_free);
    after_in_vain(&mut cluster, 1);
    cluster.feel(1, Verdict::Good, "");
    cluster.run(2 * SECOND);
    let view = cluster.view(0);
    assert!(!view.remembered.is_empty());
    assert_eq!(&*view.limiting, "level", "it is well again");
    cluster.stop_shard(1);
    cluster.step();
    assert_eq!(&*cluster.view(0).limiting, "unwell_shard", "it is lost");
}

/// A table whose census has clients of a few addresses alone.
fn table_of_few() -> TableFor {
    let plan = SlicePlan::new(256, &Slicing::PrefixHash(PrefixLengths::default())).unwrap();
    let mut census = Census::default();
    for number in 0..8_u32 {
        census.add(address(number << 16), 1);
    }
    TableFor {
        reopening: ReopeningNumber(1),
        spec: plan.spec(census, true),
    }
}

fn with_few(held: Option<u32>) -> Cluster {
    let mut cluster = Cluster::new(2, 1);
    for edge in 0..2 {
        cluster.start_edge(edge);
        let running = cluster.edges[edge].running.as_mut().unwrap();
        running.adopt_table(&table_of_few());
        cluster.edges[edge].counts.lowest_held = None;
    }
    cluster.edges[1].counts.lowest_held = held;
    cluster.start_shard(0);
    cluster
}

#[test]
fn slices_without_anybody_in_the_census_are_skipped() {
    let mut cluster = with_few(None);
    let table = cluster.view(0).table;
    cluster.run(2 * TICK.as_millis());
    let table = if cluster.number(0) == 1 {
        cluster.view(0).table
    } else {
        table
    };
    let first = (0..256).find(|slice| !table.is_empty(*slice)).unwrap();
    assert!(first > 0);
    let levels: Vec<_> = (0..7)
        .map(|_| {
            cluster.step();
            cluster.level(0)
        })
        .collect();
    assert_eq!(levels.last(), Some(&256), "{levels:?}");
    let whole = levels.iter().position(|level| *level == 256).unwrap();
    assert!(whole <= 4, "one, two, four slices and one more: {levels:?}");
}

#[test]
fn but_not_where_somebody_waits_at_any_edge() {
    let mut cluster = with_few(Some(0));
    let levels: Vec<_> = (0..6)
        .map(|_| {
            cluster.step();
            cluster.level(0)
        })
        .collect();
    assert!(levels.last() < Some(&256), "{levels:?}");
}
