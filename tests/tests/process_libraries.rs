//! Client libraries of others through edge and shard: a selection of the matrix that has each pair of values.
//! `make clients` plays all of it.

// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used)]

use std::thread;

use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::matrix::{LIBRARIES, Library, Report, Selection, run};
use herdgate_tests::setup::Setup;
use herdgate_tests::skip;
use serde_json::json;

#[test]
fn libraries_find_what_they_expect() {
    play(Selection::Pairwise);
}

#[test]
#[ignore = "minutes: make clients"]
fn libraries_find_what_they_expect_in_every_case() {
    play(Selection::All);
}

fn play(selection: Selection) {
    if stand_in_wanted() {
        skip::skip("the stand-in has no WebSocket listener here");
        return;
    }
    let setup = with_websocket(Setup::new());
    let Some(cluster) = Cluster::start(&setup, Topology::Split { edges: 1 }) else {
        return;
    };
    // most of a scene is waiting for the other side
    let reports: Vec<Option<Report>> = thread::scope(|scope| {
        let play = |library: &'static Library| {
            let cluster = &cluster;
            let name = format!("libraries-{}", library.name);
            let thread = thread::Builder::new().name(name);
            let run = move || run(library, selection, cluster);
            thread.spawn_scoped(scope, run).unwrap()
        };
        let wanted = LIBRARIES.iter().filter(|library| asked_for(library.name));
        let running: Vec<_> = wanted.map(play).collect();
        let reports = running.into_iter().map(|thread| thread.join().unwrap());
        reports.collect()
    });
    let reports: Vec<Report> = reports.into_iter().flatten().collect();
    for report in &reports {
        println!("{report}");
    }
    let failures: usize = reports.iter().map(Report::failures).sum();
    assert_eq!(failures, 0, "cases that failed, see above");
}

/// `HERDGATE_CLIENTS=hivemq,mqttjs`: those alone.
fn asked_for(name: &str) -> bool {
    let asked = std::env::var("HERDGATE_CLIENTS").unwrap_or_default();
    asked.is_empty() || asked.split(',').any(|one| one == name)
}

fn with_websocket(mut setup: Setup) -> Setup {
    let tls = setup.config["listeners"][0]["tls"].clone();
    let listeners = setup.config["listeners"].as_array_mut().unwrap();
    listeners.push(json!({
        "name": "wss", "address": "127.0.0.1:0", "protocol": "wss", "tls": tls,
    }));
    setup
}
