//! What the kernel takes away from a process is seen, named, and holds nobody up for ever.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use herdgate_tests::cgroup::ControlGroup;
use herdgate_tests::cluster::{Cluster, Topology};
use herdgate_tests::staged::{RAMP_WITHIN, SLICES, staged};
use herdgate_tests::swarm::Herd;
use herdgate_tests::wait::{PATIENT, throughout, until};

const SPLIT: Topology = Topology::Split { edges: 1 };
const CPU_THROTTLING: &str = "cpu_throttling";

#[test]
fn work_at_the_cpu_limit_is_named_and_a_ramp_finishes_all_the_same() {
    let Some(setup) = staged(40_000) else { return };
    let Some(group) = ControlGroup::new() else {
        return;
    };
    group.limit_cpu(Some(40));
    let Some(cluster) = Cluster::start_in(&setup, Topology::Standalone, &group) else {
        return;
    };
    let herd = Herd::new(&setup, 200, &cluster.listener("mqtts").to_string());
    let Some(herd) = herd.start("herd") else {
        return;
    };
    let admin = &cluster.edges[0].admin;
    until("the limit is named by the edge", RAMP_WITHIN, || {
        (admin.status()["limitingSignal"] == CPU_THROTTLING).then_some(())
    });
    let told = &admin.status()["shards"][0];
    assert_eq!(told["signal"], CPU_THROTTLING, "{told}");
    let report = herd.finish(RAMP_WITHIN);
    assert_eq!(report["gateways"], 200, "{report}");
    assert_eq!(admin.number("/level"), SLICES);
    until("without work nothing is named", RAMP_WITHIN, || {
        admin.status()["shards"][0]["signal"]
            .is_null()
            .then_some(())
    });
}

#[test]
fn a_starved_shard_opens_nothing_until_it_is_fed() {
    // the slope would open a slice all the same, every few seconds
    let Some(setup) = staged(100) else { return };
    let setup = setup.set("/admission/maxBlockedSeconds", 86_400);
    let Some(group) = ControlGroup::new() else {
        return;
    };
    group.limit_cpu(None);
    let Some(cluster) = Cluster::start_in(&setup, SPLIT, &group) else {
        return;
    };
    let admin = &cluster.edges[0].admin;
    let hog = group.hog(&setup);
    group.limit_cpu(Some(5));
    until("the edge hears that the shard is starved", PATIENT, || {
        let told = &admin.status()["shards"][0];
        (told["verdict"] == "Bad" && told["signal"] == CPU_THROTTLING).then_some(())
    });
    let herd = Herd::new(&setup, 20, &cluster.listener("mqtts").to_string());
    let Some(herd) = herd.start("herd") else {
        return;
    };
    until("somebody knocks", PATIENT, || {
        (admin.number("/held") > 0).then_some(())
    });
    throughout("nothing opens", Duration::from_secs(5), || {
        admin.number("/level") == 0
    });
    assert_eq!(admin.status()["limitingSignal"], CPU_THROTTLING);
    group.limit_cpu(None);
    drop(hog);
    let report = herd.finish(RAMP_WITHIN);
    assert_eq!(report["gateways"], 20, "{report}");
}

#[test]
fn memory_near_its_limit_is_named_and_opens_nothing() {
    let Some(setup) = staged(100) else { return };
    let setup = setup.set("/admission/maxBlockedSeconds", 86_400);
    let Some(group) = ControlGroup::new() else {
        return;
    };
    let Some(cluster) = Cluster::start_in(&setup, SPLIT, &group) else {
        return;
    };
    let admin = &cluster.edges[0].admin;
    let signal = || admin.status()["shards"][0]["signal"].clone();
    assert!(signal().is_null(), "there is no limit");
    group.limit_memory(Some(91));
    until("the edge hears of it", PATIENT, || {
        (signal() == "memory").then_some(())
    });
    let herd = Herd::new(&setup, 20, &cluster.listener("mqtts").to_string());
    let Some(herd) = herd.start("herd") else {
        return;
    };
    until("somebody knocks", PATIENT, || {
        (admin.number("/held") > 0).then_some(())
    });
    throughout("nothing opens", Duration::from_secs(3), || {
        admin.number("/level") == 0
    });
    assert_eq!(admin.status()["limitingSignal"], "memory");
    group.limit_memory(None);
    let report = herd.finish(RAMP_WITHIN);
    assert_eq!(report["gateways"], 20, "{report}");
}
