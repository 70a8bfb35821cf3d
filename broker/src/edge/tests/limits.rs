//! Limits of one client, and topic aliases, at the edge.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, timeout};

use super::harness::{Client, DEADLINE, Edge, v3, v5, with_edge};
use crate::codec::{Connect, ConnectProperties, Packet, Protocol, Publish, decode, encode, frame};
use crate::link::{DetachReason, ListenerLimits, ToEdge, ToShard};
use crate::metrics::EdgeLimit;

/// A listener with these keys.
fn listener(keys: &str) -> String {
    format!("listeners=[{{name: mqtt, address: \"127.0.0.1:0\", protocol: mqtt, {keys}}}]")
}

fn publish(protocol: Protocol, topic: &str, alias: u16) -> Bytes {
    let publish = Publish {
        topic_alias: NonZeroU16::new(alias),
        ..Publish::new(topic, &b"x"[..])
    };
    encode(protocol, &Packet::Publish(publish)).unwrap()
}

fn limit(edge: &Edge, limit: EdgeLimit) -> u64 {
    edge.shared.metrics.edge.limits.get(limit)
}

async fn data(edge: &mut Edge) -> Bytes {
    match edge.frame().await {
        ToShard::Data { packets, .. } => packets,
        other => panic!("data, not {other:?}"),
    }
}

#[test]
fn a_client_id_that_is_too_long_is_refused() {
    with_edge(&[&listener("maxClientIdBytes: 23")], async |mut edge| {
        let long = "x".repeat(24);
        for (connect, told) in [
            (v3(&long), &[0x20, 2, 0, 2][..]),
            (v5(&long), &[0x20, 3, 0, 0x85, 0]),
        ] {
            let mut client = edge.dial().await;
            client.connect(connect).await;
            assert_eq!(client.read_to_end().await.unwrap(), told);
        }
        assert_eq!(limit(&edge, EdgeLimit::ClientId), 2);
        edge.attached(v3(&long[1..])).await;
    });
}

#[test]
fn who_wants_to_know_is_told_why() {
    let keys = "maxClientIdBytes: 23, maxPacketBytes: 200";
    with_edge(&[&listener(keys)], async |mut edge| {
        let curious = |client_id: &str| Connect::new(Protocol::V5, client_id);
        let mut client = edge.dial().await;
        client.connect(curious(&"x".repeat(24))).await;
        let told = client.read_to_end().await.unwrap();
        let Ok(Packet::ConnAck(ack)) = decode(Protocol::V5, &told.into()) else {
            panic!("a CONNACK")
        };
        assert!(ack.properties.reason.unwrap().contains("client id"));
        let (mut client, _) = edge.attached(curious("a")).await;
        client.send(&[0x30, 0xFF, 0x7F]).await;
        let told = client.read_to_end().await.unwrap();
        let Ok(Packet::Disconnect(disconnect)) = decode(Protocol::V5, &told.into()) else {
            panic!("a DISCONNECT")
        };
        assert_eq!(disconnect.code.0, 0x95);
        assert!(disconnect.reason.unwrap().contains("larger"));
    });
}

#[test]
fn a_connect_that_is_too_large_is_refused_before_it_has_come() {
    with_edge(&[&listener("maxPacketBytes: 128")], async |edge| {
        for (level, told) in [(4, &[][..]), (5, &[0x20, 3, 0, 0x95, 0])] {
            let mut client = edge.dial().await;
            let head = [
                0x10, 0xFF, 0x01, 0, 4, b'M', b'Q', b'T', b'T', level, 2, 0, 0,
            ];
            client.send(&head).await;
            assert_eq!(client.read_to_end().await.unwrap(), told);
        }
        assert_eq!(limit(&edge, EdgeLimit::PacketSize), 2);
    });
}

#[test]
fn whoever_sends_no_connect_in_time_is_closed() {
    with_edge(&[&listener("connectTimeoutSeconds: 0.3")], async |edge| {
        let mut client = edge.dial().await;
        client.send(&[0x10, 0x20, 0, 4]).await;
        assert!(client.read_to_end().await.unwrap().is_empty());
        assert_eq!(limit(&edge, EdgeLimit::ConnectTime), 1);
    });
}

#[test]
fn whoever_publishes_too_fast_is_slowed_and_loses_nothing() {
    with_edge(&[&listener("publishRate: 10")], async |mut edge| {
        let (mut client, _) = edge
            .attached(Connect {
                keep_alive: 1,
                ..v3("a")
            })
            .await;
        let packet = publish(Protocol::V311, "t", 0);
        let began = Instant::now();
        for _ in 0..35 {
            client.send(&packet).await;
        }
        // it is read on, and answered
        client.send(&[0xC0, 0]).await;
        assert_eq!(client.read(2).await, [0xD0, 0]);
        let mut count = 0;
        while count < 35 {
            let packets = data(&mut edge).await;
            count += frame::packets(packets).count();
            // ten at once, and ten a second
            let most = 11 + began.elapsed().as_millis() / 100;
            assert!(count as u128 <= most, "{count} after {:?}", began.elapsed());
            client.send(&[0xC0, 0]).await;
            client.read(2).await;
        }
        assert!(began.elapsed() >= Duration::from_millis(2_300));
        assert!(limit(&edge, EdgeLimit::PublishRate) > 0);
        assert_eq!(limit(&edge, EdgeLimit::SubscribeRate), 0);
    });
}

#[test]
fn a_client_that_is_not_read_because_it_is_too_fast_does_not_expire() {
    with_edge(&[&listener("publishRate: 1")], async |mut edge| {
        let (mut client, _) = edge
            .attached(Connect {
                keep_alive: 1,
                ..v3("a")
            })
            .await;
        // more than is held; the PINGREQ behind it is not seen
        let packet = Publish::new("t", vec![0; 20_000]);
        let packet = encode(Protocol::V311, &Packet::Publish(packet)).unwrap();
        for _ in 0..4 {
            client.send(&packet).await;
        }
        client.send(&[0xC0, 0]).await;
        for _ in 0..4 {
            assert_eq!(data(&mut edge).await.len(), packet.len());
        }
        assert_eq!(client.read(2).await, [0xD0, 0]);
    });
}

#[test]
fn whoever_takes_nothing_for_too_long_is_closed() {
    with_edge(&[&listener("unreadTimeoutSeconds: 1")], async |mut edge| {
        let (_client, stream) = edge.attached(v5("a")).await;
        let (mut reader, other) = edge.attached(v5("b")).await;
        let packet = Publish::new("t", vec![0; 1_000_000]);
        let packets = encode(Protocol::V5, &Packet::Publish(packet)).unwrap();
        for _ in 0..40 {
            edge.say(ToEdge::Data {
                stream,
                packets: packets.clone(),
            });
        }
        edge.say(ToEdge::Data {
            stream: other,
            packets: packets.clone(),
        });
        reader.read(packets.len()).await;
        let of = loop {
            match edge.frame().await {
                ToShard::Window { .. } => {}
                ToShard::Detach { stream, reason } => {
                    assert_eq!(reason, DetachReason::TooSlow);
                    break stream;
                }
                other => panic!("a detach, not {other:?}"),
            }
        };
        assert_eq!(of, stream);
        assert_eq!(limit(&edge, EdgeLimit::Unread), 1);
        reader.send(&[0xC0, 0]).await;
        assert_eq!(reader.read(2).await, [0xD0, 0]);
    });
}

#[test]
fn a_reader_that_is_slow_is_not_closed() {
    with_edge(&[&listener("unreadTimeoutSeconds: 1")], async |mut edge| {
        let (mut client, stream) = edge.attached(v5("a")).await;
        let packet = Publish::new("t", vec![0; 1_000_000]);
        let packets = encode(Protocol::V5, &Packet::Publish(packet)).unwrap();
        for _ in 0..20 {
            edge.say(ToEdge::Data {
                stream,
                packets: packets.clone(),
            });
        }
        for _ in 0..20 {
            let pause = timeout(Duration::from_millis(200), std::future::pending::<()>());
            assert!(pause.await.is_err());
            assert_eq!(client.read(packets.len()).await.len(), packets.len());
        }
        assert_eq!(limit(&edge, EdgeLimit::Unread), 0);
    });
}

#[test]
fn aliases_of_a_client_do_not_cross_the_link() {
    with_edge(&[&listener("topicAliasMaximum: 2")], async |mut edge| {
        let (mut client, stream) = edge.attached(v5("a")).await;
        for (topic, alias) in [("a/b", 1), ("", 1), ("c", 0)] {
            client.send(&publish(Protocol::V5, topic, alias)).await;
        }
        client.send(&[0xC0, 0]).await;
        client.read(2).await;
        let mut packets = Vec::new();
        while packets.len() < 3 {
            packets.extend(frame::packets(data(&mut edge).await).flatten());
        }
        for (packet, topic) in packets.iter().zip(["a/b", "a/b", "c"]) {
            assert_eq!(packet, &publish(Protocol::V5, topic, 0));
        }
        client.send(&publish(Protocol::V5, "d", 3)).await;
        let ToShard::Detach { stream: of, reason } = edge.frame().await else {
            panic!("a detach")
        };
        assert_eq!((of, reason), (stream, DetachReason::ProtocolError));
        assert_eq!(client.read_to_end().await.unwrap(), [0xE0, 2, 0x94, 0]);
    });
}

#[test]
fn without_aliases_the_shard_hears_them_and_refuses() {
    with_edge(&[&listener("topicAliasMaximum: 0")], async |mut edge| {
        let (mut client, _) = edge.attached(v5("a")).await;
        let packet = publish(Protocol::V5, "a", 1);
        client.send(&packet).await;
        assert_eq!(data(&mut edge).await, packet);
    });
}

#[test]
fn the_shard_hears_how_many_aliases_are_taken() {
    with_edge(&[&listener("topicAliasMaximum: 9")], async |mut edge| {
        let mut client = edge.dial().await;
        client.connect(v5("a")).await;
        let ToShard::Attach { attach, .. } = edge.frame().await else {
            panic!("an attach")
        };
        assert_eq!(attach.topic_alias_maximum, 9);
    });
}

#[test]
fn the_shard_hears_what_the_listener_allows() {
    let keys = "limits: {maxQueuedMessages: 1, maxQueuedBytes: 1024, maxInflight: 2, receiveMaximum: 3, \
                maxTopicBytes: 16, maxTopicLevels: 4, maxSubscriptions: 5}";
    with_edge(&[&listener(keys)], async |mut edge| {
        let mut client = edge.dial().await;
        client.connect(v3("a")).await;
        let ToShard::Attach { attach, .. } = edge.frame().await else {
            panic!("an attach")
        };
        let expected = ListenerLimits {
            max_queued_messages: NonZeroU32::new(1),
            max_queued_bytes: NonZeroU32::new(1024),
            max_inflight: NonZeroU16::new(2),
            receive_maximum: NonZeroU16::new(3),
            max_topic_bytes: NonZeroU16::new(16),
            max_topic_levels: NonZeroU8::new(4),
            max_subscriptions: NonZeroU32::new(5),
        };
        assert_eq!(attach.limits, expected);
    });
}

#[test]
fn a_longer_keep_alive_than_the_listener_takes_is_capped_and_counted() {
    with_edge(&[&listener("maxKeepAliveSeconds: 60")], async |mut edge| {
        // 3.1.1 has no word for another keep-alive: its own holds
        for (connect, wanted, told) in [
            (v5("a"), 60, None),
            (v5("b"), 61, Some(60)),
            (v5("c"), 0, Some(60)),
            (v3("d"), 61, None),
        ] {
            let mut client = edge.dial().await;
            client
                .connect(Connect {
                    keep_alive: wanted,
                    ..connect
                })
                .await;
            let ToShard::Attach { attach, .. } = edge.frame().await else {
                panic!("an attach")
            };
            assert_eq!(attach.server_keep_alive, told, "{wanted}");
            client.0.shutdown().await.unwrap();
            let ToShard::Cancel { .. } = edge.frame().await else {
                panic!("a cancel")
            };
        }
        assert_eq!(limit(&edge, EdgeLimit::KeepAlive), 2);
    });
}

async fn told(client: &mut Client, len: usize) -> (String, u16) {
    let Ok(Packet::Publish(publish)) = decode(Protocol::V5, &client.read(len).await.into()) else {
        panic!("a PUBLISH")
    };
    let alias = publish.topic_alias.map_or(0, NonZeroU16::get);
    (publish.topic.to_string(), alias)
}

#[test]
fn a_client_that_takes_aliases_gets_them_and_the_window_comes_back_whole() {
    with_edge(&[], async |mut edge| {
        let properties = ConnectProperties {
            topic_alias_maximum: 5,
            maximum_packet_size: NonZeroU32::new(100_000),
            ..ConnectProperties::default()
        };
        let connect = Connect {
            properties,
            ..v5("a")
        };
        let (mut client, stream) = edge.attached(connect).await;
        let topic = "gateway/4711/state";
        let packet = publish(Protocol::V5, topic, 0);
        let whole = packet.len();
        let mut lengths = vec![whole, whole + 3];
        lengths.resize(2_000, whole + 3 - topic.len());
        for (at, len) in lengths.iter().enumerate() {
            edge.say(ToEdge::Data {
                stream,
                packets: packet.clone(),
            });
            let expected = match at {
                0 => (topic, 0),
                1 => (topic, 1),
                _ => ("", 1),
            };
            let (topic, alias) = told(&mut client, *len).await;
            assert_eq!((topic.as_str(), alias), expected);
        }
        let ToShard::Window { bytes, .. } = timeout(DEADLINE, edge.frame()).await.unwrap() else {
            panic!("a window")
        };
        assert_eq!(bytes as usize % whole, 0, "as long as the shard sent it");
    });
}
