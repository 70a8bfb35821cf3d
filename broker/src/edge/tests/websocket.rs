//! A WebSocket client of one edge worker.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::harness::{Client, DEADLINE, Edge, v3, v5, with_edge};
use crate::codec::{Connect, Packet, encode};
use crate::link::{CloseReason, DetachReason, StreamId, ToEdge, ToShard};
use crate::metrics::UpgradeOutcome;

const LISTENER: &str = "listeners=[{name: mqtt, address: \"127.0.0.1:0\", protocol: ws}]";
const REQUEST: &str = "GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
     Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
     Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Version: 13\r\n\r\n";
const BINARY: u8 = 0x82;
const TEXT: u8 = 0x81;
const PING: u8 = 0x89;
const CLOSE: u8 = 0x88;
const CONNACK: &[u8] = &[0x20, 2, 0, 0];

/// Large messages to a slow reader.
const SENT: usize = 400;

/// A small masked frame.
fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let masked = body.iter().zip(mask.iter().cycle());
    let length = 0x80 | u8::try_from(body.len()).unwrap();
    [
        &[first, length][..],
        &mask,
        &masked.map(|(byte, mask)| byte ^ mask).collect::<Vec<_>>(),
    ]
    .concat()
}

fn packet(connect: Connect) -> Vec<u8> {
    let protocol = connect.protocol;
    encode(protocol, &Packet::Connect(Box::new(connect)))
        .unwrap()
        .to_vec()
}

async fn upgraded(client: &mut Client) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(client.read(1).await);
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101 "),
        "{}",
        String::from_utf8_lossy(&head)
    );
}

/// The body of the next frame, which must be a small one of this kind.
async fn read(client: &mut Client, first: u8) -> Vec<u8> {
    let header = client.read(2).await;
    assert_eq!(header[0], first);
    assert!(header[1] < 126, "small and unmasked: {header:?}");
    client.read(header[1].into()).await
}

async fn attached(edge: &mut Edge, connect: Connect) -> (Client, StreamId) {
    let mut client = edge.dial().await;
    client.send(REQUEST.as_bytes()).await;
    upgraded(&mut client).await;
    client.send(&frame(BINARY, &packet(connect))).await;
    let stream = edge.attach().await;
    let connack = Bytes::from_static(CONNACK);
    edge.say(ToEdge::Attached { stream, connack });
    assert_eq!(read(&mut client, BINARY).await, CONNACK);
    (client, stream)
}

async fn detached(edge: &mut Edge, stream: StreamId) -> DetachReason {
    match edge.frame().await {
        ToShard::Detach { stream: of, reason } if of == stream => reason,
        other => panic!("a detach, not {other:?}"),
    }
}

#[test]
fn frames_may_come_with_the_request() {
    with_edge(&[LISTENER], async |mut edge| {
        let mut client = edge.dial().await;
        let connect = frame(BINARY, &packet(v3("a")));
        client.send(&[REQUEST.as_bytes(), &connect].concat()).await;
        edge.attach().await;
        assert_eq!(
            edge.shared
                .metrics
                .edge
                .transport
                .upgrades
                .get(UpgradeOutcome::Accepted),
            1
        );
    });
}

#[test]
fn what_is_delivered_together_is_one_frame() {
    with_edge(&[LISTENER], async |mut edge| {
        let (mut client, stream) = attached(&mut edge, v3("a")).await;
        let data = |packets: &'static [u8]| ToEdge::Data {
            stream,
            packets: Bytes::from_static(packets),
        };
        edge.say_all(vec![
            data(&[0x30, 3, 0, 1, b'a']),
            data(&[0x30, 3, 0, 1, b'b']),
        ]);
        assert_eq!(
            read(&mut client, BINARY).await,
            [0x30, 3, 0, 1, b'a', 0x30, 3, 0, 1, b'b']
        );
    });
}

#[test]
fn a_packet_may_cross_frames_and_reads() {
    with_edge(&[LISTENER], async |mut edge| {
        let (mut client, _) = attached(&mut edge, v3("a")).await;
        let publish = [0x30, 3, 0, 1, b'a'];
        for byte in frame(BINARY, &publish[..2]) {
            client.send(&[byte]).await;
            tokio::task::yield_now().await;
        }
        client
            .send(&frame(BINARY, &[&publish[2..], &publish].concat()))
            .await;
        let ToShard::Data { packets, .. } = edge.frame().await else {
            panic!("data")
        };
        assert_eq!(packets, [publish, publish].concat());
    });
}

#[test]
fn websocket_pings_are_answered_and_keep_no_mqtt_client_alive() {
    with_edge(&[LISTENER], async |mut edge| {
        let connect = Connect {
            keep_alive: 1,
            ..v5("a")
        };
        let (mut client, stream) = attached(&mut edge, connect).await;
        let pings = async {
            loop {
                client.send(&frame(PING, b"hello")).await;
                let header = client.read(2).await;
                if header[0] != 0x8A {
                    break header;
                }
                assert_eq!(client.read(5).await, b"hello");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let last = timeout(DEADLINE, pings).await.unwrap();
        assert_eq!(
            detached(&mut edge, stream).await,
            DetachReason::KeepAliveExpired
        );
        assert_eq!(last, [BINARY, 4], "a DISCONNECT");
        assert_eq!(client.read(4).await, [0xE0, 2, 0x8D, 0]);
        assert_eq!(read(&mut client, CLOSE).await, 1000_u16.to_be_bytes());
        assert!(client.read_to_end().await.unwrap().is_empty());
    });
}

#[test]
fn a_close_frame_is_answered_and_ends_the_connection() {
    with_edge(&[LISTENER], async |mut edge| {
        let (mut client, stream) = attached(&mut edge, v3("a")).await;
        client.send(&frame(CLOSE, &3000_u16.to_be_bytes())).await;
        assert_eq!(detached(&mut edge, stream).await, DetachReason::PeerGone);
        assert_eq!(read(&mut client, CLOSE).await, 3000_u16.to_be_bytes());
        assert!(client.read_to_end().await.unwrap().is_empty());
    });
}

#[test]
fn the_last_words_are_mqtts_then_websockets() {
    with_edge(&[LISTENER], async |mut edge| {
        let (mut client, stream) = attached(&mut edge, v5("a")).await;
        let packets = Bytes::from_static(&[0xE0, 2, 0x8E, 0]);
        edge.say_all(vec![
            ToEdge::Data { stream, packets },
            ToEdge::Close {
                stream,
                reason: CloseReason::TakenOver,
            },
        ]);
        assert_eq!(read(&mut client, BINARY).await, [0xE0, 2, 0x8E, 0]);
        assert_eq!(read(&mut client, CLOSE).await, 1000_u16.to_be_bytes());
        assert!(client.read_to_end().await.unwrap().is_empty());
    });
}

#[test]
fn who_breaks_the_rules_is_told_before_and_after_connect() {
    with_edge(&[LISTENER], async |mut edge| {
        let mut early = edge.dial().await;
        early.send(REQUEST.as_bytes()).await;
        upgraded(&mut early).await;
        early.send(&frame(TEXT, b"hello")).await;
        assert_eq!(read(&mut early, CLOSE).await, 1003_u16.to_be_bytes());
        assert!(early.read_to_end().await.unwrap().is_empty());

        let (mut client, stream) = attached(&mut edge, v3("a")).await;
        client.send(&[BINARY, 2, 0xC0, 0]).await;
        assert_eq!(detached(&mut edge, stream).await, DetachReason::PeerGone);
        assert_eq!(read(&mut client, CLOSE).await, 1002_u16.to_be_bytes());
        assert!(client.read_to_end().await.unwrap().is_empty());
        assert_eq!(edge.shared.places.used(), 0);
    });
}

#[test]
fn a_slow_reader_gets_whole_frames() {
    with_edge(&[LISTENER], async |mut edge| {
        let (mut client, stream) = attached(&mut edge, v3("a")).await;
        // More than the sockets hold between them, so that frames are cut off in the middle.
        let publish = [
            &[0x30, 0xFF, 0xFF, 0x03, 0, 1, b't'][..],
            &vec![b'x'; 65_532],
        ]
        .concat();
        for _ in 0..SENT {
            let packets = Bytes::from(publish.clone());
            edge.say(ToEdge::Data { stream, packets });
        }
        client.send(&frame(PING, b"in between")).await;
        let (mut messages, mut pongs) = (0, 0);
        while messages < SENT * publish.len() || pongs == 0 {
            let header = client.read(2).await;
            let length = match header[1] {
                126 => client.read(2).await,
                127 => client.read(8).await,
                short => vec![short],
            };
            let length = length
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            let body = client.read(length).await;
            match header[0] {
                BINARY => messages += body.len(),
                0x8A => {
                    assert_eq!(body, b"in between");
                    pongs += 1;
                }
                other => panic!("{other:#x}"),
            }
        }
        assert_eq!((messages, pongs), (SENT * publish.len(), 1));
    });
}

#[test]
fn a_request_that_does_not_come_is_told_so() {
    let quick = "listeners=[{name: mqtt, address: \"127.0.0.1:0\", protocol: ws, connectTimeoutSeconds: 0.2}]";
    with_edge(&[quick], async |edge| {
        let mut client = edge.dial().await;
        client.send(&REQUEST.as_bytes()[..40]).await;
        let told = client.read_to_end().await.unwrap();
        assert!(told.starts_with(b"HTTP/1.1 408 "));
        let mut client = edge.dial().await;
        client
            .send(b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await;
        let told = client.read_to_end().await.unwrap();
        assert!(told.starts_with(b"HTTP/1.1 426 "));
        assert_eq!(edge.shared.places.used(), 0);
    });
}
