//! How long sessions are kept, how many of them, and how much waits for them.

use std::time::Duration;

use super::{after, come, connack, kept};
use crate::codec::{Disconnect, Packet, Protocol, QoS};
use crate::link::CloseReason;
use crate::shard::core::tests::network::Network;
use crate::shard::core::{CoreSettings, Input};

use Protocol::{V5, V311};
use QoS::AtLeastOnce as ONE;

#[test]
fn a_session_ends_when_its_time_is_over() {
    for (protocol, seconds) in [(V5, 3_600), (V311, 5_000)] {
        for comes_in_time in [true, false] {
            let mut network = Network::new(&CoreSettings {
                max_session_expiry: 5_000,
                ..CoreSettings::default()
            });
            let client = network.connect(kept(protocol, "c"));
            network.subscribe(client, "t", ONE);
            network.detach(client);
            // the first look is at a settling client that is gone
            network.tick(Duration::from_secs(2));
            let ends = network.workers[0].next_deadline().unwrap();
            let away = (ends + Duration::from_secs(2)).saturating_sub(network.now);
            assert_eq!(away, Duration::from_secs(seconds));
            let seconds = seconds - 2;
            after(&mut network, seconds - u64::from(comes_in_time));
            let (_, present) = come(&mut network, kept(protocol, "c"));
            assert_eq!(present, comes_in_time, "{protocol:?}");
            let stats = network.workers[0].stats();
            assert_eq!(stats.expired_total, u64::from(!comes_in_time));
            assert_eq!(stats.subscriptions, u64::from(comes_in_time));
        }
    }
}

#[test]
fn the_cap_is_told_where_it_changes_something() {
    for (cap, asked, told) in [
        (5_000, 0, None),
        (5_000, 60, None),
        (5_000, 5_001, Some(5_000)),
        (5_000, u32::MAX, Some(5_000)),
        (u32::MAX, u32::MAX, None),
        (0, 60, Some(0)),
    ] {
        let mut network = Network::new(&CoreSettings {
            max_session_expiry: cap,
            ..CoreSettings::default()
        });
        let mut connect = kept(V5, "c");
        connect.properties.session_expiry = asked;
        let client = network.connect(connect);
        let ack = connack(&mut network, client);
        assert_eq!(ack.properties.session_expiry, told, "{asked} under {cap}");
        network.detach(client);
        let kept = asked > 0 && cap > 0;
        assert_eq!(network.workers[0].stats().kept, u64::from(kept));
    }
}

/// A client is told; who was promised to be kept is not touched.
#[test]
fn beyond_the_bound_sessions_are_not_kept() {
    let mut network = Network::new(&CoreSettings {
        max_kept_sessions: 2,
        ..CoreSettings::default()
    });
    let first = network.connect(kept(V5, "first"));
    let second = network.connect(kept(V311, "second"));
    network.detach(first);
    let third = network.connect(kept(V5, "third"));
    let told = |network: &mut Network, client| connack(network, client).properties.session_expiry;
    assert_eq!(told(&mut network, third), Some(0));
    network.detach(third);
    assert_eq!(network.workers[0].stats().kept, 1);
    assert_eq!(network.workers[0].stats().not_kept_total, 1);
    // it has its place already
    let (first, present) = come(&mut network, kept(V5, "first"));
    assert!(present);
    assert_eq!(told(&mut network, first), None);
    // an end makes room
    let end = Disconnect {
        session_expiry: Some(0),
        ..Disconnect::default()
    };
    network.send(first, &Packet::Disconnect(end));
    network.detach(second);
    let third = network.connect(kept(V5, "third"));
    assert_eq!(told(&mut network, third), None);
}

#[test]
fn a_disconnect_changes_the_expiry() {
    for (asked, told, ends_after) in [
        (3_600, Some(0), None),
        (3_600, Some(60), Some(60)),
        (3_600, None, Some(3_600)),
        (3_600, Some(u32::MAX), Some(7 * 86_400)),
        (0, Some(0), None),
    ] {
        let mut network = Network::with_workers(1);
        let mut connect = kept(V5, "c");
        connect.properties.session_expiry = asked;
        let client = network.connect(connect);
        let left_at = network.now;
        let disconnect = Disconnect {
            session_expiry: told,
            ..Disconnect::default()
        };
        network.send(client, &Packet::Disconnect(disconnect));
        let closed = network.inbox(client).closed;
        assert_eq!(closed, Some(CloseReason::Disconnected));
        assert_eq!(
            network.workers[0].stats().kept,
            u64::from(ends_after.is_some())
        );
        if let Some(seconds) = ends_after {
            after(&mut network, seconds - 1);
            assert_eq!(network.workers[0].stats().kept, 1);
            after(&mut network, 1);
            assert_eq!(network.workers[0].stats().kept, 0);
            assert!(network.now >= left_at + Duration::from_secs(seconds));
        }
    }
}

#[test]
fn many_that_left_together_do_not_end_in_one_turn() {
    let mut network = Network::with_workers(1);
    for number in 0..600 {
        let client = network.connect(kept(V5, &format!("c{number}")));
        network.detach(client);
    }
    network.now += Duration::from_hours(1);
    for left in [344, 88, 0] {
        assert!(network.workers[0].next_deadline().unwrap() <= network.now);
        network.input(0, Input::Tick);
        assert_eq!(network.workers[0].stats().kept, left);
    }
}

#[test]
fn what_waits_for_all_clients_is_bounded() {
    let mut network = Network::new(&CoreSettings {
        max_queued_bytes: 1_000,
        ..CoreSettings::default()
    });
    let publisher = network.client(V311, "p");
    let clients = ["a", "b", "c"].map(|client_id| {
        let client = network.connect(kept(V311, client_id));
        network.subscribe(client, "t", ONE);
        network.detach(client);
    });
    let payload = "x".repeat(199);
    for _ in 0..3 {
        network.publish(publisher, "t", &payload, ONE);
    }
    let stats = network.workers[0].stats();
    assert_eq!((stats.queued, stats.queued_bytes), (5, 1_000));
    assert_eq!(stats.dropped.queue_full_qos1, 4);
    assert_eq!(clients.len(), 3);
    // who is there is served all the same
    let live = network.client(V311, "live");
    network.subscribe(live, "t", ONE);
    network.publish(publisher, "t", &payload, ONE);
    assert_eq!(network.messages(live).len(), 1);
    for client_id in ["a", "b", "c"] {
        let client = network.connect(kept(V311, client_id));
        network.messages(client);
    }
    let stats = network.workers[0].stats();
    assert_eq!((stats.queued, stats.queued_bytes), (0, 0));
}
