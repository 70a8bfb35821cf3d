//! Settling, the attach queue, windows and queues.

use std::time::Duration;

use super::network::{Network, id, publish, subscribe};
use crate::codec::{
    Connect, ConnectProperties, Packet, Protocol, Publish, QoS, Subscription, encode,
};
use crate::link::frame::INITIAL_WINDOW;
use crate::link::{StreamId, ToShard};
use crate::shard::core::{CoreSettings, LinkId};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO};

fn limited(settle_limit: u32) -> Network {
    Network::new(&CoreSettings {
        settle_limit: Some(settle_limit),
        ..CoreSettings::default()
    })
}

/// The times at which the worker wants to be called, one after another.
fn follow_deadlines(network: &mut Network, until: Duration) {
    while let Some(at) = network.workers[0].next_deadline().filter(|at| *at <= until) {
        network.tick(at.saturating_sub(network.now));
    }
}

#[test]
fn clients_wait_in_order_until_others_have_settled() {
    let mut network = limited(2);
    let clients: Vec<_> = (0..6)
        .map(|number| network.connect(Connect::new(V311, format!("c{number}"))))
        .collect();
    let attached = |network: &mut Network| -> Vec<bool> {
        clients
            .iter()
            .map(|client| network.inbox(*client).connack.is_some())
            .collect()
    };
    assert_eq!(
        attached(&mut network),
        [true, true, false, false, false, false]
    );
    let stats = network.workers[0].stats();
    assert_eq!(
        (
            stats.connected,
            stats.settling,
            stats.settle_limit,
            stats.attaching
        ),
        (2, 2, 2, 4)
    );
    // two seconds without a SUBSCRIBE settle the first two
    let until = network.now + Duration::from_millis(2_100);
    follow_deadlines(&mut network, until);
    assert_eq!(
        [0, 1, 2].map(|client| network.inbox(clients[client]).settled),
        [1, 1, 0],
        "their edge hears it, once"
    );
    assert_eq!(
        attached(&mut network),
        [true, true, true, true, false, false]
    );
    // one leaves before it is settled
    network.detach(clients[2]);
    assert_eq!(
        attached(&mut network),
        [true, true, true, true, true, false]
    );
    let until = network.now + Duration::from_secs(30);
    follow_deadlines(&mut network, until);
    let stats = network.workers[0].stats();
    assert_eq!(
        (stats.connected, stats.settling, stats.attaching),
        (5, 0, 0)
    );
    assert_eq!(network.workers[0].next_deadline(), None);
}

#[test]
fn who_subscribes_is_settling() {
    let mut network = limited(1);
    let client = network.client(V311, "c");
    for number in 0..8 {
        let until = network.now + Duration::from_millis(1_500);
        follow_deadlines(&mut network, until);
        network.now = until;
        assert_eq!(
            network.workers[0].stats().settling,
            1,
            "after {number} SUBSCRIBEs"
        );
        network.subscribe(client, &format!("t/{number}"), ZERO);
    }
}

#[test]
fn a_waiting_client_may_leave_or_come_again() {
    let mut network = limited(1);
    let first = network.client(V311, "first");
    let (gone, early, other) = (
        network.connect(Connect::new(V311, "gone")),
        network.connect(Connect::new(V5, "again")),
        network.connect(Connect::new(V311, "other")),
    );
    network.frame(
        gone,
        ToShard::Cancel {
            stream: gone.stream,
        },
    );
    // the same client knocks again: its first try is over
    let again = network.connect_over(LinkId(2), Connect::new(V5, "again"));
    assert_eq!(network.inbox(early).refused.as_ref().unwrap()[3], 0x89);
    assert_eq!(network.workers[0].stats().attaching, 2);
    network.detach(first);
    assert!(network.inbox(other).connack.is_some());
    network.detach(other);
    assert!(network.inbox(again).connack.is_some());
    assert!(network.inbox(gone).connack.is_none());
}

#[test]
fn what_a_client_sends_while_it_waits_is_served_after_its_connack() {
    let mut network = limited(1);
    let first = network.client(V311, "first");
    let client = network.connect(Connect::new(V311, "eager"));
    network.send(client, &subscribe(vec![Subscription::new("t", ONE)]));
    network.send(client, &publish("t", "x", ONE));
    assert!(network.packets(client).is_empty());
    network.detach(first);
    let packets = network.packets(client);
    assert!(
        matches!(
            packets[..],
            [Packet::SubAck(_), Packet::Publish(_), Packet::PubAck(_)]
        ),
        "{packets:?}"
    );
}

#[test]
fn a_lost_link_takes_its_waiting_clients_along() {
    let mut network = limited(1);
    network.client(V311, "first");
    network.connect_over(LinkId(5), Connect::new(V311, "waiting"));
    network.input(0, crate::shard::core::Input::LinkLost(LinkId(5)));
    assert_eq!(network.workers[0].stats().attaching, 0);
}

#[test]
fn a_share_of_the_settle_limit_is_at_least_one() {
    let settings = CoreSettings {
        workers: 4,
        settle_limit: Some(2),
        ..CoreSettings::default()
    };
    let network = Network::new(&settings);
    assert!(
        network
            .workers
            .iter()
            .all(|worker| worker.stats().settle_limit == 1)
    );
}

#[test]
fn the_clients_receive_maximum_bounds_what_is_under_way() {
    let mut network = Network::with_workers(1);
    let properties = ConnectProperties {
        receive_maximum: std::num::NonZeroU16::new(3),
        ..ConnectProperties::default()
    };
    let client = network.connect(Connect {
        properties,
        ..Connect::new(V5, "c")
    });
    let publisher = network.client(V311, "p");
    network.subscribe(client, "t", ONE);
    for number in 0..5 {
        network.publish(publisher, "t", &number.to_string(), ONE);
    }
    // QoS 0 keeps its place behind them
    network.publish(publisher, "t", "5", ZERO);
    assert_eq!(network.inbox(client).packets.len(), 3);
    assert_eq!(network.workers[0].stats().queued, 3);
    assert_eq!(network.messages(client), ["t=0 q1", "t=1 q1", "t=2 q1"]);
    assert_eq!(network.messages(client), ["t=3 q1", "t=4 q1", "t=5"]);
    assert_eq!(network.workers[0].stats().queued, 0);
}

#[test]
fn a_client_that_does_not_read_gets_no_more_than_its_window_and_its_queue() {
    let mut settings = CoreSettings::default();
    settings.session.max_queued_messages = 50;
    let mut network = Network::new(&settings);
    network.reads = false;
    let (publisher, slow) = (network.client(V311, "p"), network.client(V311, "s"));
    network.subscribe(slow, "t", ZERO);
    let payload = "x".repeat(1_000);
    for _ in 0..500 {
        network.publish(publisher, "t", &payload, ZERO);
    }
    let stats = network.workers[0].stats();
    let got = network.inbox(slow).bytes;
    assert!(
        got >= INITIAL_WINDOW as usize && got < INITIAL_WINDOW as usize + 1_100,
        "{got}"
    );
    assert_eq!(stats.queued, 50);
    assert_eq!(
        stats.messages_out_total + stats.queued + stats.dropped.queue_full_qos0,
        500
    );
    // it reads: what waits comes
    let bytes = u32::try_from(got).unwrap();
    network.frame(
        slow,
        ToShard::Window {
            stream: slow.stream,
            bytes,
        },
    );
    assert_eq!(network.workers[0].stats().queued, 0);
}

#[test]
fn windows_come_back_when_packets_are_served() {
    let mut network = Network::with_workers(1);
    let client = network.client(V311, "c");
    let packet = encode(V311, &publish("t", &"x".repeat(1_000), ZERO)).unwrap();
    let mut sent = 0;
    for _ in 0..200 {
        network.raw(client, &packet);
        sent += packet.len();
        let owed = sent - network.inbox(client).window as usize;
        assert!(owed <= INITIAL_WINDOW as usize / 4, "{owed}");
    }
}

/// A subscription that always has more keeps the window full; the client's PUBACKs must come in all the same.
#[test]
fn a_busy_subscription_does_not_keep_the_client_from_sending() {
    let mut network = Network::with_workers(1);
    network.reads = false;
    let (publisher, busy) = (network.client(V311, "p"), network.client(V311, "b"));
    network.subscribe(busy, "t", ZERO);
    for _ in 0..200 {
        network.publish(publisher, "t", &"x".repeat(1_000), ZERO);
    }
    assert!(network.workers[0].stats().queued > 0);
    let window = network.inbox(busy).window;
    let pings = [0xC0, 0x00].repeat(10_000);
    network.raw(busy, &pings);
    assert!(network.inbox(busy).window > window);
}

/// Otherwise a client that sends and never reads fills the edge with its own acks.
#[test]
fn a_client_that_does_not_read_its_acks_may_not_send_on() {
    let mut network = Network::with_workers(1);
    network.reads = false;
    let client = network.client(V311, "c");
    let publish = encode(V311, &publish("t", "", ONE)).unwrap();
    let batch = publish.repeat(1_000);
    for _ in 0..40 {
        network.raw(client, &batch);
    }
    let inbox = network.inbox(client);
    let (window, bytes) = (inbox.window, inbox.bytes);
    assert!(bytes > 2 * INITIAL_WINDOW as usize);
    network.raw(client, &batch);
    assert_eq!(network.inbox(client).window, window);
    let bytes = u32::try_from(network.inbox(client).bytes).unwrap();
    network.frame(
        client,
        ToShard::Window {
            stream: client.stream,
            bytes,
        },
    );
    assert!(network.inbox(client).window > window);
}

#[test]
fn a_maximum_packet_size_is_honoured() {
    let mut network = Network::with_workers(1);
    let properties = ConnectProperties {
        maximum_packet_size: std::num::NonZeroU32::new(50),
        ..ConnectProperties::default()
    };
    let client = network.connect(Connect {
        properties,
        ..Connect::new(V5, "c")
    });
    network.subscribe(client, "t", ONE);
    // fixed header 2, topic 3, properties 1
    for (payload, fits) in [(44, true), (45, false)] {
        network.publish(client, "t", &"x".repeat(payload), ZERO);
        assert_eq!(network.messages(client).len() == 1, fits, "{payload}");
    }
    assert_eq!(network.workers[0].stats().dropped.too_large, 1);
}

#[test]
fn expired_messages_are_not_sent() {
    use crate::codec::MessageProperties;
    let mut network = Network::with_workers(1);
    network.reads = false;
    let (publisher, slow) = (network.client(V5, "p"), network.client(V5, "s"));
    network.subscribe(slow, "t", ZERO);
    network.publish(publisher, "t", &"x".repeat(INITIAL_WINDOW as usize), ZERO);
    network.packets(slow);
    for expiry in [10, 60] {
        let properties = MessageProperties {
            expiry: Some(expiry),
            ..MessageProperties::default()
        };
        let publish = Publish {
            properties: Some(properties.into()),
            ..Publish::new("t", expiry.to_string())
        };
        network.send(publisher, &Packet::Publish(publish));
    }
    network.now += Duration::from_secs(20);
    network.frame(
        slow,
        ToShard::Window {
            stream: slow.stream,
            bytes: INITIAL_WINDOW * 2,
        },
    );
    let packets = network.packets(slow);
    let [Packet::Publish(publish)] = &packets[..] else {
        panic!("{packets:?}")
    };
    assert_eq!(publish.payload, "60");
    let left = publish
        .properties
        .as_ref()
        .and_then(|properties| properties.expiry);
    assert_eq!(left, Some(40));
    assert_eq!(network.workers[0].stats().dropped.expired, 1);
}

#[test]
fn frames_of_unknown_streams_are_ignored() {
    let mut network = Network::with_workers(1);
    let client = network.client(V311, "c");
    let stranger = super::network::Client {
        stream: StreamId(4_000),
        ..client
    };
    for frame in [
        ToShard::Data {
            stream: stranger.stream,
            packets: bytes::Bytes::from_static(&[0xC0, 0x00]),
        },
        ToShard::Window {
            stream: stranger.stream,
            bytes: 10,
        },
        ToShard::Cancel {
            stream: stranger.stream,
        },
    ] {
        network.frame(stranger, frame);
    }
    network.send(
        client,
        &Packet::Publish(Publish {
            packet_id: Some(id(1)),
            qos: ONE,
            ..Publish::new("t", "x")
        }),
    );
    assert_eq!(network.packets(client).len(), 1);
}
