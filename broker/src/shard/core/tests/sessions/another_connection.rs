//! A session whose client comes over another connection.

use super::{ack, connack, kept};
use crate::codec::{Packet, Protocol, Publish, QoS, ReasonCode, Subscription};
use crate::link::CloseReason;
use crate::shard::core::LinkId;
use crate::shard::core::tests::network::{Network, disconnected, id, publish, subscribe};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO, ExactlyOnce as TWO};

/// The client comes over another edge while its first connection is open.
#[test]
fn a_session_moves_to_the_newer_connection() {
    for protocol in [V311, V5] {
        let mut network = Network::with_workers(1);
        let publisher = network.client(V311, "p");
        let old = network.connect(kept(protocol, "c"));
        network.subscribe(old, "t", ONE);
        network.publish(publisher, "t", "x", ONE);
        let unread = network.packets(old);
        let new = network.connect_over(LinkId(2), kept(protocol, "c"));
        assert!(connack(&mut network, new).session_present);
        assert_eq!(network.inbox(old).closed, Some(CloseReason::TakenOver));
        let told = if protocol == V5 {
            vec![disconnected(ReasonCode::SESSION_TAKEN_OVER)]
        } else {
            vec![]
        };
        assert_eq!(network.packets(old), told);
        let [Packet::Publish(first)] = &unread[..] else {
            panic!("{unread:?}")
        };
        let again = Publish {
            dup: true,
            ..first.clone()
        };
        assert_eq!(network.packets(new), [Packet::Publish(again)]);
        // the old stream's end is not the session's
        network.detach(old);
        network.publish(publisher, "t", "y", ONE);
        assert_eq!(network.messages(new), ["t=y q1"]);
    }
}

/// A SUBSCRIBE's answer is for the connection that it came over.
#[test]
fn a_suback_does_not_reach_another_connection() {
    let mut network = Network::with_workers(4);
    let client = network.connect(kept(V311, "c"));
    network.send_only(client, &subscribe(vec![Subscription::new("#", ONE)]));
    assert!(!network.busy().is_empty());
    let again = network.connect_only(LinkId(2), None, kept(V311, "c"));
    network.run();
    assert!(network.packets(again).is_empty());
    // but the subscription counts
    network.publish(again, "t", "x", ZERO);
    assert_eq!(network.messages(again), ["t=x"]);
}

/// A PUBACK is for the connection of its PUBLISH; of QoS 2 the new connection may ask again.
#[test]
fn answers_do_not_reach_another_connection() {
    let mut network = Network::with_workers(4);
    let watcher = network.client(V311, "w");
    network.subscribe(watcher, "#", ZERO);
    for number in 0..20 {
        let client_id = format!("c{number}");
        let client = network.connect(kept(V311, &client_id));
        network.send_only(client, &publish(&client_id, "one", ONE));
        let two = Publish {
            qos: TWO,
            packet_id: Some(id(78)),
            ..Publish::new(client_id.clone(), "two")
        };
        network.send_only(client, &Packet::Publish(two.clone()));
        network.packets(client);
        let again = network.connect_only(LinkId(2), None, kept(V311, &client_id));
        let dup = Publish { dup: true, ..two };
        network.send_only(again, &Packet::Publish(dup));
        network.run();
        assert_eq!(network.packets(again), [Packet::PubRec(ack(78))]);
        let expected = ["one", "two"].map(|payload| format!("{client_id}={payload}"));
        assert_eq!(network.messages(watcher), expected);
    }
}
