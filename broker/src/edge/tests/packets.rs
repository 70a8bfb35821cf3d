use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::harness::{DEADLINE, v3, v5, with_edge};
use crate::codec::Connect;
use crate::link::frame::INITIAL_WINDOW;
use crate::link::{CloseReason, DetachReason, ToEdge, ToShard};
use crate::metrics::EdgeLimit;

/// A PUBLISH of QoS 0 with a packet of `len` bytes, over 16 KiB.
fn publish(len: usize) -> Vec<u8> {
    let remaining = len - 4;
    let mut packet = vec![0x30, 0, 0, 0, 0, 1, b't'];
    for (at, byte) in packet[1..4].iter_mut().enumerate() {
        let more = if at < 2 { 0x80 } else { 0 };
        *byte = u8::try_from((remaining >> (7 * at)) & 0x7F).unwrap() | more;
    }
    packet.resize(len, b'x');
    packet
}

#[test]
fn pings_are_answered_without_the_shard() {
    with_edge(&[], async |mut edge| {
        let (mut client, _) = edge.attached(v3("a")).await;
        client.send(&[0xC0, 0, 0xC0, 0]).await;
        assert_eq!(client.read(4).await, [0xD0, 0, 0xD0, 0]);
    });
}

#[test]
fn a_silent_client_is_let_go_after_one_and_a_half_keep_alives() {
    with_edge(&[], async |mut edge| {
        let (mut client, stream) = edge
            .attached(Connect {
                keep_alive: 1,
                ..v5("a")
            })
            .await;
        for _ in 0..3 {
            // Well within 1.5 s, and for longer than that together.
            tokio::time::sleep(Duration::from_millis(700)).await;
            client.send(&[0xC0, 0]).await;
            client.read(2).await;
        }
        let ToShard::Detach { stream: of, reason } = edge.frame().await else {
            panic!("a detach")
        };
        assert_eq!((of, reason), (stream, DetachReason::KeepAliveExpired));
        assert_eq!(client.read_to_end().await.unwrap(), [0xE0, 2, 0x8D, 0]);
    });
}

#[test]
fn a_client_whose_bytes_are_not_read_does_not_expire() {
    with_edge(&[], async |mut edge| {
        let (mut client, stream) = edge
            .attached(Connect {
                keep_alive: 1,
                ..v3("a")
            })
            .await;
        let packet = publish(INITIAL_WINDOW as usize + 1000);
        client.send(&packet).await;
        let ToShard::Data { packets, .. } = edge.frame().await else {
            panic!("data")
        };
        assert_eq!(packets.len(), packet.len());
        client.send(&[0xC0, 0]).await;
        // The window is used up: three times the keep-alive pass, and nothing may come of it.
        assert!(timeout(Duration::from_secs(3), edge.frame()).await.is_err());
        edge.say(ToEdge::Window {
            stream,
            bytes: INITIAL_WINDOW,
        });
        assert_eq!(client.read(2).await, [0xD0, 0]);
    });
}

#[test]
fn a_client_that_takes_nothing_and_says_nothing_expires() {
    with_edge(&[], async |mut edge| {
        let (_client, stream) = edge
            .attached(Connect {
                keep_alive: 1,
                ..v3("a")
            })
            .await;
        // More than both kernels' buffers and the outbox take.
        let packets = Bytes::from(publish(1_000_000));
        for _ in 0..40 {
            edge.say(ToEdge::Data {
                stream,
                packets: packets.clone(),
            });
        }
        let reason = loop {
            match edge.frame().await {
                ToShard::Window { .. } => {}
                ToShard::Detach { reason, .. } => break reason,
                other => panic!("a detach, not {other:?}"),
            }
        };
        assert_eq!(reason, DetachReason::KeepAliveExpired);
    });
}

#[test]
fn a_client_is_read_no_further_than_its_window() {
    with_edge(&[], async |mut edge| {
        let (client, stream) = edge.attached(v3("a")).await;
        let packet = publish(20_000);
        let many: Vec<u8> = std::iter::repeat_n(packet.clone(), 400).flatten().collect();
        let all = many.len();
        let (_reader, mut writer) = client.0.into_split();
        let writing = tokio::task::spawn_local(async move { writer.write_all(&many).await });
        let mut taken = 0;
        while let Ok(frame) = timeout(Duration::from_millis(500), edge.frame()).await {
            let ToShard::Data { packets, .. } = frame else {
                panic!("data, not {frame:?}")
            };
            taken += packets.len();
        }
        let window = INITIAL_WINDOW as usize;
        assert!(
            (window..window + 2 * packet.len()).contains(&taken),
            "took {taken}"
        );
        while taken < all {
            edge.say(ToEdge::Window {
                stream,
                bytes: 40_000,
            });
            while let Ok(frame) = timeout(Duration::from_millis(20), edge.frame()).await {
                if let ToShard::Data { packets, .. } = frame {
                    taken += packets.len();
                }
            }
        }
        timeout(DEADLINE, writing).await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn the_shard_hears_what_the_client_has_taken() {
    with_edge(&[], async |mut edge| {
        let (mut client, stream) = edge.attached(v3("a")).await;
        let packets = Bytes::from(publish(20_000));
        edge.say(ToEdge::Data {
            stream,
            packets: packets.clone(),
        });
        assert_eq!(client.read(packets.len()).await, packets);
        let ToShard::Window { bytes, .. } = edge.frame().await else {
            panic!("a window")
        };
        assert_eq!(bytes, 20_000);
    });
}

#[test]
fn the_shards_last_words_come_before_the_close() {
    with_edge(&[], async |mut edge| {
        let (mut client, stream) = edge.attached(v5("a")).await;
        edge.say(ToEdge::Data {
            stream,
            packets: Bytes::from_static(&[0xE0, 2, 0x8E, 0]),
        });
        edge.say(ToEdge::Close {
            stream,
            reason: CloseReason::TakenOver,
        });
        client.send(&[0xC0, 0]).await;
        assert_eq!(client.read_to_end().await.unwrap()[..4], [0xE0, 2, 0x8E, 0]);
        // The stream was free: nothing is said about it any more.
        assert!(
            timeout(Duration::from_millis(300), edge.frame())
                .await
                .is_err()
        );
    });
}

#[test]
fn what_is_no_mqtt_ends_the_stream_with_its_reason() {
    with_edge(
        &[
            "listeners=[{name: mqtt, address: \"127.0.0.1:0\", protocol: mqtt, maxPacketBytes: 30000}]",
        ],
        async |mut edge| {
            for (sent, told) in [
                (vec![0x30, 0xFF, 0xFF, 0xFF, 0xFF], 0x81),
                (publish(30_001), 0x95),
            ] {
                let (mut client, _) = edge.attached(v5("a")).await;
                client.send(&sent[..5]).await;
                let ToShard::Detach { reason, .. } = edge.frame().await else {
                    panic!("a detach")
                };
                assert_eq!(reason, DetachReason::ProtocolError);
                assert_eq!(client.read_to_end().await.unwrap(), [0xE0, 2, told, 0]);
            }
            let limits = &edge.shared.metrics.edge.limits;
            assert_eq!(limits.get(EdgeLimit::PacketSize), 1);
        },
    );
}
