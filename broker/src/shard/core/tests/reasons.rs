//! Reason Strings: who gets them, and when they do not fit.

use std::num::NonZeroU32;

use super::network::{Client, Network, publish, subscribe};
use crate::codec::{
    self, Connect, ConnectProperties, Packet, Protocol, QoS, ReasonCode, Subscription, Will,
};

use Protocol::V5;
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO};

fn client(network: &mut Network, wants: bool, largest: u32) -> Client {
    let properties = ConnectProperties {
        request_problem_information: wants,
        maximum_packet_size: NonZeroU32::new(largest),
        ..ConnectProperties::default()
    };
    network.connect(Connect {
        properties,
        ..Connect::new(V5, "c")
    })
}

/// The reason in the only packet that came, and its size.
fn reason(network: &mut Network, client: Client) -> (Option<String>, usize) {
    let packets = network.packets(client);
    let [packet] = &packets[..] else {
        panic!("{packets:?}")
    };
    let reason = match packet {
        Packet::PubAck(ack) => ack.reason.clone(),
        Packet::SubAck(ack) => ack.reason.clone(),
        Packet::Disconnect(disconnect) => disconnect.reason.clone(),
        other => panic!("{other:?}"),
    };
    let size = codec::encode(V5, packet).unwrap().len();
    (reason.map(|reason| reason.to_string()), size)
}

#[test]
fn who_wants_problem_information_gets_it_if_it_fits() {
    let cases = [
        publish("$SYS/x", "x", ONE),
        subscribe(vec![
            Subscription::new("t", ZERO),
            Subscription::new("$share/g", ZERO),
        ]),
        publish("a/#", "x", ZERO),
        subscribe(vec![Subscription {
            no_local: true,
            ..Subscription::new("$share/g/t", ZERO)
        }]),
    ];
    for (at, packet) in cases.iter().enumerate() {
        let told = |wants, largest| {
            let mut network = Network::with_workers(1);
            let client = client(&mut network, wants, largest);
            network.send(client, packet);
            reason(&mut network, client)
        };
        let (with, size) = told(true, 0);
        // a protocol error has no words of its own
        assert_eq!(with.is_some(), at < 3, "{packet:?}: {with:?}");
        assert_eq!(told(false, 0).0, None, "{packet:?}");
        if with.is_some() {
            let largest = u32::try_from(size).unwrap();
            assert_eq!(told(true, largest).0, with, "{packet:?}");
            let (without, smaller) = told(true, largest - 1);
            assert_eq!(without, None, "{packet:?}");
            assert!(smaller < size);
        }
    }
}

#[test]
fn what_the_codec_found_is_told() {
    let mut network = Network::with_workers(1);
    let client = client(&mut network, true, 0);
    // SUBSCRIBE without a filter
    network.raw(client, &[0x82, 3, 0, 1, 0]);
    let (reason, _) = reason(&mut network, client);
    assert_eq!(
        reason.as_deref(),
        Some("failed to decode SUBSCRIBE: the list is empty")
    );
}

#[test]
fn a_suback_that_does_not_fit_is_not_sent() {
    let mut network = Network::with_workers(1);
    let client = client(&mut network, true, 40);
    let many = vec![Subscription::new("t", ZERO); 40];
    network.send(client, &subscribe(many));
    assert!(network.packets(client).is_empty());
    network.subscribe(client, "t", ZERO);
}

#[test]
fn a_refused_connect_is_told_why() {
    let refused = |wants, largest| {
        let mut network = Network::with_workers(1);
        let will = Will {
            qos: ZERO,
            retain: false,
            topic: "$SYS/x".into(),
            payload: bytes::Bytes::new(),
            delay: 0,
            properties: None,
        };
        let properties = ConnectProperties {
            request_problem_information: wants,
            maximum_packet_size: NonZeroU32::new(largest),
            ..ConnectProperties::default()
        };
        let client = network.connect(Connect {
            will: Some(will),
            properties,
            ..Connect::new(V5, "c")
        });
        let told = network.inbox(client).refused.take().expect("a refusal");
        match codec::decode(V5, &told) {
            Ok(Packet::ConnAck(ack)) => {
                assert_eq!(ack.code, ReasonCode::NOT_AUTHORIZED);
                ack.properties.reason.is_some()
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(refused(true, 0));
    assert!(!refused(false, 0));
    assert!(!refused(true, 20));
}

/// A client that takes no packet of the size of its CONNACK cannot be told anything.
#[test]
fn a_connack_that_does_not_fit_is_not_sent() {
    let mut network = Network::with_workers(1);
    let client = client(&mut network, true, 5);
    assert_eq!(
        network.inbox(client).refused.take().as_deref(),
        Some(&[][..])
    );
    assert_eq!(network.workers[0].stats().connected, 0);
}
