//! What clients can do, one thing at a time.

use super::*;

#[test]
fn the_founding_herd_at_two_edges() {
    let mut scenario = founding(3_500);
    scenario.capacity.edges = 2;
    let outcome = run(&scenario);
    assert!(outcome.percent_of_ideal() <= 110, "{:?}", brief(&outcome));
}

/// The founding gateways carry three certificates of which the first is expired: a handshake in vain for each third of
/// them cannot be avoided, since a reset moves a gateway on to its next certificate; more can.
#[test]
fn an_expired_certificate_first() {
    let mut scenario = Scenario::founding();
    scenario.herd.certificates = 3;
    let outcome = run(&scenario);
    assert!(outcome.percent_of_ideal() <= 110, "{:?}", brief(&outcome));
    assert!(
        (101..=140).contains(&outcome.handshakes_per_hundred()),
        "{:?}",
        brief(&outcome)
    );
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_not() {
    let scenario = founding(500);
    assert_eq!(run(&scenario), run(&scenario));
    let other = Scenario {
        seed: 2,
        ..scenario.clone()
    };
    assert_ne!(run(&scenario), run(&other));
}

#[test]
fn clients_that_never_return_are_not_waited_for() {
    let mut scenario = founding(1_000);
    scenario.herd.never_return_percent = 40;
    let outcome = run(&scenario);
    assert_eq!(
        (outcome.expected, outcome.back, outcome.level),
        (600, 600, outcome.slices)
    );
}

#[test]
fn flapping_clients_keep_nobody_out_and_never_count_as_back() {
    let mut scenario = founding(1_000);
    scenario.herd.flapping = 100;
    let outcome = run(&scenario);
    assert_eq!(
        (outcome.expected, outcome.back),
        (1_000, 1_000),
        "{:?}",
        brief(&outcome)
    );
    assert!(outcome.handshakes > 1_100, "they come again and again");
}

/// As many clients flap as come back, and again at once.
#[test]
fn flapping_clients_cost_the_others_a_tenth_of_their_time() {
    let took = |flapping| {
        let mut scenario = founding(1_000);
        scenario.herd.flapping = flapping;
        scenario.herd.retry = ms(100);
        let outcome = run(&scenario);
        (outcome.took, brief(&outcome))
    };
    let (without, with) = (took(0), took(1_000));
    assert!(
        with.0 < without.0.map(|took| took * 17 / 5),
        "{without:?} {with:?}"
    );
}

#[test]
fn behind_a_carrier_many_have_one_address() {
    let mut scenario = founding(3_000);
    scenario.herd.behind_carriers = 2_000;
    let addresses: std::collections::BTreeSet<_> = (0..3_000)
        .map(|client| scenario.address_of(client))
        .collect();
    assert_eq!(addresses.len(), 1_002);
    let outcome = run(&scenario);
    assert!(outcome.is_complete(), "{:?}", brief(&outcome));
}

#[test]
fn a_back_off_spares_the_gate_and_jitter_spreads_it() {
    let arrivals = |change: fn(&mut Herd)| {
        let mut scenario = founding(2_000);
        scenario.capacity.hold_budget = 0;
        change(&mut scenario.herd);
        run(&scenario).arrivals
    };
    let steady = arrivals(|_| ());
    let backed_off = arrivals(|herd| herd.back_off_percent = 200);
    assert!(backed_off * 2 < steady, "{backed_off} {steady}");
}

#[test]
fn who_gives_up_comes_later() {
    let mut scenario = founding(2_000);
    scenario.herd.gives_up_after = 3;
    scenario.herd.gives_up_for = Duration::from_mins(2);
    let outcome = run(&scenario);
    assert!(
        outcome.took > Some(Duration::from_mins(2)),
        "{:?}",
        brief(&outcome)
    );
}

#[test]
fn a_client_that_waits_too_long_for_a_suback_starts_again() {
    let mut scenario = founding(600);
    scenario.law = Law::Open;
    scenario.capacity.login = ms(1);
    scenario.capacity.subscribe = ms(5);
    scenario.herd.step_timeout = ms(500);
    let outcome = run(&scenario);
    assert!(outcome.gave_up > 0, "{:?}", brief(&outcome));
}

#[test]
fn a_broker_without_priorities_loses_who_was_back() {
    let drops = |priorities| {
        let mut scenario = founding(1_000);
        scenario.law = Law::Open;
        scenario.herd.keep_alive = Duration::from_secs(4);
        scenario.herd.patience = Duration::from_secs(20);
        scenario.herd.step_timeout = Duration::from_secs(20);
        scenario.herd.subscribes = 3;
        // some of them a moment later
        scenario.herd.dials_within = Duration::from_secs(4);
        scenario.capacity.priorities = priorities;
        run(&scenario).drops
    };
    assert_eq!(drops(true), 0);
    assert!(drops(false) > 0);
}

#[test]
fn a_slow_backend_is_the_limit_and_is_not_asked_more_than_it_bears() {
    let mut scenario = founding(1_000);
    scenario.capacity.login = ms(0);
    scenario.capacity.backend = Some(Backend {
        latency: ms(100),
        concurrent: 10,
        failing_percent: 0,
    });
    assert_eq!(scenario.ideal(), Duration::from_secs(10));
    let outcome = run(&scenario);
    assert!(
        (100..=150).contains(&outcome.percent_of_ideal()),
        "{:?}",
        brief(&outcome)
    );
    assert_eq!(outcome.refused, 0);
}

#[test]
fn a_failing_backend_refuses() {
    let mut scenario = founding(500);
    scenario.capacity.backend = Some(Backend {
        latency: ms(5),
        concurrent: 64,
        failing_percent: 20,
    });
    let outcome = run(&scenario);
    assert!(
        outcome.is_complete() && (80..250).contains(&outcome.refused),
        "{:?}",
        brief(&outcome)
    );
}

#[test]
fn costly_sessions_are_part_of_the_work() {
    let mut scenario = founding(1_000);
    let before = scenario.ideal();
    scenario.capacity.session = ms(20);
    assert_eq!(scenario.ideal(), before + Duration::from_secs(20));
    let outcome = run(&scenario);
    assert!(outcome.percent_of_ideal() <= 120, "{:?}", brief(&outcome));
}

#[test]
fn more_cores_and_more_machines_share_the_work() {
    let mut scenario = founding(7_000);
    scenario.capacity.edge_cores = 4;
    let quarter = run(&scenario);
    assert!(
        quarter.took < Some(Duration::from_secs(27)),
        "{:?}",
        brief(&quarter)
    );
    scenario.capacity = Capacity {
        one_machine: false,
        edges: 2,
        shards: 2,
        edge_cores: 2,
        ..scenario.capacity
    };
    let apart = run(&scenario);
    assert!(
        apart.took < Some(Duration::from_secs(27)),
        "{:?}",
        brief(&apart)
    );
}

#[test]
fn a_timeline_is_thinned_and_covers_the_run() {
    let outcome = run(&founding(3_000));
    assert!(outcome.timeline.len() > MOST_POINTS / 3 && outcome.timeline.len() <= MOST_POINTS);
    assert_eq!(outcome.timeline.last().map(|point| point.back), Some(3_000));
    assert!(
        outcome
            .timeline
            .is_sorted_by_key(|point| (point.at, point.back, point.level))
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let mut scenario = founding(0);
    scenario.herd.patience = ms(20);
    scenario.herd.certificates = 0;
    scenario.capacity.shards = 0;
    scenario.law = Law::Constant(0);
    scenario.faults = vec![
        Fault {
            when: When::Level(0),
            lasting: ms(1),
            mishap: Mishap::EdgeKilled { edge: 1 },
        },
        Fault {
            when: When::At(ms(1)),
            lasting: ms(1),
            mishap: Mishap::Backend {
                latency: ms(1),
                failing_percent: 101,
            },
        },
    ];
    let problems = scenario.run().unwrap_err();
    let fields: Vec<_> = problems
        .0
        .iter()
        .map(|problem| problem.field.as_str())
        .collect();
    let expected = [
        "herd.clients",
        "herd.certificates",
        "herd.patienceSeconds",
        "capacity.shards",
        "faults[0].atLevelPercent",
        "faults[0].edge",
        "faults[1].failingPercent",
        "capacity.backend",
        "law.limit",
    ];
    assert_eq!(fields, expected);
    assert_eq!(
        problems.0[0].to_string(),
        "herd.clients: 0 is not from 1 to 1000000"
    );
}

#[test]
fn work_that_takes_no_time_has_no_ideal() {
    let mut scenario = founding(10);
    scenario.capacity = Capacity {
        handshake: ms(0),
        login: ms(0),
        subscribe: ms(0),
        ..scenario.capacity
    };
    assert_eq!(scenario.run().unwrap_err().0[0].field, "capacity");
}

/// Edges with cores of their own let in faster than a shard answers SUBSCRIBEs: a thousand that settle at once would wait
/// five seconds for each.
#[test]
fn fewer_settle_at_once_while_subacks_are_late() {
    let mut scenario = founding(2_000);
    scenario.capacity = Capacity {
        one_machine: false,
        edge_cores: 4,
        login: ms(1),
        subscribe: ms(5),
        ..scenario.capacity
    };
    scenario.herd.round_trip = ms(2);
    let outcome = run(&scenario);
    assert!(outcome.percent_of_ideal() <= 110, "{:?}", brief(&outcome));
    let settling = outcome.timeline.iter().map(|point| point.settling);
    let later: Vec<_> = settling.skip(outcome.timeline.len() / 10).collect();
    assert!(later.iter().all(|settling| *settling <= 100), "{later:?}");
}
