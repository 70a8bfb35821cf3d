use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use herdgate_admission::census::Census;
use herdgate_admission::keeper::CensusReport;
use herdgate_admission::progress::{AddressTrust, ClientAddresses};
use herdgate_admission::report::{
    EdgeId, EdgeReport, LastGood, ReopeningNumber, ShardBoot, ShardReport, Steering, Trigger,
    Verdict,
};
use herdgate_admission::slicing::{PrefixLengths, SlicePlan, Slicing, TableFor};
use proptest::prelude::*;

use super::*;
use crate::link::{
    Attach, Authenticated, CloseReason, DetachReason, ListenerLimits, Protocol, StreamId, ToEdge,
    ToShard,
};

const STEERING: Steering = Steering {
    revision: u64::MAX,
    stopped: true,
    at_least: 9,
    paused: true,
};

fn edge_report() -> EdgeReport {
    EdgeReport {
        edge: EdgeId("edge-1".to_owned()),
        reopening: ReopeningNumber(7),
        level: 12,
        door: 3,
        free_places: 4,
        entering_limit: 64,
        held: 5,
        lowest_held: 17,
        age_ms: 6,
        joined: vec![ShardBoot {
            shard: 2,
            boot_epoch: 9,
        }],
        trigger: Trigger::Overload,
        steering: STEERING,
        patience_ms: 5_000,
        backend: Verdict::Bad,
        arrivals: 77,
    }
}

fn shard_report() -> ShardReport {
    ShardReport {
        shard: 2,
        boot_epoch: u64::MAX,
        reopening: ReopeningNumber(7),
        level: 12,
        trigger: Trigger::Manual,
        steering: STEERING,
        patience_ms: 4_999,
        verdict: Verdict::Bad,
        signal: Some("queue_wait".to_owned()),
        connected: 1,
        settling: 2,
        settle_limit: 3,
        attaching: 4,
        last_good: LastGood {
            entering: 80,
            settling: 900,
        },
        addresses: ClientAddresses {
            trust: AddressTrust::FewPeers,
            clients: 7_000,
            of_few_peers: 6_900,
            inside: 3,
        },
        edges: vec![edge_report()],
    }
}

fn table() -> TableFor {
    let plan = SlicePlan::new(64, &Slicing::Ranges(PrefixLengths::default())).unwrap();
    let mut census = Census::default();
    census.add("198.18.3.7".parse().unwrap(), 40);
    TableFor {
        reopening: ReopeningNumber(7),
        spec: plan.spec(census, true),
    }
}

fn census_report() -> CensusReport {
    CensusReport {
        edge: EdgeId("edge-1".to_owned()),
        reopening: ReopeningNumber(7),
        is_open: true,
        counted: table().spec,
        table: Some(table()),
    }
}

fn stream() -> impl Strategy<Value = StreamId> {
    any::<u32>().prop_map(StreamId)
}

fn bytes() -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

fn limits() -> impl Strategy<Value = ListenerLimits> {
    use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};
    let long = || any::<u32>().prop_map(NonZeroU32::new);
    let short = || any::<u16>().prop_map(NonZeroU16::new);
    let levels = any::<u8>().prop_map(NonZeroU8::new);
    (long(), long(), long(), short(), short(), short(), levels).prop_map(
        |(messages, bytes, subscriptions, inflight, receive, topic, levels)| ListenerLimits {
            max_queued_messages: messages,
            max_queued_bytes: bytes,
            max_inflight: inflight,
            receive_maximum: receive,
            max_topic_bytes: topic,
            max_topic_levels: levels,
            max_subscriptions: subscriptions,
        },
    )
}

fn attach() -> impl Strategy<Value = Box<Attach>> {
    let peer = (any::<std::net::IpAddr>(), any::<u16>()).prop_map(SocketAddr::from);
    let text = "\\PC{0,40}";
    let keep_alive = proptest::option::of(any::<u16>());
    let data = proptest::option::of(bytes());
    let authenticated =
        proptest::option::of((text, data).prop_map(|(method, data)| Authenticated {
            method: Arc::from(method),
            data,
        }));
    let told = (
        any::<u32>(),
        keep_alive,
        authenticated,
        any::<u16>(),
        limits(),
    );
    (
        text,
        any::<bool>(),
        proptest::option::of(text),
        any::<bool>(),
        bytes(),
        peer,
        told,
    )
        .prop_map(
            |(
                id,
                client_id_assigned,
                principal,
                v5,
                connect,
                peer,
                (max_packet_bytes, server_keep_alive, authenticated, topic_alias_maximum, limits),
            )| {
                Box::new(Attach {
                    client_id: Arc::from(id),
                    client_id_assigned,
                    principal: principal.map(Arc::from),
                    protocol: if v5 { Protocol::V5 } else { Protocol::V311 },
                    connect,
                    peer,
                    max_packet_bytes,
                    server_keep_alive,
                    authenticated,
                    topic_alias_maximum,
                    limits,
                })
            },
        )
}

fn to_shard() -> impl Strategy<Value = ToShard> {
    let reason = prop_oneof![
        Just(DetachReason::PeerGone),
        Just(DetachReason::KeepAliveExpired),
        Just(DetachReason::ProtocolError),
        Just(DetachReason::EdgeShutdown),
        Just(DetachReason::TooSlow),
    ];
    prop_oneof![
        (stream(), attach()).prop_map(|(stream, attach)| ToShard::Attach { stream, attach }),
        stream().prop_map(|stream| ToShard::Cancel { stream }),
        (stream(), bytes()).prop_map(|(stream, packets)| ToShard::Data { stream, packets }),
        (stream(), any::<u32>()).prop_map(|(stream, bytes)| ToShard::Window { stream, bytes }),
        (stream(), reason).prop_map(|(stream, reason)| ToShard::Detach { stream, reason }),
        Just(ToShard::Health(Box::new(edge_report()))),
        Just(ToShard::Census(Arc::new(census_report()))),
    ]
}

fn to_edge() -> impl Strategy<Value = ToEdge> {
    let reason = prop_oneof![
        Just(CloseReason::Disconnected),
        Just(CloseReason::TakenOver),
        Just(CloseReason::ProtocolError),
        Just(CloseReason::ShuttingDown),
    ];
    prop_oneof![
        (stream(), bytes()).prop_map(|(stream, connack)| ToEdge::Attached { stream, connack }),
        (stream(), bytes()).prop_map(|(stream, connack)| ToEdge::Refused { stream, connack }),
        (stream(), bytes()).prop_map(|(stream, packets)| ToEdge::Data { stream, packets }),
        (proptest::collection::vec(stream(), 0..5), bytes())
            .prop_map(|(streams, packets)| ToEdge::Fan { streams, packets }),
        (stream(), any::<u32>()).prop_map(|(stream, bytes)| ToEdge::Window { stream, bytes }),
        (stream(), reason).prop_map(|(stream, reason)| ToEdge::Close { stream, reason }),
        stream().prop_map(|stream| ToEdge::Settled { stream }),
        Just(ToEdge::Health(Box::new(shard_report()))),
        Just(ToEdge::Table(Arc::new(table()))),
    ]
}

/// All frames that come out of `bytes` when they arrive in two parts.
fn read_all<F: Frame>(bytes: &[u8], cut: usize) -> Result<Vec<F>, WireError> {
    let (first, second) = bytes.split_at(cut.min(bytes.len()));
    let mut buffer = BytesMut::from(first);
    let mut frames = Vec::new();
    while let Some(frame) = next(&mut buffer, MAX_FRAME)? {
        frames.push(frame);
    }
    buffer.put_slice(second);
    while let Some(frame) = next(&mut buffer, MAX_FRAME)? {
        frames.push(frame);
    }
    Ok(frames)
}

fn shown<T: std::fmt::Debug>(frames: &[T]) -> Vec<String> {
    frames.iter().map(|frame| format!("{frame:?}")).collect()
}

proptest! {
    #[test]
    fn frames_to_a_shard_come_back_as_they_went(
        frames in proptest::collection::vec(to_shard(), 1..8), cut in any::<prop::sample::Index>()
    ) {
        let mut out = BytesMut::new();
        for frame in &frames {
            frame.encode(&mut out);
        }
        let back: Vec<ToShard> = read_all(&out, cut.index(out.len())).unwrap();
        prop_assert_eq!(shown(&back), shown(&frames));
    }

    #[test]
    fn frames_to_an_edge_come_back_as_they_went(
        frames in proptest::collection::vec(to_edge(), 1..8), cut in any::<prop::sample::Index>()
    ) {
        let mut out = BytesMut::new();
        for frame in &frames {
            frame.encode(&mut out);
        }
        let back: Vec<ToEdge> = read_all(&out, cut.index(out.len())).unwrap();
        prop_assert_eq!(shown(&back), shown(&frames));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), kind in 0u8..0x30) {
        let body = Bytes::from(bytes.clone());
        let _ = ToShard::decode(kind, body.clone());
        let _ = ToEdge::decode(kind, body.clone());
        let _ = Greeting::decode(kind, body);
        let _ = read_all::<ToShard>(&bytes, 3);
    }

    #[test]
    fn a_changed_byte_is_read_or_refused(
        frame in to_shard(), at in any::<prop::sample::Index>(), value in any::<u8>()
    ) {
        let mut out = BytesMut::new();
        frame.encode(&mut out);
        let at = at.index(out.len());
        out[at] = value;
        let _ = read_all::<ToShard>(&out, 0);
    }
}

#[test]
fn greetings_come_back_as_they_went() {
    let hello = Hello {
        versions: (1, VERSION),
        token: Bytes::from_static(b"secret"),
        edge: EdgeId("edge-0".to_owned()),
        worker: 3,
    };
    let welcome = Welcome {
        version: VERSION,
        shard: 4,
        boot_epoch: 5,
    };
    for greeting in [Greeting::Hello(hello), Greeting::Welcome(welcome)] {
        let mut out = BytesMut::new();
        greeting.encode(&mut out);
        assert_eq!(next(&mut out, MAX_GREETING), Ok(Some(greeting)));
    }
}

#[test]
fn a_hello_does_not_show_its_token() {
    let hello = Hello {
        versions: (1, 1),
        token: Bytes::from_static(b"secret"),
        edge: EdgeId("edge-0".to_owned()),
        worker: 0,
    };
    assert!(!format!("{hello:?}").contains("secret"));
}

#[test]
fn what_is_no_link_is_refused_early() {
    // A TLS ClientHello and an HTTP request, read as lengths, are far over the limit.
    for start in [&b"\x16\x03\x01\x02"[..], b"GET "] {
        let mut buffer = BytesMut::from(start);
        assert!(matches!(
            next::<Greeting>(&mut buffer, MAX_GREETING),
            Err(WireError::TooLarge { .. })
        ));
    }
    let mut empty = BytesMut::from(&[0u8; 4][..]);
    assert_eq!(
        next::<Greeting>(&mut empty, MAX_GREETING),
        Err(WireError::Empty)
    );
    let mut unknown = BytesMut::from(&[0u8, 0, 0, 1, 0x7F][..]);
    assert!(matches!(
        next::<ToEdge>(&mut unknown, MAX_FRAME),
        Err(WireError::UnknownKind { kind: 0x7F })
    ));
}
