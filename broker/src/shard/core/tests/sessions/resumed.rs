//! What a client finds that comes back to its session.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use super::{ack, after, kept};
use crate::codec::{Ack, MessageProperties, Packet, Protocol, Publish, QoS, ReasonCode};
use crate::shard::core::CoreSettings;
use crate::shard::core::tests::network::{Network, id, show};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, ExactlyOnce as TWO};

/// Sends one message of each of these and takes them as far as asked.
fn leave_half_done(network: &mut Network, protocol: Protocol) -> Vec<Publish> {
    let publisher = network.client(V311, "p");
    let client = network.connect(kept(protocol, "c"));
    network.subscribe(client, "#", TWO);
    for (payload, qos) in [("a", ONE), ("b", TWO), ("c", ONE), ("d", TWO), ("e", TWO)] {
        network.publish(publisher, "t", payload, qos);
    }
    let packets = network.packets(client);
    let messages: Vec<_> = packets
        .into_iter()
        .map(|packet| match packet {
            Packet::Publish(publish) => publish,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(messages.len(), 5);
    // e, then b: their PUBRELs have this order
    for at in [4, 1] {
        let ack = Ack::new(messages[at].packet_id.unwrap(), ReasonCode::SUCCESS);
        network.send(client, &Packet::PubRec(ack));
    }
    network.detach(client);
    network.publish(publisher, "t", "f", ONE);
    messages
}

#[test]
fn what_is_unacknowledged_comes_again_in_order_and_then_the_rest() {
    for protocol in [V311, V5] {
        let mut network = Network::with_workers(1);
        let before = leave_half_done(&mut network, protocol);
        let client = network.connect(kept(protocol, "c"));
        let packets = network.packets(client);
        let release = |at: usize| {
            Packet::PubRel(Ack::new(before[at].packet_id.unwrap(), ReasonCode::SUCCESS))
        };
        let again = |at: usize| {
            Packet::Publish(Publish {
                dup: true,
                ..before[at].clone()
            })
        };
        let (last, earlier) = packets.split_last().unwrap();
        assert_eq!(
            earlier,
            [release(4), release(1), again(0), again(2), again(3)]
        );
        let Packet::Publish(last) = last else {
            panic!("{last:?}")
        };
        assert_eq!((show(last).as_str(), last.dup), ("t=f q1", false));
    }
}

#[test]
fn the_new_connections_receive_maximum_holds() {
    let mut network = Network::with_workers(1);
    let before = leave_half_done(&mut network, V5);
    let ids: Vec<_> = before.iter().map(|it| it.packet_id.unwrap()).collect();
    let mut connect = kept(V5, "c");
    connect.properties.receive_maximum = NonZeroU16::new(3);
    let client = network.connect(connect);
    let published = |network: &mut Network| -> Vec<String> {
        let packets = network.packets(client).into_iter();
        packets
            .filter_map(|packet| match packet {
                Packet::Publish(publish) => Some(show(&publish)),
                _ => None,
            })
            .collect()
    };
    // two PUBRELs leave one place
    assert_eq!(published(&mut network), ["t=a q1"]);
    network.send(client, &Packet::PubComp(ack(ids[4].get())));
    assert_eq!(published(&mut network), ["t=c q1"]);
    // the client has this one from the connection before, and says so now
    network.send(client, &Packet::PubRec(ack(ids[3].get())));
    network.send(client, &Packet::PubComp(ack(ids[3].get())));
    network.send(client, &Packet::PubAck(ack(ids[0].get())));
    assert_eq!(published(&mut network), ["t=f q1"]);
}

/// What is too large for the new connection counts as sent; the client forgets an id that it may have.
#[test]
fn the_new_connections_packet_size_holds() {
    let mut network = Network::with_workers(1);
    let publisher = network.client(V311, "p");
    let client = network.connect(kept(V5, "c"));
    network.subscribe(client, "t", TWO);
    for (payload, qos) in [
        ("long".repeat(50), ONE),
        ("long".repeat(50), TWO),
        ("short".to_owned(), TWO),
    ] {
        network.publish(publisher, "t", &payload, qos);
    }
    network.detach(client);
    let mut connect = kept(V5, "c");
    connect.properties.maximum_packet_size = NonZeroU32::new(50);
    let client = network.connect(connect);
    let packets = network.packets(client);
    let [Packet::PubRel(release), Packet::Publish(short)] = &packets[..] else {
        panic!("{packets:?}")
    };
    assert_eq!((release.packet_id, short.dup), (id(2), true));
    assert_eq!(show(short), "t=short q2");
    assert_eq!(network.workers[0].stats().dropped.too_large, 2);
    network.send(
        client,
        &Packet::PubComp(Ack::new(id(2), ReasonCode::PACKET_IDENTIFIER_NOT_FOUND)),
    );
    assert_eq!(network.inbox(client).closed, None);
}

#[test]
fn expiry_counts_down_while_a_message_waits() {
    let mut network = Network::with_workers(1);
    let publisher = network.client(V5, "p");
    let client = network.connect(kept(V5, "c"));
    network.subscribe(client, "t", TWO);
    network.detach(client);
    for expiry in [10, 60] {
        let properties = MessageProperties {
            expiry: Some(expiry),
            ..MessageProperties::default()
        };
        let message = Publish {
            qos: TWO,
            packet_id: Some(id(1)),
            properties: Some(properties.into()),
            ..Publish::new("t", expiry.to_string())
        };
        network.send(publisher, &Packet::Publish(message));
        network.send(publisher, &Packet::PubRel(ack(1)));
    }
    after(&mut network, 20);
    let client = network.connect(kept(V5, "c"));
    let left = |network: &mut Network, client| -> Vec<Option<u32>> {
        let packets = network.packets(client).into_iter();
        let left = packets.map(|packet| match packet {
            Packet::Publish(publish) => publish.properties.unwrap().expiry,
            other => panic!("{other:?}"),
        });
        left.collect()
    };
    assert_eq!(left(&mut network, client), [Some(40)]);
    assert_eq!(network.workers[0].stats().dropped.expired, 1);
    // its delivery has begun: it comes again, and says that it is late
    network.detach(client);
    after(&mut network, 100);
    let client = network.connect(kept(V5, "c"));
    assert_eq!(left(&mut network, client), [Some(0)]);
}

/// As soon as what waited is acknowledged; a client without a session is awaited for two seconds.
#[test]
fn a_resumed_session_is_settled_when_its_queue_is_delivered() {
    let mut network = Network::new(&CoreSettings {
        settle_limit: Some(10),
        ..CoreSettings::default()
    });
    let publisher = network.client(V311, "p");
    let client = network.connect(kept(V311, "c"));
    network.subscribe(client, "t", ONE);
    network.detach(client);
    after(&mut network, 30);
    assert_eq!(network.workers[0].stats().settling, 0);
    // nothing waits
    let client = network.connect(kept(V311, "c"));
    network.tick(Duration::from_millis(1));
    assert_eq!(network.workers[0].stats().settling, 0);
    network.detach(client);
    // something waits
    network.publish(publisher, "t", "x", ONE);
    let client = network.connect(kept(V311, "c"));
    network.tick(Duration::from_secs(1));
    assert_eq!(network.workers[0].stats().settling, 1);
    network.messages(client);
    network.tick(Duration::from_secs(1));
    assert_eq!(network.workers[0].stats().settling, 0);
}
