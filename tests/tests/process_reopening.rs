//! A reopening goes on whatever happens to the processes, and stops where people say so.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;
use std::time::Duration;

use herdgate_tests::cgroup::ControlGroup;
use herdgate_tests::cluster::{Cluster, Topology};
use herdgate_tests::process::run;
use herdgate_tests::skip;
use herdgate_tests::staged::{RAMP_WITHIN, SLICES, steered};
use herdgate_tests::swarm::Herd;
use herdgate_tests::wait::{PATIENT, throughout, until};
use serde_json::json;

const SPLIT: Topology = Topology::Split { edges: 1 };

/// So that a ramp of some hundred gateways is to be seen.
const DEAR: u32 = 60_000;

/// A person's word at one edge's admin port.
fn say(cluster: &Cluster<'_>, edge: usize, word: &str) {
    let token = cluster.setup.folder.path().join("admin-token");
    let mut command = Command::new(skip::binary("kubectl-herdgate").unwrap());
    let admin = format!("http://{}", cluster.edges[edge].admin.0);
    command.args([word, "--admin", &admin, "--token-file"]);
    command.arg(token);
    let folder = cluster.setup.folder.path();
    let (status, said) = run(&format!("cli-{word}-{edge}"), command, folder, PATIENT);
    assert!(status.success(), "{word}: {said}");
}

fn level(cluster: &Cluster<'_>, edge: usize) -> u64 {
    cluster.edges[edge].admin.number("/level")
}

#[test]
fn a_pause_at_one_edge_holds_all_outlives_it_and_ends_with_a_word_at_another() {
    let Some(setup) = steered(DEAR) else { return };
    let Some(mut cluster) = Cluster::start(&setup, Topology::Split { edges: 2 }) else {
        return;
    };
    let herd = Herd::new(&setup, 200, &cluster.listener("mqtts").to_string());
    let Some(herd) = herd.start("herd") else {
        return;
    };
    until("the level rises", RAMP_WITHIN, || {
        (level(&cluster, 0) > 0).then_some(())
    });
    say(&cluster, 1, "pause");
    let paused = |cluster: &Cluster<'_>| cluster.edges[0].admin.status()["paused"] == true;
    until("the other edge has heard of it", PATIENT, || {
        paused(&cluster).then_some(())
    });
    let paused_at = level(&cluster, 0);
    assert!(paused_at < SLICES, "the ramp was over before the pause");
    cluster.edges[1].process.kill();
    throughout("the level stands still", Duration::from_secs(4), || {
        level(&cluster, 0) == paused_at && paused(&cluster)
    });
    say(&cluster, 0, "resume");
    let report = herd.finish(RAMP_WITHIN);
    assert_eq!(report["gateways"], 200, "{report}");
    assert_eq!(level(&cluster, 0), SLICES);
}

#[test]
fn by_hand_everything_starts_over_at_all_edges_and_nobody_is_thrown_out() {
    let Some(setup) = steered(DEAR) else { return };
    let Some(cluster) = Cluster::start(&setup, Topology::Split { edges: 2 }) else {
        return;
    };
    // it stays after it is up, as if it waited for a restart
    let herd = Herd::new(&setup, 60, &cluster.listener("mqtts").to_string()).set(
        "/restart",
        json!({"waitSeconds": 120, "timeoutSeconds": 120, "quietSeconds": 1}),
    );
    let Some(mut herd) = herd.start("herd") else {
        return;
    };
    herd.process.until_logged("all are up", RAMP_WITHIN);
    let connected = cluster.edges[0].admin.number("/connected");
    assert_eq!(connected, 60);
    let before = cluster.edges[0].admin.number("/reopening");
    say(&cluster, 1, "reopen");
    for edge in &cluster.edges {
        until("it has the next number", PATIENT, || {
            let status = edge.admin.status();
            (status["reopening"] == before + 1 && status["trigger"] == "Manual").then_some(())
        });
    }
    assert_eq!(cluster.edges[0].admin.number("/connected"), 60);
    say(&cluster, 0, "stop");
    for edge in 0..2 {
        until("all slices are open", PATIENT, || {
            (level(&cluster, edge) == SLICES).then_some(())
        });
    }
}

#[test]
fn a_herd_that_shards_cannot_take_is_let_in_anew_slice_by_slice() {
    const GATEWAYS: u32 = 1_000;
    let Some(setup) = steered(100) else { return };
    let Some(group) = ControlGroup::new() else {
        return;
    };
    let Some(cluster) = Cluster::start_in(&setup, SPLIT, &group) else {
        return;
    };
    let admin = &cluster.edges[0].admin;
    say(&cluster, 0, "stop");
    assert_eq!(level(&cluster, 0), SLICES);
    let hog = group.hog(&setup);
    group.limit_cpu(Some(5));
    // more than a starved shard can do in the minute in which no storm counts
    let herd = Herd::new(&setup, GATEWAYS, &cluster.listener("mqtts").to_string())
        .set("/topics/count", 40);
    let Some(herd) = herd.start("herd") else {
        return;
    };
    until("another reopening starts by itself", RAMP_WITHIN, || {
        let status = admin.status();
        (status["reopening"] == 2 && status["trigger"] == "Overload").then_some(())
    });
    assert!(level(&cluster, 0) < SLICES);
    group.limit_cpu(None);
    drop(hog);
    let report = herd.finish(RAMP_WITHIN);
    assert_eq!(report["gateways"], GATEWAYS, "{report}");
    assert_eq!(admin.number("/reopening"), 2);
}
