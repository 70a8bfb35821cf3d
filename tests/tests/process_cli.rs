//! What a person sees of a reopening, and does about it, with `kubectl-herdgate` at a process's admin port.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;
use std::time::Duration;

use herdgate_tests::admin::Admin;
use herdgate_tests::cluster::{Cluster, Topology};
use herdgate_tests::process::{Process, run};
use herdgate_tests::setup::Setup;
use herdgate_tests::skip;
use herdgate_tests::staged::{RAMP_WITHIN, SLICES, steered};
use herdgate_tests::swarm::{Herd, RunningHerd};
use herdgate_tests::wait::{PATIENT, throughout, until};
use serde_json::Value;

/// Logins that cost enough for a ramp to be watched.
const DEAR: u32 = 60_000;

fn herd(setup: &Setup, cluster: &Cluster<'_>) -> Option<RunningHerd> {
    Herd::new(setup, 200, &cluster.listener("mqtts").to_string()).start("herd")
}

fn command(cluster: &Cluster<'_>, words: &[&str]) -> Command {
    let mut command = Command::new(skip::binary("kubectl-herdgate").unwrap());
    let admin = format!("http://{}", cluster.edges[0].admin.0);
    command.args(words).args(["--admin", &admin]);
    command
}

/// Whether it succeeded, and what it said.
fn ask(cluster: &Cluster<'_>, words: &[&str]) -> (bool, String) {
    let name = format!("cli-{}", words.join("-").replace('/', "_"));
    let folder = cluster.setup.folder.path();
    let (status, said) = run(&name, command(cluster, words), folder, PATIENT);
    (status.success(), said)
}

fn watch(cluster: &Cluster<'_>) -> Process {
    Process::spawn(
        "watch",
        command(cluster, &["watch"]),
        cluster.setup.folder.path(),
    )
}

fn progress(cluster: &Cluster<'_>) -> Value {
    let (code, body) = cluster.edges[0].admin.get("/reopening").unwrap();
    assert_eq!(code, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn a_reopening_is_watched_from_the_first_slice_to_the_last() {
    let Some(setup) = steered(DEAR) else { return };
    let Some(cluster) = Cluster::start(&setup, Topology::Standalone) else {
        return;
    };
    let (good, said) = ask(&cluster, &["explain", "127.1.2.3"]);
    assert!(good && said.contains("closed, 0 of 256 are open"), "{said}");
    let Some(herd) = herd(&setup, &cluster) else {
        return;
    };
    let mut watch = watch(&cluster);
    assert!(watch.wait(RAMP_WITHIN).success(), "{}", watch.log());
    let log = watch.log();
    let (first, last) = (log.lines().next().unwrap(), log.lines().last().unwrap());
    assert!(first.contains("ramping"), "{log}");
    assert!(last.contains("open 256/256"), "{log}");
    assert!(log.lines().count() >= 3, "it is seen on its way: {log}");
    assert!(
        !log.contains('\x1b'),
        "plain lines where there is no terminal: {log}"
    );
    let (good, said) = ask(&cluster, &["status"]);
    assert!(good && said.contains("256/256"), "{said}");
    let told = progress(&cluster);
    assert_eq!(told["phase"], "Open", "{told}");
    let timeline = told["timeline"].as_array().unwrap();
    let levels: Vec<u64> = timeline
        .iter()
        .map(|point| point["level"].as_u64().unwrap())
        .collect();
    assert!(
        levels.is_sorted() && levels.last() == Some(&SLICES),
        "{levels:?}"
    );
    assert!(!told["slowest"].as_array().unwrap().is_empty(), "{told}");
    let user = herd.finish(RAMP_WITHIN);
    assert_eq!(user["gateways"], 200, "{user}");
}

#[test]
fn an_edge_without_clients_and_a_shard_tell_of_the_whole_cluster() {
    let Some(setup) = steered(DEAR) else { return };
    let Some(cluster) = Cluster::start(&setup, Topology::Split { edges: 2 }) else {
        return;
    };
    let Some(_herd) = herd(&setup, &cluster) else {
        return;
    };
    let shard = &cluster.shard.as_ref().unwrap().admin;
    let told = |admin: &Admin| -> Value {
        let (code, body) = admin.get("/reopening").unwrap();
        assert_eq!(code, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    };
    until("both see who is back", RAMP_WITHIN, || {
        let (idle, shard) = (told(&cluster.edges[1].admin), told(shard));
        let back = |told: &Value| told["settled"].as_u64().unwrap() > 0;
        (back(&idle) && back(&shard)).then(|| {
            assert_eq!(idle["handshakes"], 0, "its own alone: {idle}");
            assert_eq!(idle["number"], shard["number"], "{idle} {shard}");
        })
    });
}

#[test]
fn a_client_is_found_at_its_shard() {
    let Some(setup) = steered(DEAR) else { return };
    let Some(cluster) = Cluster::start(&setup, Topology::Standalone) else {
        return;
    };
    let (good, said) = ask(&cluster, &["explain", "nobody"]);
    assert!(good && said.contains("not seen"), "{said}");
    assert!(said.contains("has no session of it"), "{said}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let Some(setup) = steered(DEAR) else { return };
    let Some(cluster) = Cluster::start(&setup, Topology::Standalone) else {
        return;
    };
    let (good, said) = ask(&cluster, &["pause"]);
    assert!(!good && said.contains("--token-file"), "{said}");
    let wrong = setup
        .write("wrong-token", "not the one")
        .display()
        .to_string();
    let (good, said) = ask(&cluster, &["pause", "--token-file", &wrong]);
    assert!(!good && said.contains("admin.tokenFile"), "{said}");
    let mut command = Command::new(skip::binary("kubectl-herdgate").unwrap());
    command.args(["status", "--admin", "http://127.0.0.1:1"]);
    let (status, said) = run("nowhere", command, setup.folder.path(), PATIENT);
    assert!(!status.success() && said.contains("127.0.0.1:1"), "{said}");
}

#[test]
fn a_pause_holds_the_level_until_somebody_resumes() {
    let Some(setup) = steered(DEAR) else { return };
    let Some(cluster) = Cluster::start(&setup, Topology::Standalone) else {
        return;
    };
    let token = setup.path("admin-token").display().to_string();
    let Some(herd) = herd(&setup, &cluster) else {
        return;
    };
    let level = || cluster.edges[0].admin.number("/level");
    until("slices open", RAMP_WITHIN, || (level() > 0).then_some(()));
    let (good, said) = ask(&cluster, &["resume", "--token-file", &token]);
    assert!(!good && said.contains("not paused"), "{said}");
    let (good, said) = ask(&cluster, &["pause", "--token-file", &token]);
    assert!(good && said.contains("paused"), "{said}");
    let paused_at = level();
    assert!(paused_at < SLICES, "the ramp was over before the pause");
    throughout("the level stands still", Duration::from_secs(3), || {
        level() == paused_at
    });
    assert_eq!(progress(&cluster)["phase"], "Holding");
    let (good, said) = ask(&cluster, &["resume", "--token-file", &token]);
    assert!(good, "{said}");
    let report = herd.finish(RAMP_WITHIN);
    assert_eq!(report["gateways"], 200, "{report}");
    until("all slices are open", RAMP_WITHIN, || {
        (level() == SLICES).then_some(())
    });
}
