//! The level is a loop, not a timetable: it follows what the brokers can do.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::process::Signal;
use herdgate_tests::setup::Setup;
use herdgate_tests::skip;
use herdgate_tests::staged::{RAMP_WITHIN, SLICES, staged};
use herdgate_tests::swarm::{Herd, password_file};
use herdgate_tests::tls;
use herdgate_tests::wait::{PATIENT, throughout, until};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use serde_json::json;
use socket2::{Domain, Socket, Type};

const SPLIT: Topology = Topology::Split { edges: 1 };

fn level(cluster: &Cluster<'_>) -> u64 {
    cluster.edges[0].admin.number("/level")
}

fn until_level(cluster: &Cluster<'_>, wanted: u64) {
    until(&format!("the level reaches {wanted}"), RAMP_WITHIN, || {
        (level(cluster) >= wanted).then_some(())
    });
}

/// Waits until the level has not moved for `still`, and returns it.
fn standing_level(cluster: &Cluster<'_>, still: Duration) -> u64 {
    let mut seen = (level(cluster), Instant::now());
    until("the level stands still", PATIENT, || {
        let now = level(cluster);
        if now != seen.0 {
            seen = (now, Instant::now());
        }
        (seen.1.elapsed() >= still).then_some(seen.0)
    })
}

#[test]
fn the_level_stands_still_while_the_shard_does() {
    let Some(setup) = staged(60_000) else { return };
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let herd = Herd::new(&setup, 300, &cluster.listener("mqtts").to_string());
    let Some(herd) = herd.start("herd") else {
        return;
    };
    until_level(&cluster, 40);
    let shard = &cluster.shard.as_ref().unwrap().process;
    shard.signal(Signal::STOP);
    // after two seconds of silence the edge leaves the shard out, and none is left
    let stopped_at = standing_level(&cluster, Duration::from_millis(2500));
    assert!(
        stopped_at < SLICES,
        "the ramp was over before the shard stopped"
    );
    throughout("the level stands still", Duration::from_secs(3), || {
        level(&cluster) == stopped_at
    });
    shard.signal(Signal::CONT);
    until_level(&cluster, SLICES);
    let report = herd.finish(RAMP_WITHIN);
    assert_eq!(report["gateways"], 300, "{report}");
}

#[test]
fn dearer_logins_take_accordingly_longer() {
    let ramp = |rounds| -> Option<Duration> {
        let setup = staged(rounds)?;
        let cluster = Cluster::start(&setup, SPLIT)?;
        let herd = Herd::new(&setup, 240, &cluster.listener("mqtts").to_string());
        let herd = herd.start("herd")?;
        until("somebody knocks", PATIENT, || {
            (cluster.edges[0].admin.number("/handshakes/started") > 0).then_some(())
        });
        let began = Instant::now();
        herd.finish(RAMP_WITHIN);
        assert_eq!(
            level(&cluster),
            SLICES,
            "all are up, so all slices are open"
        );
        Some(began.elapsed())
    };
    let Some(cheap) = ramp(20_000) else { return };
    let Some(dear) = ramp(80_000) else { return };
    let ratio = dear.as_secs_f64() / cheap.as_secs_f64();
    assert!(
        (1.8..8.0).contains(&ratio),
        "four times the cost took {ratio:.2} times as long: {cheap:?} and {dear:?}"
    );
}

#[test]
fn a_killed_shards_clients_come_back_slice_by_slice() {
    const GATEWAYS: u32 = 300;
    let Some(setup) = staged(20_000) else { return };
    // as they are by default: the harness has none
    let setup = setup
        .set("/authentication/wrongPasswordWait", json!({}))
        .set("/authentication/flapping", json!({}));
    let Some(mut cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let herd = Herd::new(&setup, GATEWAYS, &cluster.listener("mqtts").to_string()).set(
        "/restart",
        json!({"waitSeconds": 120, "timeoutSeconds": 120, "quietSeconds": 1}),
    );
    let Some(mut herd) = herd.start("herd") else {
        return;
    };
    herd.process.until_logged("all are up", RAMP_WITHIN);
    until_level(&cluster, SLICES);
    let before = cluster.edges[0].admin.number("/reopening");

    cluster.shard.as_mut().unwrap().process.kill();
    until("all clients are closed", PATIENT, || {
        (cluster.edges[0].admin.number("/connected") == 0).then_some(())
    });
    cluster.shard.as_mut().unwrap().restart(&setup);

    let mut levels = BTreeSet::new();
    until("the level is back", RAMP_WITHIN, || {
        let status = cluster.edges[0].admin.status();
        let reopened = status["reopening"].as_u64().unwrap() > before;
        let now = status["level"].as_u64().unwrap();
        if reopened {
            levels.insert(now);
        }
        (reopened && now == SLICES).then_some(())
    });
    let on_the_way = levels
        .iter()
        .filter(|level| (1..SLICES).contains(*level))
        .count();
    assert!(on_the_way >= 3, "slice by slice, not at once: {levels:?}");
    let report = herd.finish(RAMP_WITHIN);
    assert_eq!(report["back"], GATEWAYS, "{report}");
    let waits = cluster.edges[0].admin.metric("herdgate_login_waits_total");
    assert!(waits < 0.5, "a herd that comes back is not flapping");
}

#[test]
fn a_soft_limit_of_open_files_is_raised() {
    if stand_in_wanted() {
        return skip::skip("about our processes alone");
    }
    let setup = Setup::new();
    let Some(passwords) = password_file(&setup, 100) else {
        return;
    };
    let setup = setup.set(
        "/authentication/passwordFile",
        passwords.display().to_string(),
    );
    let Some(cluster) = Cluster::start_limited(&setup, SPLIT, Some(1024)) else {
        return;
    };
    let gateways = 1500;
    let herd = Herd::new(&setup, gateways, &cluster.listener("mqtt").to_string())
        .set(
            "/target",
            json!({"address": cluster.listener("mqtt").to_string(), "protocol": "mqtt"}),
        )
        .set("/topics", json!({"count": 1, "pattern": "gw/{n}/{t}"}))
        .set("/bringUp/concurrent", 200);
    let Some(herd) = herd.start("herd") else {
        return;
    };
    until("more clients than the soft limit", RAMP_WITHIN, || {
        (cluster.edges[0].admin.number("/connected") > 1100).then_some(())
    });
    herd.finish(RAMP_WITHIN);
}

#[test]
fn edges_share_one_level() {
    let Some(setup) = staged(40_000) else { return };
    let Some(cluster) = Cluster::start(&setup, Topology::Split { edges: 2 }) else {
        return;
    };
    let herd = Herd::new(&setup, 200, &cluster.listener("mqtts").to_string());
    let Some(herd) = herd.start("herd") else {
        return;
    };
    let idle = &cluster.edges[1].admin;
    // nobody knocks at the second edge, and its level rises all the same
    let on_the_way = until("the second edge's level rises", RAMP_WITHIN, || {
        Some(idle.number("/level")).filter(|level| *level > 0)
    });
    assert!(on_the_way < SLICES, "slice by slice, not at once");
    let report = herd.finish(RAMP_WITHIN);
    for edge in &cluster.edges {
        until("both are open", PATIENT, || {
            (edge.admin.number("/level") == SLICES).then_some(())
        });
    }
    assert_eq!(
        idle.number("/reopening"),
        cluster.edges[0].admin.number("/reopening")
    );
    assert_eq!(idle.number("/handshakes/started"), 0);
    let counted = cluster.edges[0].admin.number("/handshakes/completed");
    // A TLS 1.3 client is done before its server; only what it heard afterwards confirms that the server was too.
    let counts = &report["counts"];
    let confirmed = counts["handshakesConfirmed"].as_u64().unwrap();
    let completed = counts["handshakes"].as_u64().unwrap();
    assert!(
        (confirmed..=completed).contains(&counted),
        "the edge counted {counted}: {report}"
    );
}

/// Connects from `source` and sends what begins a TLS handshake.
fn knock(source: [u8; 4], address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&address.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENT)).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut hello = ClientConnection::new(tls::plain_client(""), name).unwrap();
    hello.write_tls(&mut stream).unwrap();
    stream
}

#[test]
fn a_closed_slice_gets_no_byte_and_a_reset_and_no_handshake() {
    let Some(setup) = staged(1000) else { return };
    // a client of the sample would be held for longer than its patience
    let setup = setup
        .set("/admission/alwaysAllow", json!(["127.9.0.0/16"]))
        .set("/admission/patienceLearning", false);
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let admin = &cluster.edges[0].admin;
    assert_eq!(level(&cluster), 0);
    // without a shard to be heard, nothing opens
    let none_heard = || admin.status()["limitingSignal"] == "no_shard_heard";
    until("the edge hears the shard", PATIENT, || {
        (!none_heard()).then_some(())
    });
    cluster.shard.as_ref().unwrap().process.signal(Signal::STOP);
    until("the edge leaves the silent shard out", PATIENT, || {
        none_heard().then_some(())
    });
    let began = Instant::now();
    let mut refused = knock([127, 1, 2, 3], cluster.listener("mqtts"));
    until("it is held", PATIENT, || {
        (admin.number("/held") == 1).then_some(())
    });
    let outcome = refused.read(&mut [0; 16]);
    let reset = matches!(&outcome, Err(error) if error.kind() == ErrorKind::ConnectionReset);
    assert!(reset, "no byte, and a reset: {outcome:?}");
    assert!(
        began.elapsed() >= Duration::from_millis(500),
        "held for a part of the patience first"
    );
    assert_eq!(admin.number("/handshakes/started"), 0);
    assert_eq!(level(&cluster), 0);

    let mut allowed = knock([127, 9, 2, 3], cluster.listener("mqtts"));
    let first = allowed.read(&mut [0; 16]);
    assert!(matches!(first, Ok(1..)), "alwaysAllow passes: {first:?}");
    assert_eq!(admin.number("/handshakes/started"), 1);
}
