use bytes::Bytes;

use super::harness::{v3, v5, with_edge};
use crate::codec::{Connect, Packet, decode, encode};
use crate::link::{Protocol, ToEdge, ToShard};

/// A patience of two seconds: the attach may take one.
const SHORT: &str = "admission.patienceSeconds=2";

#[test]
fn whoever_waits_for_the_shard_too_long_is_told_busy() {
    for (connect, told) in [
        (v3("a"), &[0x20, 2, 0, 3][..]),
        (v5("b"), &[0x20, 3, 0, 0x89, 0]),
    ] {
        with_edge(&[SHORT], async |mut edge| {
            let mut client = edge.dial().await;
            client.connect(connect).await;
            let stream = edge.attach().await;
            assert!(matches!(edge.frame().await, ToShard::Cancel { stream: of } if of == stream));
            assert_eq!(client.read_to_end().await.unwrap(), told);
            assert_eq!(edge.shared.places.used(), 0, "the place is given back");
        });
    }
}

#[test]
fn whoever_leaves_while_waiting_is_cancelled() {
    with_edge(&[], async |mut edge| {
        let mut client = edge.dial().await;
        client.connect(v3("a")).await;
        let stream = edge.attach().await;
        drop(client);
        assert!(matches!(edge.frame().await, ToShard::Cancel { stream: of } if of == stream));
    });
}

#[test]
fn a_refusal_of_the_shard_reaches_the_client() {
    with_edge(&[], async |mut edge| {
        let mut client = edge.dial().await;
        client.connect(v3("a")).await;
        let stream = edge.attach().await;
        edge.say(ToEdge::Refused {
            stream,
            connack: Bytes::from_static(&[0x20, 2, 0, 3]),
        });
        assert_eq!(client.read_to_end().await.unwrap(), [0x20, 2, 0, 3]);
    });
}

#[test]
fn what_is_sent_behind_connect_waits_for_the_session() {
    with_edge(&[], async |mut edge| {
        let mut client = edge.dial().await;
        let connect = encode(Protocol::V311, &Packet::Connect(Box::new(v3("a")))).unwrap();
        let puback = [0x40, 2, 0, 1];
        client
            .send(&[&connect[..], &puback, &[0xC0, 0], &puback[..2]].concat())
            .await;
        let stream = edge.attach().await;
        client.send(&puback[2..]).await;
        edge.say(ToEdge::Attached {
            stream,
            connack: Bytes::from_static(&[0x20, 2, 0, 0]),
        });
        assert_eq!(client.read(6).await, [0x20, 2, 0, 0, 0xD0, 0]);
        let mut packets = Vec::new();
        while packets.len() < 8 {
            let ToShard::Data { packets: more, .. } = edge.frame().await else {
                panic!("data")
            };
            packets.extend_from_slice(&more);
        }
        assert_eq!(packets, [puback, puback].concat());
    });
}

#[test]
fn the_shard_sees_who_it_is_and_no_password() {
    with_edge(
        &[
            "listeners=[{name: mqtt, address: \"127.0.0.1:0\", protocol: mqtt, maxKeepAliveSeconds: 60}]",
        ],
        async |mut edge| {
            let mut client = edge.dial().await;
            client
                .connect(Connect {
                    keep_alive: 0,
                    ..v5("a")
                })
                .await;
            let ToShard::Attach { attach, .. } = edge.frame().await else {
                panic!("an attach")
            };
            assert_eq!(
                (&*attach.client_id, attach.client_id_assigned),
                ("a", false)
            );
            assert_eq!(attach.server_keep_alive, Some(60));
            assert_eq!(attach.peer, client.0.local_addr().unwrap());
            let Ok(Packet::Connect(connect)) = decode(attach.protocol, &attach.connect) else {
                panic!("a CONNECT")
            };
            assert_eq!(connect.username, None);
        },
    );
}

#[test]
fn nobody_unknown_makes_the_edge_keep_much() {
    with_edge(&[], async |edge| {
        let mut client = edge.dial().await;
        let mut connect = v5("a");
        connect.username = Some("u".repeat(60_000).into());
        connect.password = Some(bytes::Bytes::from(vec![0; 60_000]));
        let sent = encode(Protocol::V5, &Packet::Connect(Box::new(connect))).unwrap();
        // The edge closes as soon as it has seen how long the packet is.
        client.send(&sent[..100]).await;
        let told = tokio::time::timeout(std::time::Duration::from_secs(5), client.read_to_end());
        let told = told.await.expect("no wait for the rest").unwrap();
        assert_eq!(told, [0x20, 3, 0, 0x95, 0]);
    });
}
