//! Behind balancers: whose connection it is, told by a real haproxy and by impostors.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::haproxy::Haproxy;
use herdgate_tests::mqtt::{self, Client, Connect};
use herdgate_tests::process::Signal;
use herdgate_tests::setup::{ALICE, Setup};
use herdgate_tests::skip;
use herdgate_tests::tls;
use herdgate_tests::wait::{PATIENT, throughout, until};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

const SPLIT: Topology = Topology::Split { edges: 1 };
const TRUSTED: &str = "127.0.0.1/32";

/// Both listeners want a header from 127.0.0.1, and from nobody else.
fn behind_balancers() -> Option<Setup> {
    if stand_in_wanted() {
        skip::skip("the stand-in speaks no PROXY protocol");
        return None;
    }
    let proxied = json!({"mode": "Required", "trusted": [TRUSTED]});
    Some(
        Setup::new()
            .set("/listeners/0/proxyProtocol", proxied.clone())
            .set("/listeners/1/proxyProtocol", proxied),
    )
}

/// As `behind_balancers`, with a gate that lets in 127.9.0.0/16 alone: its shard stands still.
fn closed_but_for_some(setup: Setup) -> Setup {
    let admission =
        json!({"mode": "Staged", "patienceSeconds": 30, "alwaysAllow": ["127.9.0.0/16"]});
    setup.set("/admission", admission)
}

fn stop_shard(cluster: &Cluster<'_>) {
    let admin = &cluster.edges[0].admin;
    let none_heard = || admin.status()["limitingSignal"] == "no_shard_heard";
    until("the edge hears the shard", PATIENT, || {
        (!none_heard()).then_some(())
    });
    cluster.shard.as_ref().unwrap().process.signal(Signal::STOP);
    until("the edge leaves the silent shard out", PATIENT, || {
        none_heard().then_some(())
    });
    assert_eq!(admin.number("/level"), 0, "nobody has knocked yet");
}

fn dial(source: [u8; 4], address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENT)).unwrap();
    stream
}

fn headers(cluster: &Cluster<'_>, outcome: &str) -> f64 {
    cluster.edges[0].admin.metric_of(
        "herdgate_proxy_headers_total",
        &format!("outcome=\"{outcome}\""),
    )
}

fn is_reset(mut stream: &TcpStream) -> bool {
    let outcome = stream.read(&mut [0; 16]);
    matches!(&outcome, Err(error) if error.kind() == ErrorKind::ConnectionReset)
}

#[test]
fn clients_come_through_haproxy_with_both_versions_and_tls() {
    let Some(setup) = behind_balancers() else {
        return;
    };
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let config = tls::plain_client(&setup.authority.pem());
    for (name, options) in [("v1", "send-proxy"), ("v2", "send-proxy-v2")] {
        let Some(haproxy) = Haproxy::start(&setup, name, cluster.listener("mqtts"), options) else {
            return;
        };
        let mut client = Client::tls(haproxy.address, &config).unwrap();
        client.login(&Connect::v3(&format!("alice-{name}")).user(ALICE.0, ALICE.1));
        assert_eq!(client.subscribe("through/haproxy", 1), 1);
        client
            .send(&mqtt::publish("through/haproxy", name))
            .unwrap();
        assert_eq!(client.read().unwrap().published().1, name.as_bytes());
    }
}

#[test]
fn the_gate_goes_by_the_address_that_haproxy_tells() {
    let Some(setup) = behind_balancers().map(closed_but_for_some) else {
        return;
    };
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    // TLVs are sent too
    let options = "send-proxy-v2 proxy-v2-options unique-id,crc32c";
    let admin = &cluster.edges[0].admin;
    stop_shard(&cluster);
    let Some(haproxy) = Haproxy::start(&setup, "haproxy", cluster.listener("mqtts"), options)
    else {
        return;
    };
    let _refused = dial([127, 1, 2, 3], haproxy.address);
    until("a client of a closed slice is held", PATIENT, || {
        (admin.number("/held") == 1).then_some(())
    });
    let config = tls::plain_client(&setup.authority.pem());
    let allowed = dial([127, 9, 2, 3], haproxy.address);
    Client::tls_over(allowed, "localhost", &config).expect("its address is always allowed");
    assert_eq!(admin.number("/held"), 1);
}

#[test]
fn haproxys_health_checks_are_neither_held_nor_clients() {
    let Some(setup) = behind_balancers().map(closed_but_for_some) else {
        return;
    };
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let admin = &cluster.edges[0].admin;
    stop_shard(&cluster);
    let options = "send-proxy-v2 check check-send-proxy inter 50ms";
    let Some(haproxy) = Haproxy::start(&setup, "haproxy", cluster.listener("mqtt"), options) else {
        return;
    };
    until("haproxy checks again and again", PATIENT, || {
        (headers(&cluster, "own") >= 5.0).then_some(())
    });
    throughout("checks take no place", Duration::from_secs(1), || {
        ["/entering", "/held", "/door", "/level"].map(|number| admin.number(number)) == [0; 4]
    });
    assert!(
        !haproxy.process.log().contains("DOWN"),
        "the edge is up for haproxy: {}",
        haproxy.process.log()
    );
}

#[test]
fn impostors_are_reset_and_counted() {
    let Some(setup) = behind_balancers() else {
        return;
    };
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let address = cluster.listener("mqtt");
    let mut stranger = dial([127, 1, 2, 3], address);
    // the reset may come before this, and a socket tells it once: here or where it is read
    let told = stranger.write_all(b"PROXY TCP4 127.9.2.3 127.0.0.1 1 2\r\n");
    let reset = |error: std::io::Error| error.kind() == ErrorKind::ConnectionReset;
    assert!(
        told.is_err_and(reset) || is_reset(&stranger),
        "only balancers may name clients"
    );
    assert!((headers(&cluster, "untrusted") - 1.0).abs() < 0.1);

    let mut direct = dial([127, 0, 0, 1], address);
    direct.write_all(&Connect::v3("direct").encode()).unwrap();
    assert!(is_reset(&direct), "what is no header is not guessed at");
    assert!((headers(&cluster, "malformed") - 1.0).abs() < 0.1);

    let began = Instant::now();
    let mut silent = dial([127, 0, 0, 1], address);
    silent.write_all(b"PROXY TCP4 127.9.2.3 ").unwrap();
    assert_eq!(cluster.edges[0].admin.number("/entering"), 0);
    assert!(is_reset(&silent), "a header is not waited for for ever");
    assert!(began.elapsed() >= Duration::from_secs(4));
    assert!((headers(&cluster, "timeout") - 1.0).abs() < 0.1);
}

#[test]
fn who_takes_nothing_for_too_long_is_closed() {
    if stand_in_wanted() {
        return skip::skip("about our processes alone");
    }
    let setup = Setup::new().set("/listeners/1/tcpUserTimeoutSeconds", Value::from(1));
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let login = |name: &str| {
        let mut client = Client::plain(cluster.listener("mqtt")).unwrap();
        client.login(&Connect::v3(name));
        client
    };
    let mut reader = login("reads-nothing");
    assert_eq!(reader.subscribe("flood", 0), 0);
    let mut writer = login("writes");
    let large = "x".repeat(64 * 1024);
    until("the edge gives the reader up", PATIENT, || {
        writer.send(&mqtt::publish("flood", &large)).unwrap();
        let closed = cluster.edges[0]
            .admin
            .metric("herdgate_unacknowledged_closes_total");
        (closed >= 1.0).then_some(())
    });
    drop(reader);
}
