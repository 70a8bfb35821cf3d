//! Behind a balancer: whose connection it is.

use std::net::SocketAddr;
use std::time::Duration;

use herdgate_admission::report::ReopeningNumber;
use tokio::time::timeout;

use super::harness::{Client, DEADLINE, Edge, v3, with_edge};
use crate::edge::proxied::MOST_PROBES;
use crate::link::ToShard;
use crate::metrics::ProxyHeader;

const REQUIRED: &str = "listeners[0].proxyProtocol={mode: Required, trusted: [127.0.0.0/8]}";
const STAGED: &str = "admission.mode=Staged";
const ALLOWED: &str = "admission.alwaysAllow=[198.51.100.0/24]";
/// By the address in the header, nobody comes from loopback.
const ANYBODY: &str = "authentication.anonymous=Always";
const PATIENCE: &str = "admission.patienceSeconds=1";
/// Version 2, LOCAL, unspecified, nothing behind.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

fn header(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 203.0.113.9 4711 1883\r\n").into_bytes()
}

fn close_gate(edge: &Edge) {
    edge.shared.places.set_limit(0);
    edge.view.send_modify(|view| {
        view.reopening = ReopeningNumber(1);
        view.level = 0;
    });
}

async fn peer(edge: &mut Edge) -> SocketAddr {
    match edge.frame().await {
        ToShard::Attach { attach, .. } => attach.peer,
        other => panic!("expected an attach, got {other:?}"),
    }
}

async fn is_reset(client: &mut Client) {
    let error = client.read_to_end().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

fn count(edge: &Edge, outcome: ProxyHeader) -> u64 {
    edge.shared
        .metrics
        .edge
        .transport
        .proxy_headers
        .get(outcome)
}

#[test]
fn the_gate_and_the_shard_know_the_address_in_the_header() {
    with_edge(
        &[REQUIRED, STAGED, ALLOWED, PATIENCE, ANYBODY],
        async |mut edge| {
            close_gate(&edge);
            let mut refused = edge.dial().await;
            refused.send(&header("198.51.101.7")).await;
            let mut client = edge.dial().await;
            client.send(&header("198.51.100.7")).await;
            client.connect(v3("a")).await;
            assert_eq!(peer(&mut edge).await, "198.51.100.7:4711".parse().unwrap());
            is_reset(&mut refused).await;
            assert_eq!(count(&edge, ProxyHeader::Client), 2);
        },
    );
}

#[test]
fn a_header_may_come_byte_by_byte_and_the_packet_with_its_end() {
    with_edge(&[REQUIRED, ANYBODY], async |mut edge| {
        let mut client = edge.dial().await;
        let header = header("198.51.100.7");
        let (last, most) = header.split_last().unwrap();
        for byte in most {
            client.send(&[*byte]).await;
            tokio::task::yield_now().await;
        }
        let connect = crate::codec::Packet::Connect(Box::new(v3("a")));
        let connect = crate::codec::encode(crate::codec::Protocol::V311, &connect).unwrap();
        client.send(&[&[*last], &connect[..]].concat()).await;
        assert_eq!(peer(&mut edge).await.port(), 4711);
    });
}

#[test]
fn a_health_check_passes_a_closed_gate_and_takes_no_place() {
    with_edge(&[REQUIRED, STAGED], async |mut edge| {
        close_gate(&edge);
        let mut check = edge.dial().await;
        check.send(LOCAL).await;
        check.connect(v3("check")).await;
        let own = check.0.local_addr().unwrap();
        assert_eq!(peer(&mut edge).await, own);
        assert_eq!(edge.shared.places.used(), 0);
        assert_eq!(count(&edge, ProxyHeader::Own), 1);
    });
}

#[test]
fn health_checks_are_bounded() {
    with_edge(&[REQUIRED], async |edge| {
        let mut checks = Vec::new();
        for _ in 0..MOST_PROBES {
            let mut check = edge.dial().await;
            check.send(LOCAL).await;
            checks.push(check);
        }
        while count(&edge, ProxyHeader::Own) < u64::from(MOST_PROBES) {
            tokio::task::yield_now().await;
        }
        let mut over = edge.dial().await;
        over.send(LOCAL).await;
        is_reset(&mut over).await;
        assert_eq!(count(&edge, ProxyHeader::Full), 1);
    });
}

#[test]
fn strangers_and_garbage_are_reset_and_counted() {
    let stranger = "listeners[0].proxyProtocol={mode: Required, trusted: [10.0.0.0/8]}";
    with_edge(&[stranger], async |edge| {
        let mut client = edge.dial().await;
        client.send(&header("198.51.100.7")).await;
        is_reset(&mut client).await;
        assert_eq!(count(&edge, ProxyHeader::Untrusted), 1);
    });
    with_edge(&[REQUIRED], async |edge| {
        let mut client = edge.dial().await;
        client.connect(v3("no header")).await;
        is_reset(&mut client).await;
        assert_eq!(count(&edge, ProxyHeader::Malformed), 1);
    });
}

#[test]
fn who_waits_for_a_header_has_no_place() {
    with_edge(&[REQUIRED], async |mut edge| {
        let mut client = edge.dial().await;
        client.send(b"PROXY TCP4 ").await;
        let waits = timeout(Duration::from_millis(100), edge.frame()).await;
        assert!(waits.is_err());
        assert_eq!(edge.shared.places.used(), 0);
        drop(client);
        let gone = async {
            while count(&edge, ProxyHeader::Gone) == 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, gone).await.unwrap();
    });
}
