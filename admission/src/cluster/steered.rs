//! What people do to a reopening, the modes, and the end that nobody is kept out beyond.

use super::*;
use crate::progress::{Action, Steer};
use crate::times::Times;

fn steer(cluster: &mut Cluster, edge: usize, action: Action) -> Result<(), String> {
    let now = cluster.now;
    let steer = Steer {
        action,
        level: None,
    };
    let edge = cluster.edges[edge].running.as_mut().unwrap();
    edge.steer(steer, now)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn in_mode(mode: Mode) -> Cluster {
    let mut cluster = Cluster::new(2, 1);
    cluster.edges.iter_mut().for_each(|edge| edge.mode = mode);
    cluster.start_shard(0);
    (0..2).for_each(|edge| cluster.start_edge(edge));
    cluster
}

#[test]
fn a_pause_at_any_edge_freezes_the_level_everywhere_until_somebody_resumes() {
    let mut cluster = Cluster::started(3, 2);
    cluster.run(750);
    steer(&mut cluster, 2, Action::Pause).unwrap();
    cluster.run(750);
    let level = cluster.level(0);
    assert!(level < 256);
    cluster.run(2_000_000);
    assert_eq!((cluster.level(0), cluster.level(1)), (level, level));
    assert!(
        cluster.view(0).entering_limit > 0,
        "who is at the open door goes on entering"
    );
    assert_eq!(&*cluster.view(0).limiting, "paused");
    steer(&mut cluster, 1, Action::Resume).unwrap();
    cluster.run(10_000);
    assert_eq!(cluster.level(2), 256);
    assert!(cluster.agrees());
}

#[test]
fn an_edge_that_starts_later_learns_of_the_pause() {
    let mut cluster = Cluster::started(2, 1);
    cluster.run(750);
    steer(&mut cluster, 0, Action::Pause).unwrap();
    cluster.run(750);
    cluster.stop_edge(0);
    cluster.run(3_000);
    cluster.start_edge(0);
    cluster.run(5_000);
    assert!(cluster.view(0).steering.paused && cluster.level(0) < 256);
}

#[test]
fn skip_and_stop_open_at_once_and_the_limits_bind() {
    let mut cluster = Cluster::started(2, 1);
    cluster.crowd(CROWD);
    cluster.run(750);
    let level = cluster.level(0);
    steer(&mut cluster, 1, Action::Skip).unwrap();
    cluster.run(500);
    assert_eq!(cluster.level(0), level + 16);
    steer(&mut cluster, 0, Action::Stop).unwrap();
    cluster.run(500);
    assert_eq!((cluster.level(0), cluster.level(1)), (256, 256));
    assert!(cluster.view(1).steering.stopped && cluster.view(1).entering_limit == 64);
    assert!(steer(&mut cluster, 0, Action::Stop).is_err());
}

#[test]
fn a_reopening_by_hand_starts_over_and_forgets_how_the_last_was_steered() {
    let mut cluster = Cluster::open(2, 2);
    steer(&mut cluster, 1, Action::Reopen).unwrap();
    assert_eq!(cluster.level(1), 0);
    cluster.run(1_000);
    assert_eq!((cluster.number(0), cluster.shard_number(1)), (2, 2));
    assert_eq!(cluster.view(0).trigger, Trigger::Manual);
    steer(&mut cluster, 0, Action::Stop).unwrap();
    cluster.run(1_000);
    steer(&mut cluster, 0, Action::Reopen).unwrap();
    cluster.run(1_000);
    let view = cluster.view(1);
    assert!(view.reopening.0 == 3 && view.level < 256 && !view.steering.stopped);
}

#[test]
fn a_shard_is_steered_too() {
    let mut cluster = Cluster::open(2, 1);
    let reopen = |action| Steer {
        action,
        level: None,
    };
    let shard = cluster.shards[0].running.as_mut().unwrap();
    assert!(shard.steer(Mode::Staged, reopen(Action::Skip)).is_err());
    shard.steer(Mode::Staged, reopen(Action::Reopen)).unwrap();
    cluster.run(500);
    assert_eq!((cluster.number(1), cluster.level(1) < 256), (2, true));
    let shard = cluster.shards[0].running.as_mut().unwrap();
    shard.steer(Mode::Staged, reopen(Action::Stop)).unwrap();
    cluster.run(500);
    assert_eq!(cluster.level(1), 256);
}

#[test]
fn what_set_a_reopening_off_is_told_to_all() {
    let mut cluster = Cluster::started(2, 1);
    cluster.run(1_000);
    assert_eq!(cluster.view(1).trigger, Trigger::Start);
    cluster.start_shard(0);
    cluster.run(1_000);
    assert_eq!(cluster.view(1).trigger, Trigger::Restart);
}

#[test]
fn a_number_known_from_before_is_outdone() {
    let mut cluster = Cluster::new(1, 1);
    cluster.start_shard(0);
    let shard = cluster.shards[0].running.as_mut().unwrap();
    shard.restore(ReopeningNumber(41), 4_000);
    cluster.start_edge(0);
    cluster.run(1_000);
    assert_eq!(
        (cluster.number(0), cluster.view(0).trigger),
        (42, Trigger::Restart)
    );
}

#[test]
fn in_mode_manual_the_level_moves_by_hand_alone() {
    let mut cluster = in_mode(Mode::Manual);
    cluster.run(2_000_000);
    assert_eq!(cluster.level(0), 0);
    let now = cluster.now;
    let advance = Steer {
        action: Action::Advance,
        level: Some(9),
    };
    let edge = cluster.edges[1].running.as_mut().unwrap();
    edge.steer(advance, now).unwrap();
    cluster.run(60_000);
    assert_eq!((cluster.level(0), cluster.level(1)), (9, 9));
}

#[test]
fn in_mode_closed_nobody_comes_in() {
    let mut cluster = in_mode(Mode::Closed);
    cluster.run(60_000);
    let view = cluster.view(0);
    assert_eq!((view.level, view.entering_limit), (0, 0));
    assert!(!view.admits(0) && &*view.limiting == "closed");
}

#[test]
fn a_dry_run_holds_nobody_counts_and_ends() {
    let mut cluster = in_mode(Mode::DryRun);
    cluster.crowd(EdgeCounts {
        entering: 9,
        ..NOBODY
    });
    cluster.run(500);
    let view = cluster.view(0);
    assert!(view.admits(255) && view.entering_limit == u32::MAX);
    assert!(!view.law_admits(255, 0) && view.law_admits(0, 0) && !view.law_admits(0, 64));
    cluster.run(10_000);
    assert_eq!(cluster.level(0), 256);
}

#[test]
fn a_crowd_that_never_shrinks_is_kept_out_no_longer_than_fifteen_minutes() {
    let mut cluster = Cluster::started(2, 1);
    cluster.crowd(CROWD);
    cluster.run(450_000);
    let half = cluster.level(0);
    assert!((126..=130).contains(&half), "{half}");
    cluster.feel(0, Verdict::Bad, "queue_wait");
    cluster.run(225_000);
    assert!(cluster.level(0) > 180, "bad does not stop it");
    cluster.feel(0, Verdict::Hard, "queue_wait");
    cluster.run(500_000);
    let hard = cluster.level(0);
    assert!(hard < 200, "hard does: {hard}");
    cluster.feel(0, Verdict::Good, "");
    cluster.run(240_000);
    assert_eq!(cluster.level(1), 256);
    assert!(cluster.agrees());
}

#[test]
fn two_minutes_of_hard_are_a_stall() {
    let mut cluster = Cluster::started(1, 1);
    cluster.run(1_000);
    cluster.feel(0, Verdict::Hard, "suback");
    cluster.run(119_000);
    assert!(!cluster.view(0).stalled);
    cluster.run(3_000);
    assert!(cluster.view(0).stalled && &*cluster.view(0).limiting == "suback");
    cluster.feel(0, Verdict::Good, "");
    cluster.run(500);
    assert!(!cluster.view(0).stalled);
}

fn give_up(cluster: &mut Cluster, edge: usize, seconds: u64) {
    let mut waits = Times::default();
    (0..60).for_each(|_| waits.record(Duration::from_secs(seconds)));
    let edge = cluster.edges[edge].running.as_mut().unwrap();
    edge.gave_up(&waits);
}

#[test]
fn all_edges_go_by_the_median_of_what_they_learn_and_shards_remember_it() {
    let mut cluster = Cluster::started(3, 1);
    cluster.run(1_000);
    assert_eq!(cluster.view(0).patience, Duration::from_secs(5));
    for (edge, seconds) in [(0, 8), (1, 20), (2, 2)] {
        give_up(&mut cluster, edge, seconds);
    }
    cluster.run(1_000);
    for edge in 0..3 {
        let view = cluster.view(edge);
        assert_eq!(view.patience, Duration::from_secs(8));
        assert_eq!(view.aim, Duration::from_millis(1_600));
    }
    (0..3).for_each(|edge| cluster.stop_edge(edge));
    cluster.run(10_000);
    cluster.start_edge(1);
    cluster.run(3_000);
    assert_eq!(cluster.view(1).patience, Duration::from_secs(8));
}

#[test]
fn a_storm_that_shards_cannot_take_starts_one_reopening() {
    let mut cluster = Cluster::open(2, 2);
    cluster.crowd(NOBODY);
    cluster.run(120_000);
    let storm = EdgeCounts {
        arrivals: 100,
        ..CROWD
    };
    cluster.crowd(storm);
    cluster.run(30_000);
    assert_eq!(cluster.number(0), 1, "the shards are well");
    cluster.crowd(NOBODY);
    cluster.run(120_000);
    cluster.crowd(storm);
    (0..2).for_each(|shard| cluster.feel(shard, Verdict::Hard, "draining"));
    cluster.run(10_000);
    assert_eq!(cluster.number(0), 1, "they send their clients away");
    (0..2).for_each(|shard| cluster.feel(shard, Verdict::Bad, "queue_wait"));
    cluster.run(10_000);
    assert_eq!((cluster.number(0), cluster.number(1)), (2, 2));
    assert_eq!(cluster.view(1).trigger, Trigger::Overload);
    assert!(cluster.level(0) < 256);
    cluster.run(60_000);
    assert_eq!(cluster.number(1), 2);
}
