//! Three shards behind one edge, one of them sick in the middle of a reopening: the others' clients come back all the same,
//! and those of the sick one when it is well.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use herdgate_tests::cluster::{Cluster, Node, Topology};
use herdgate_tests::process::Signal;
use herdgate_tests::staged::{RAMP_WITHIN, staged};
use herdgate_tests::swarm::Herd;
use herdgate_tests::wait::{PATIENT, until};
use serde_json::json;

const SHARDS: usize = 3;
const GATEWAYS: u32 = 240;
/// In mid-ramp.
const SICK_AT: u64 = 24;

type Counts = [u64; SHARDS];

/// As the edge heard it last, since a shard that stands still does not answer.
fn connected(cluster: &Cluster<'_>) -> Option<Counts> {
    let status = cluster.edges[0].admin.status();
    let mut counts = Counts::default();
    for shard in status["shards"].as_array()? {
        let ordinal = usize::try_from(shard["shard"].as_u64()?).ok()?;
        counts[ordinal] = shard["connected"].as_u64()?;
    }
    Some(counts)
}

fn node<'a>(cluster: &'a mut Cluster<'_>, shard: usize) -> &'a mut Node {
    match shard {
        0 => cluster.shard.as_mut().unwrap(),
        more => &mut cluster.more_shards[more - 1],
    }
}

/// The edge's level in a reopening after `before`.
fn level(cluster: &Cluster<'_>, before: u64) -> Option<u64> {
    let status = cluster.edges[0].admin.status();
    let is_new = status["reopening"].as_u64()? > before;
    is_new.then(|| status["level"].as_u64())?
}

/// Waits until all shards but `sick` have all their clients, none of whom is lost meanwhile.
fn until_others_are_back(cluster: &Cluster<'_>, sick: usize, all: Counts) {
    let others = || (0..SHARDS).filter(|shard| *shard != sick);
    let mut most = Counts::default();
    until(
        "the clients of the other shards are back",
        RAMP_WITHIN,
        || {
            let now = connected(cluster)?;
            for shard in others() {
                assert!(
                    now[shard] >= most[shard],
                    "shard {shard} lost clients: {most:?} {now:?}"
                );
                most[shard] = now[shard];
            }
            others().all(|shard| now[shard] >= all[shard]).then_some(())
        },
    );
}

/// Waits until addresses are remembered for the sick shard: whose clients have waited for it in vain wait before TLS.
fn until_kept_out(cluster: &Cluster<'_>) {
    until("addresses are remembered", RAMP_WITHIN, || {
        (cluster.edges[0].admin.metric("herdgate_remembered") > 0.0).then_some(())
    });
}

/// All come, all shards crash, and in the middle of the reopening one is not well.
fn reopening(sick: usize, sicken: impl FnOnce(&mut Cluster<'_>, Counts)) {
    let Some(setup) = staged(30_000) else { return };
    let Some(mut cluster) = Cluster::start(&setup, Topology::Isolated { shards: SHARDS }) else {
        return;
    };
    let herd = Herd::new(&setup, GATEWAYS, &cluster.listener("mqtts").to_string()).set(
        "/restart",
        json!({"waitSeconds": 240, "timeoutSeconds": 240, "quietSeconds": 1}),
    );
    let Some(mut herd) = herd.start("herd") else {
        return;
    };
    herd.process.until_logged("all are up", RAMP_WITHIN);
    let all = until("the edge has heard of all clients", PATIENT, || {
        connected(&cluster).filter(|all| all.iter().sum::<u64>() == u64::from(GATEWAYS))
    });
    assert!(all[sick] > 20, "the ids do not spread: {all:?}");
    let before = cluster.edges[0].admin.number("/reopening");

    (0..SHARDS).for_each(|shard| node(&mut cluster, shard).process.kill());
    until("all clients are closed", PATIENT, || {
        (cluster.edges[0].admin.number("/connected") == 0).then_some(())
    });
    (0..SHARDS).for_each(|shard| node(&mut cluster, shard).restart(&setup));
    until("the ramp is on its way", RAMP_WITHIN, || {
        level(&cluster, before).filter(|level| *level >= SICK_AT)
    });
    sicken(&mut cluster, all);

    let report = herd.finish(RAMP_WITHIN);
    assert_eq!(report["back"], GATEWAYS, "{report}");
}

#[test]
fn a_silent_shard_keeps_nobody_elses_clients_out() {
    let sick = 1;
    reopening(sick, |cluster, all| {
        node(cluster, sick).process.signal(Signal::STOP);
        until_others_are_back(cluster, sick, all);
        until_kept_out(cluster);
        node(cluster, sick).process.signal(Signal::CONT);
    });
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// It answers for a moment every now and then.
#[test]
fn a_late_shard_keeps_nobody_elses_clients_out() {
    let sick = 2;
    reopening(sick, |cluster, all| {
        let is_over = AtomicBool::new(false);
        let cluster = &*cluster;
        let process = &cluster.more_shards[sick - 1].process;
        std::thread::scope(|scope| {
            // whatever the test finds, the thread ends
            let _over = Over(&is_over);
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    process.signal(Signal::STOP);
                    std::thread::sleep(Duration::from_millis(1_600));
                    process.signal(Signal::CONT);
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
            until_others_are_back(cluster, sick, all);
            // they wait for less than half of their patience, but for longer than is aimed at
            until("places are given back", RAMP_WITHIN, || {
                let edge = &cluster.edges[0].admin;
                (edge.metric("herdgate_places_given_back_total") > 0.0).then_some(())
            });
        });
    });
}

#[test]
fn a_shard_that_restarts_in_mid_ramp_loses_its_own_clients_alone() {
    let sick = 2;
    reopening(sick, |cluster, all| {
        let setup = cluster.setup;
        node(cluster, sick).process.kill();
        node(cluster, sick).restart(setup);
        until_others_are_back(cluster, sick, all);
    });
}
