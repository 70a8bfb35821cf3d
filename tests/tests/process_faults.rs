//! Faults in mid-ramp: the level waits for what is sick, and a reopening finishes alone.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use herdgate_tests::admin::Admin;
use herdgate_tests::cgroup::ControlGroup;
use herdgate_tests::cluster::{Cluster, Topology};
use herdgate_tests::process::{Process, Signal};
use herdgate_tests::setup::Setup;
use herdgate_tests::staged::{self, RAMP_WITHIN, SLICES};
use herdgate_tests::swarm::{Herd, RunningHerd};
use herdgate_tests::wait::{PATIENT, throughout, until};

const SPLIT: Topology = Topology::Split { edges: 1 };
/// A level here is in the middle of the ramp.
const MIDWAY: u64 = 12;
/// What a shard that is not well may take to stop the level.
const FREEZES_WITHIN: Duration = Duration::from_secs(3);
/// Longer than clients are patient, so that the door empties and a level that may move does.
const STAYS_FOR: Duration = Duration::from_secs(8);
const GATEWAYS: u32 = 200;

/// A staged cluster whose level follows who comes in: few enter at a time, logins are dear, and time opens nothing.
fn staged() -> Option<Setup> {
    let setup = staged::staged(80_000)?;
    let setup = setup.set("/admission/enteringLimit", 8);
    Some(setup.set("/admission/maxBlockedSeconds", 0))
}

/// Gateways of their own at one edge.
fn herd(cluster: &Cluster<'_>, edge: usize, gateways: u32) -> Option<RunningHerd> {
    let address = cluster.listener_of(edge, "mqtts").to_string();
    Herd::new(cluster.setup, gateways, &address)
        .set("/identity/clientId", format!("gw-{edge}-{{n}}"))
        .set("/topics/pattern", format!("gw/{edge}-{{n}}/{{t}}"))
        .start(&format!("herd-{edge}"))
}

/// One at each of two edges.
fn herds(cluster: &Cluster<'_>) -> Option<(RunningHerd, RunningHerd)> {
    Some((herd(cluster, 0, GATEWAYS)?, herd(cluster, 1, GATEWAYS)?))
}

/// The level with which the edge takes part in the first reopening.
fn until_joined(cluster: &Cluster<'_>, edge: usize) -> u64 {
    until("it joins the same reopening", PATIENT, || {
        let status = cluster.edges[edge].admin.status();
        let joined = status["reopening"] == 1;
        joined.then(|| status["level"].as_u64().unwrap())
    })
}

fn both_are_open_at(cluster: &Cluster<'_>, reopening: u64) {
    for edge in 0..2 {
        assert_eq!(level(cluster, edge), SLICES);
        assert_eq!(cluster.edges[edge].admin.number("/reopening"), reopening);
    }
}

fn level(cluster: &Cluster<'_>, edge: usize) -> u64 {
    cluster.edges[edge].admin.number("/level")
}

fn until_midway(cluster: &Cluster<'_>, edge: usize) {
    until("the ramp is under way", RAMP_WITHIN, || {
        (level(cluster, edge) >= MIDWAY).then_some(())
    });
}

fn finish(herd: RunningHerd, gateways: u32) {
    let report = herd.finish(RAMP_WITHIN);
    assert_eq!(report["gateways"], gateways, "{report}");
}

/// The level stops in time and stays where it is, and the edge says why.
fn stands_still(admin: &Admin, signal: &str) {
    let sick_since = Instant::now();
    let mut stopped = (admin.number("/level"), Duration::ZERO);
    throughout("the edge answers", FREEZES_WITHIN + STAYS_FOR, || {
        let level = admin.number("/level");
        if level != stopped.0 {
            stopped = (level, sick_since.elapsed());
        }
        true
    });
    let (level, after) = stopped;
    assert!(level < SLICES, "the ramp was over before the fault");
    assert!(
        after <= FREEZES_WITHIN,
        "it moved {after:?} after the fault"
    );
    until("the edge says why", PATIENT, || {
        (admin.status()["limitingSignal"] == signal).then_some(())
    });
}

#[test]
fn a_shard_that_stands_still_stops_the_level_within_three_seconds() {
    let Some(setup) = staged() else { return };
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(herd) = herd(&cluster, 0, GATEWAYS) else {
        return;
    };
    until_midway(&cluster, 0);
    let shard = &cluster.owner().process;
    shard.signal(Signal::STOP);
    stands_still(&cluster.edges[0].admin, "no_shard_heard");
    shard.signal(Signal::CONT);
    finish(herd, GATEWAYS);
    assert_eq!(level(&cluster, 0), SLICES);
}

#[test]
fn a_shard_that_is_starved_stops_the_level_within_three_seconds() {
    let Some(setup) = staged() else { return };
    let Some(group) = ControlGroup::new() else {
        return;
    };
    let Some(cluster) = Cluster::start_in(&setup, SPLIT, &group) else {
        return;
    };
    let Some(herd) = herd(&cluster, 0, GATEWAYS) else {
        return;
    };
    until_midway(&cluster, 0);
    group.limit_cpu(Some(4));
    let hog: Process = group.hog(&setup);
    stands_still(&cluster.edges[0].admin, "cpu_throttling");
    group.limit_cpu(None);
    drop(hog);
    finish(herd, GATEWAYS);
    assert_eq!(level(&cluster, 0), SLICES);
}

#[test]
fn a_reopening_outlives_the_edge_that_moves_its_level_and_takes_it_in_again() {
    let Some(setup) = staged() else { return };
    let Some(mut cluster) = Cluster::start(&setup, Topology::Split { edges: 2 }) else {
        return;
    };
    let Some((first, second)) = herds(&cluster) else {
        return;
    };
    until_midway(&cluster, 1);
    // the lowest id moves the level
    cluster.edges[0].process.kill();
    let died_at = level(&cluster, 1);
    assert!(died_at < SLICES, "the ramp was over before the fault");
    until("the other edge moves the level", RAMP_WITHIN, || {
        (level(&cluster, 1) > died_at + 4).then_some(())
    });
    cluster.edges[0].restart(&setup);
    let joined_at = until_joined(&cluster, 0);
    assert!(joined_at > died_at, "where the others are: {joined_at}");
    finish(first, GATEWAYS);
    finish(second, GATEWAYS);
    both_are_open_at(&cluster, 1);
}

#[test]
fn an_edge_that_comes_late_goes_along() {
    let Some(setup) = staged() else { return };
    let Some(mut cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(first) = herd(&cluster, 0, GATEWAYS) else {
        return;
    };
    until_midway(&cluster, 0);
    cluster.add_edge();
    let joined_at = until_joined(&cluster, 1);
    assert!((MIDWAY..SLICES).contains(&joined_at), "{joined_at}");
    let Some(second) = herd(&cluster, 1, 40) else {
        return;
    };
    finish(first, GATEWAYS);
    finish(second, 40);
    both_are_open_at(&cluster, 1);
}

#[test]
fn a_shard_that_is_killed_in_mid_ramp_starts_it_over_and_all_come_back() {
    let Some(setup) = staged() else { return };
    let Some(mut cluster) = Cluster::start(&setup, Topology::Split { edges: 2 }) else {
        return;
    };
    let Some((first, second)) = herds(&cluster) else {
        return;
    };
    until_midway(&cluster, 0);
    cluster.shard.as_mut().unwrap().process.kill();
    assert!(level(&cluster, 0) < SLICES, "the ramp was over before");
    cluster.shard.as_mut().unwrap().restart(&setup);
    for edge in &cluster.edges {
        until("it starts over", PATIENT, || {
            let status = edge.admin.status();
            (status["reopening"] == 2 && status["trigger"] == "Restart").then_some(())
        });
    }
    finish(first, GATEWAYS);
    finish(second, GATEWAYS);
    both_are_open_at(&cluster, 2);
}
