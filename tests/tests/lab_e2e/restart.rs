//! Everything is killed, and the herd comes back in the order of its ranges.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::Duration;

use herdgate_tests::lab::edges::number;
use herdgate_tests::lab::kubernetes::ROLLOUT;
use herdgate_tests::lab::probe::{Refusal, knock};
use herdgate_tests::lab::step;
use herdgate_tests::lab::swarm::Run;
use herdgate_tests::process::Process;
use herdgate_tests::tls;
use herdgate_tests::wait::until;
use serde_json::Value;

use crate::calm::brokers;
use crate::herd::herd_size;
use crate::reopening;
use crate::world::{CLOSED_SOURCE, CLUSTER, HOSTNAME, PATIENCE, SLICES, World};

/// From the kill until all are back; the ramp itself takes some twenty seconds.
const RETURN: Duration = Duration::from_mins(4);
/// Slices of the first of four ranges.
const FIRST_RANGE: u64 = SLICES / 4;

pub(crate) fn the_herd_returns_range_by_range(world: &World<'_>, herd: &mut Run) {
    let before = brokers(world);
    let level = watch_level(world);
    kill_all_brokers(world);
    if world.lab.fleet {
        a_closed_range_is_refused_while_an_open_one_settles(world);
    }
    let watch = reopening::watch_as_a_person(world, "in-order");
    let report = herd.report(RETURN);
    let after = brokers(world);
    assert!(
        after
            .iter()
            .all(|pod| before.iter().all(|old| old.uid != pod.uid)),
        "every broker is a new one"
    );
    assert_eq!(report["back"].as_u64(), Some(herd_size()), "{report:#}");
    the_level_was_seen_on_its_way(&level);
    if let Some(watch) = watch {
        reopening::a_person_saw_it(watch);
    }
    if world.lab.fleet {
        the_ranges_returned_in_order(&report);
    }
    no_handshake_was_wasted(world, &report);
    if world.lab.fleet {
        who_was_refused_is_answered_now(world);
    }
}

/// Without a word, as a power failure would.
pub(crate) fn kill_all_brokers(world: &World<'_>) {
    let selector = format!("herdgate.io/cluster={CLUSTER}");
    world.lab.kubernetes.kubectl(&[
        "delete",
        "pods",
        "--namespace",
        &world.namespace,
        "--selector",
        &selector,
        "--grace-period=0",
        "--force",
        "--wait=false",
    ]);
}

fn watch_level(world: &World<'_>) -> Process {
    let resource = format!("mqttcluster/{CLUSTER}");
    world.lab.kubernetes.start(
        "level",
        &[
            "get",
            &resource,
            "--namespace",
            &world.namespace,
            "--watch",
            "--output=jsonpath={.status.admission.level}{\"\\n\"}",
        ],
    )
}

fn the_level_was_seen_on_its_way(watch: &Process) {
    let log = watch.log();
    let seen: BTreeSet<u64> = log.lines().filter_map(|line| line.parse().ok()).collect();
    let on_the_way = seen
        .iter()
        .filter(|level| (1..SLICES).contains(*level))
        .count();
    step(&format!("levels seen on the resource: {seen:?}"));
    assert!(
        on_the_way >= 2,
        "the watch saw the level on its way: {seen:?}"
    );
}

/// At one moment: clients of an open range settle, and at either edge one of a closed range gets nothing at all.
fn a_closed_range_is_refused_while_an_open_one_settles(world: &World<'_>) {
    let addresses = until(
        "the first range is open at both edges and its clients settle",
        ROLLOUT,
        || {
            let addresses = world.edge_addresses();
            let statuses = world.edges().statuses();
            let open = |status: &Value| (1..=FIRST_RANGE).contains(&number(status, "/level"));
            let ready = addresses.len() == 2 && statuses.len() == 2 && statuses.iter().all(open);
            (ready && settling(world) > 0).then_some(addresses)
        },
    );
    // Clients come in by twos, as the settle limit allows, so that a knock may fall between two pairs.
    let level = until(
        "clients of the open range come in while one of a closed range knocks",
        ROLLOUT,
        || {
            let before = connected(&world.edges().statuses());
            for (address, refusal) in knock_everywhere(world, addresses.clone()) {
                assert_eq!(refusal, Refusal::Reset, "the edge at {address}");
            }
            let statuses = world.edges().statuses();
            let levels = statuses.iter().map(|status| number(status, "/level"));
            let level = levels.max().unwrap();
            assert!(
                level < 2 * FIRST_RANGE,
                "the third range was closed all the while, level {level}"
            );
            (connected(&statuses) > before).then_some(level)
        },
    );
    step(&format!(
        "a closed range was reset at both edges, level {level} afterwards"
    ));
}

/// The same knock at the open gate; were it not answered, its silence before would have meant nothing.
fn who_was_refused_is_answered_now(world: &World<'_>) {
    for (address, answer) in knock_everywhere(world, world.edge_addresses()) {
        assert!(
            matches!(answer, Refusal::Answered(_)),
            "the edge at {address}: {answer:?}"
        );
    }
}

fn knock_everywhere(world: &World<'_>, addresses: Vec<SocketAddr>) -> Vec<(SocketAddr, Refusal)> {
    let config = tls::plain_client(&world.authority.pem());
    let source = IpAddr::from(CLOSED_SOURCE);
    let knocks: Vec<_> = addresses
        .into_iter()
        .map(|address| {
            let config = config.clone();
            // held for at most the patience; twice that for two busy cores
            thread::spawn(move || {
                (
                    address,
                    knock(source, address, HOSTNAME, &config, PATIENCE * 2),
                )
            })
        })
        .collect();
    knocks
        .into_iter()
        .map(|knock| knock.join().unwrap())
        .collect()
}

fn connected(statuses: &[Value]) -> u64 {
    statuses
        .iter()
        .map(|status| number(status, "/connected"))
        .sum()
}

fn settling(world: &World<'_>) -> u64 {
    world
        .shards()
        .statuses()
        .iter()
        .map(|status| number(status, "/settling"))
        .sum()
}

/// By their medians: a gateway whose try just ended comes a second later than its neighbours.
fn the_ranges_returned_in_order(report: &Value) {
    let times = |field: &str| -> Vec<f64> {
        let ranges = report["ranges"].as_array().unwrap();
        ranges
            .iter()
            .map(|range| range["settle"][field].as_f64().unwrap())
            .collect()
    };
    let (first, median) = (times("first"), times("p50"));
    step(&format!(
        "first back {first:.1?} s, half back {median:.1?} s"
    ));
    assert!(median.is_sorted_by(|a, b| a < b), "{report:#}");
    assert!(first.is_sorted_by(|a, b| a < b), "{report:#}");
}

/// The edges completed as many handshakes as the herd did: those refused at the gate cost none.
fn no_handshake_was_wasted(world: &World<'_>, report: &Value) {
    let counts = &report["counts"];
    let count = |pointer: &str| counts.pointer(pointer).and_then(Value::as_u64).unwrap();
    let by_herd = count("/handshakes");
    // a gateway that gives up in its handshake leaves one begun
    let given_up = count("/timeouts/dial") + count("/timeouts/connack");
    let (started, completed) = (
        world.edges().sum("/handshakes/started"),
        world.edges().sum("/handshakes/completed"),
    );
    step(&format!(
        "handshakes: herd {by_herd}, edges {completed} of {started} begun; given up {given_up}"
    ));
    assert!(
        completed <= by_herd,
        "edges completed {completed}, the herd {by_herd}"
    );
    assert!(
        started <= by_herd + given_up,
        "edges began {started}, the herd completed {by_herd}"
    );
}
