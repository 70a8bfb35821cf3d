//! MQTT over WebSocket through edge and shard, with clients that others wrote.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use herdgate_tests::clients::{Paho, Version, WebSockets};
use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::haproxy::Haproxy;
use herdgate_tests::mqtt::{Client, Connect};
use herdgate_tests::setup::Setup;
use herdgate_tests::skip;
use herdgate_tests::tls;
use herdgate_tests::wait::PATIENT;
use rustls::AlertDescription;
use serde_json::json;

const SPLIT: Topology = Topology::Split { edges: 1 };

/// Listeners `ws` and `wss` beside the usual ones.
fn setup() -> Option<Setup> {
    if stand_in_wanted() {
        skip::skip("the stand-in has no WebSocket listeners here");
        return None;
    }
    let mut setup = Setup::new();
    let tls = setup.config["listeners"][0]["tls"].clone();
    let web_socket = json!({"allowedOrigins": ["https://console.example.com"]});
    let listeners = setup.config["listeners"].as_array_mut().unwrap();
    let listener = |name: &str| json!({"name": name, "address": "127.0.0.1:0", "protocol": name, "webSocket": web_socket});
    listeners.push(listener("ws"));
    let mut over_tls = listener("wss");
    over_tls["tls"] = tls;
    listeners.push(over_tls);
    Some(setup)
}

#[test]
fn paho_finds_everything_it_expects_over_websocket() {
    let Some(setup) = setup() else { return };
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(paho) = Paho::find() else { return };
    for (listener, version, more) in [
        ("wss", Version::V311, &["--transport", "websockets"][..]),
        ("wss", Version::V5, &["--transport", "websockets"]),
        ("ws", Version::V5, &["--transport", "websockets", "--plain"]),
    ] {
        for check in ["roundtrip", "retained", "will", "takeover"] {
            paho.check(&setup, cluster.listener(listener), version, check, more);
        }
    }
}

#[test]
fn another_library_finds_the_rules_kept() {
    let Some(setup) = setup() else { return };
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(websockets) = WebSockets::find() else {
        return;
    };
    for scheme in ["ws", "wss"] {
        let url = format!(
            "{scheme}://localhost:{}/mqtt",
            cluster.listener(scheme).port()
        );
        for check in ["messages", "closes", "refusals"] {
            websockets.check(&setup, &url, check);
        }
    }
}

#[test]
fn haproxy_may_stand_in_front() {
    let Some(setup) = setup() else { return };
    let setup = setup.set(
        "/listeners/3/proxyProtocol",
        json!({"mode": "Required", "trusted": ["127.0.0.1/32"]}),
    );
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let Some(haproxy) = Haproxy::start(&setup, "haproxy", cluster.listener("wss"), "send-proxy-v2")
    else {
        return;
    };
    let Some(paho) = Paho::find() else { return };
    let websockets = ["--transport", "websockets"];
    paho.check(
        &setup,
        haproxy.address,
        Version::V5,
        "roundtrip",
        &websockets,
    );
}

#[test]
fn whoever_offers_other_protocols_only_is_refused_in_tls() {
    let Some(setup) = setup() else { return };
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let offering = |protocols: &[&str]| {
        let mut config = (*tls::plain_client(&setup.authority.pem())).clone();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        Client::tls(cluster.listener("wss"), &Arc::new(config)).map(drop)
    };
    offering(&[]).expect("who offers nothing is served");
    offering(&["h2", "http/1.1"]).expect("http/1.1 is agreed on");
    let error = offering(&["h2"]).unwrap_err();
    let alert = error.get_ref().and_then(|inner| inner.downcast_ref());
    assert_eq!(
        alert,
        Some(&rustls::Error::AlertReceived(
            AlertDescription::NoApplicationProtocol
        ))
    );
}

#[test]
fn what_is_no_websocket_is_told_so() {
    let Some(setup) = setup() else { return };
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let mqtt = Connect::v3("lost").encode();
    for (sent, told) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], "404 Not Found"),
        (
            b"GET /mqtt HTTP/1.1\r\nHost: a\r\n\r\n",
            "426 Upgrade Required",
        ),
        (
            b"POST /mqtt HTTP/1.1\r\nHost: a\r\n\r\n",
            "405 Method Not Allowed",
        ),
        (b"GET /mqtt HTTP/1.1\r\n\r\n", "400 Bad Request"),
        (&mqtt, "400 Bad Request"),
    ] {
        let mut stream = TcpStream::connect(cluster.listener("ws")).unwrap();
        stream.set_read_timeout(Some(PATIENT)).unwrap();
        stream.write_all(sent).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {told}\r\n")),
            "{answer}"
        );
    }
    let admin = &cluster.edges[0].admin;
    let told = |outcome: &str| {
        let label = format!("outcome=\"{outcome}\"");
        admin.metric_of("herdgate_websocket_requests_total", &label)
    };
    assert!((told("bad_request") - 2.0).abs() < 0.1);
    assert!((told("accepted")).abs() < 0.1);
}
