//! What can go wrong in mid-ramp, one thing at a time; the reopening finishes by itself.

use super::*;

fn with(fault: Mishap, lasting: u64) -> Scenario {
    let mut scenario = founding(2_000);
    scenario.capacity.edges = 2;
    scenario.capacity.shards = 2;
    scenario.faults = vec![Fault {
        when: When::Level(50),
        lasting: ms(lasting),
        mishap: fault,
    }];
    scenario
}

/// Beside what the fault costs by itself, in percent of the ideal.
fn assert_finishes(scenario: &Scenario, percent: u64) -> Outcome {
    let outcome = run(scenario);
    let seen = outcome.seen;
    assert!(
        outcome.percent_of_ideal() <= percent,
        "{} {:?}",
        outcome.percent_of_ideal(),
        brief(&outcome)
    );
    assert_eq!(
        (outcome.back, outcome.level),
        (2_000, outcome.slices),
        "{:?}",
        brief(&outcome)
    );
    assert_eq!(
        (
            seen.entered_above_limit,
            seen.level_fell,
            seen.advanced_while_bad
        ),
        (0, 0, 0),
        "{seen:?}"
    );
    outcome
}

#[test]
fn a_stall_loses_those_who_were_entering_and_no_more() {
    let outcome = assert_finishes(&with(Mishap::Stall { whose: Whose::All }, 6_000), 160);
    assert!(outcome.gave_up > 0, "{:?}", brief(&outcome));
    assert!(outcome.handshakes < 2_600, "{:?}", brief(&outcome));
}

#[test]
fn a_hog_takes_the_core_for_a_while() {
    let outcome = assert_finishes(
        &with(
            Mishap::Hog {
                whose: Whose::All,
                processes: 1,
            },
            5_000,
        ),
        150,
    );
    assert!(
        outcome.handshakes_per_hundred() <= 110,
        "{:?}",
        brief(&outcome)
    );
}

#[test]
fn an_edge_dies_and_comes_back_to_the_same_level() {
    let outcome = assert_finishes(&with(Mishap::EdgeKilled { edge: 0 }, 2_000), 200);
    assert!(outcome.drops > 0, "{:?}", brief(&outcome));
    assert_eq!(outcome.reopening, 1, "no shard started");
}

#[test]
fn a_shard_that_restarts_begins_another_reopening() {
    let outcome = assert_finishes(&with(Mishap::ShardKilled { shard: 1 }, 3_000), 250);
    assert_eq!(outcome.reopening, 2);
    assert!(outcome.drops > 0);
}

#[test]
fn everything_crashes_again_at_half_the_level() {
    let mut scenario = with(Mishap::ShardKilled { shard: 0 }, 2_000);
    let other = Fault {
        mishap: Mishap::ShardKilled { shard: 1 },
        ..scenario.faults[0]
    };
    scenario.faults.push(other);
    let outcome = assert_finishes(&scenario, 250);
    assert!(outcome.reopening >= 2);
}

#[test]
fn a_backend_that_slows_and_fails_heals() {
    let mut scenario = with(
        Mishap::Backend {
            latency: ms(2_000),
            failing_percent: 0,
        },
        4_000,
    );
    scenario.capacity.backend = Some(Backend {
        latency: ms(20),
        concurrent: 64,
        failing_percent: 0,
    });
    scenario.faults.push(Fault {
        when: When::Level(80),
        lasting: ms(4_000),
        mishap: Mishap::Backend {
            latency: ms(20),
            failing_percent: 100,
        },
    });
    let outcome = assert_finishes(&scenario, 250);
    assert!(outcome.refused > 0, "{:?}", brief(&outcome));
}

/// Errors are quick: without the few that ask slowly, each client would do its handshake in vain more than once.
#[test]
fn a_backend_that_fails_costs_few_handshakes() {
    let mut scenario = with(
        Mishap::Backend {
            latency: ms(20),
            failing_percent: 100,
        },
        10_000,
    );
    scenario.capacity.login = ms(0);
    scenario.capacity.backend = Some(Backend {
        latency: ms(20),
        concurrent: 64,
        failing_percent: 0,
    });
    let outcome = assert_finishes(&scenario, 600);
    assert!(
        (1..3_000).contains(&outcome.refused),
        "{:?}",
        brief(&outcome)
    );
}

#[test]
fn one_slow_shard_of_three_stops_nobody_else() {
    let mut scenario = founding(1_000);
    scenario.capacity = Capacity {
        shards: 3,
        one_machine: false,
        subscribe: ms(1),
        login: ms(2),
        ..scenario.capacity
    };
    scenario.faults = vec![Fault {
        when: When::At(ms(2_000)),
        lasting: ms(10_000),
        mishap: Mishap::Slow {
            whose: Whose::Shard(2),
            percent: 1_000,
        },
    }];
    let outcome = run(&scenario);
    assert!(outcome.is_complete(), "{:?}", brief(&outcome));
    assert_eq!(outcome.seen.entered_above_limit, 0);
}

/// Three shards on machines of their own, of which one takes so many times as long for everything from the start.
fn one_sick_of_three(percent: u32) -> Scenario {
    let mut scenario = founding(3_000);
    scenario.capacity = Capacity {
        shards: 3,
        one_machine: false,
        session: ms(2),
        subscribe: Duration::from_micros(100),
        login: ms(5),
        ..scenario.capacity
    };
    scenario.faults = vec![Fault {
        when: When::At(ms(0)),
        lasting: Duration::from_mins(3),
        mishap: Mishap::Slow {
            whose: Whose::Shard(2),
            percent,
        },
    }];
    scenario
}

/// When so many were back.
fn back_at(outcome: &Outcome, back: u32) -> Duration {
    let point = outcome.timeline.iter().find(|point| point.back >= back);
    point.map_or(Duration::MAX, |point| point.at)
}

/// Clients of the sick shard wait for it a hundred times as long as the others for theirs.
#[test]
fn clients_of_two_shards_come_back_as_if_the_third_were_not_sick() {
    let well = run(&one_sick_of_three(100));
    for percent in [1_000, 10_000] {
        let outcome = run(&one_sick_of_three(percent));
        let (usual, now) = (back_at(&well, 1_900), back_at(&outcome, 1_900));
        assert!(
            outcome.is_complete() && now < usual * 3 / 2,
            "{usual:?} {now:?} {:?}",
            brief(&outcome)
        );
        assert_eq!(outcome.seen.entered_above_limit, 0);
    }
}

/// Whoever was turned away is not given a handshake before its shard is well.
#[test]
fn clients_that_waited_for_a_shard_in_vain_are_held_before_tls() {
    let outcome = run(&one_sick_of_three(10_000));
    assert!(outcome.turned_away > 0, "{:?}", brief(&outcome));
    // in three minutes; each would come again every few seconds
    assert!(
        outcome.handshakes_per_hundred() <= 300,
        "{:?}",
        brief(&outcome)
    );
}

#[test]
fn a_fault_that_comes_after_everybody_is_back_still_happens() {
    let mut scenario = founding(100);
    scenario.faults = vec![Fault {
        when: When::At(Duration::from_mins(1)),
        lasting: ms(2_000),
        mishap: Mishap::ShardKilled { shard: 0 },
    }];
    let outcome = run(&scenario);
    assert_eq!(
        (outcome.back, outcome.drops, outcome.reopening),
        (100, 100, 2)
    );
}

#[test]
fn a_fault_may_follow_another() {
    let killed_after = |wait| {
        let slow = Mishap::Slow {
            whose: Whose::All,
            percent: 200,
        };
        let mut scenario = with(slow, 2_000);
        scenario.faults.push(Fault {
            when: When::After(wait),
            lasting: ms(100),
            mishap: Mishap::EdgeKilled { edge: 0 },
        });
        run(&scenario).drops
    };
    let (at_once, later, after_the_end) = (
        killed_after(Duration::ZERO),
        killed_after(ms(1_500)),
        killed_after(Duration::from_hours(1)),
    );
    assert!(at_once > 0 && later > at_once, "{at_once} {later}");
    assert_eq!(after_the_end, 0);
}
