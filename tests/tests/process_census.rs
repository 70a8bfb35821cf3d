//! Who was connected decides how the next reopening is cut, and is known after every process was killed.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use herdgate_admission::stored::Stored;
use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::mqtt::{Client, Connect};
use herdgate_tests::setup::Setup;
use herdgate_tests::skip;
use herdgate_tests::wait::{PATIENT, until};
use serde_json::json;

const SPLIT: Topology = Topology::Split { edges: 1 };

fn staged(crowd: u32) -> Option<Setup> {
    if stand_in_wanted() {
        skip::skip("mosquitto keeps no census");
        return None;
    }
    let setup = Setup::new();
    let data = setup.path("data");
    fs::create_dir(&data).unwrap();
    let admission = json!({
        "mode": "Staged", "crowdedAddressClients": crowd, "censusSeconds": 0.1, "quietSeconds": 0.3,
    });
    Some(
        setup
            .set("/admission", admission)
            .set("/shard/dataDirectory", data.display().to_string()),
    )
}

/// Tries until the client has its session.
fn log_in(cluster: &Cluster<'_>, last: u8, id: &str) -> Client {
    let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    until("a client is let in", PATIENT, || {
        let mut client = Client::plain_from(from, cluster.listener("mqtt")).ok()?;
        client.set_read_timeout(Duration::from_secs(20));
        let connack = client.connect(&Connect::v3(id)).ok()?;
        (connack.body[1] == 0).then_some(client)
    })
}

fn at_shard(cluster: &Cluster<'_>, metric: &str) -> f64 {
    cluster.shard.as_ref().unwrap().admin.metric(metric)
}

fn number(cluster: &Cluster<'_>) -> u64 {
    cluster.edges[0].admin.number("/reopening")
}

/// Clients of whom the gate asked the client id.
fn by_client_id(cluster: &Cluster<'_>) -> f64 {
    let edge = &cluster.edges[0].admin;
    edge.metric_of("herdgate_gate_decisions_total", "decision=\"client_id\"")
}

fn until_census(cluster: &Cluster<'_>, clients: f64) {
    until("the census has all clients", PATIENT, || {
        let counted = at_shard(cluster, "herdgate_census_clients");
        ((counted - clients).abs() < 0.5).then_some(())
    });
}

/// As the shard tells it, but for whether a reopening goes on.
fn census(cluster: &Cluster<'_>) -> serde_json::Value {
    let mut page = cluster.shard.as_ref().unwrap().admin.json("/census");
    page["isFrozen"] = json!(null);
    page
}

fn restart_shard(cluster: &mut Cluster<'_>, setup: &Setup) {
    let shard = cluster.shard.as_mut().unwrap();
    shard.process.kill();
    shard.restart(setup);
}

#[test]
fn census_and_number_are_known_after_every_process_was_killed() {
    let Some(setup) = staged(4) else { return };
    let Some(mut cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut clients: Vec<_> = (0..8)
        .map(|n| log_in(&cluster, 1, &format!("crowd-{n}")))
        .collect();
    clients.push(log_in(&cluster, 2, "single"));
    until_census(&cluster, 9.0);
    let page = census(&cluster);
    assert_eq!(page["clients"], json!(9));
    assert_eq!(page["crowded"][0]["address"], json!("127.0.0.1"));
    // a worker with a single client of an address does not tell it by itself
    let crowd = page["crowded"][0]["clients"].as_u64();
    assert!(crowd >= Some(7), "{page}");
    let before = number(&cluster);
    let written = at_shard(&cluster, "herdgate_state_written_total");
    until("the census is on the disk", PATIENT, || {
        let now = at_shard(&cluster, "herdgate_state_written_total");
        (written > 0.5 || now > written).then_some(())
    });

    cluster.edges[0].process.kill();
    restart_shard(&mut cluster, &setup);
    until_census(&cluster, 9.0);
    cluster.edges[0].restart(&setup);
    until("the next number is taken", PATIENT, || {
        (number(&cluster) == before + 1).then_some(())
    });
    let told = cluster.edges[0].admin.json("/reopening");
    assert_eq!(told["expected"], json!(9));
    assert_eq!(
        told["forecast"]["clients"],
        json!(9),
        "at the pace of before"
    );
    assert_eq!(census(&cluster), page, "as it was before");
    assert!(by_client_id(&cluster) < 0.5);
    let _single = log_in(&cluster, 2, "single");
    assert!(
        by_client_id(&cluster) < 0.5,
        "a single client goes by its address"
    );
    let _crowd: Vec<_> = (0..8)
        .map(|n| log_in(&cluster, 1, &format!("crowd-{n}")))
        .collect();
    assert!(by_client_id(&cluster) > 7.5, "a crowd goes by client ids");
}

#[test]
fn a_kill_between_two_writes_damages_nothing() {
    let Some(setup) = staged(4) else { return };
    let Some(mut cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mut last = 0;
    for round in 0..6_u64 {
        // Each client changes the census, and so the file.
        let _clients: Vec<_> = (0..=round)
            .map(|n| log_in(&cluster, 3, &format!("c-{round}-{n}")))
            .collect();
        until("something is written", PATIENT, || {
            let written = at_shard(&cluster, "herdgate_state_written_total");
            (written > 0.5).then_some(())
        });
        assert!(number(&cluster) > last, "numbers grow");
        last = number(&cluster);
        restart_shard(&mut cluster, &setup);
        assert!(at_shard(&cluster, "herdgate_state_damaged_total") < 0.5);
    }
    fs::write(setup.path("data").join("admission"), b"herdgate?").unwrap();
    restart_shard(&mut cluster, &setup);
    assert!(at_shard(&cluster, "herdgate_state_damaged_total") > 0.5);
    log_in(&cluster, 3, "after the damage");
}

#[test]
fn where_all_come_from_one_address_clients_are_sliced_by_id() {
    let Some(setup) = staged(1_000) else { return };
    let Some(mut cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let clients: Vec<_> = (0..260)
        .map(|n| log_in(&cluster, 1, &format!("gw-{n}")))
        .collect();
    // what a shard that is killed now would know of
    until("addresses are not trusted", PATIENT, || {
        let stored = fs::read(setup.path("data").join("admission")).ok()?;
        let stored = Stored::decode(&stored).unwrap();
        (!stored.trust.is_trusted()).then_some(())
    });
    assert!(at_shard(&cluster, "herdgate_client_address_trusted") < 0.5);
    assert!(
        by_client_id(&cluster) < 0.5,
        "the present reopening goes on as it began"
    );
    let before = number(&cluster);
    restart_shard(&mut cluster, &setup);
    drop(clients);
    until("the next reopening begins", PATIENT, || {
        (number(&cluster) > before).then_some(())
    });
    let _client = log_in(&cluster, 9, "from elsewhere");
    assert!(by_client_id(&cluster) > 0.5);
}
