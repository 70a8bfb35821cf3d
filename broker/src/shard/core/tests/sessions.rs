//! Sessions that outlive their connection.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use super::network::{Client, Network, disconnected, id, publish, show, subscribe};
use crate::codec::{
    Ack, ConnAck, Connect, ConnectProperties, Disconnect, MessageProperties, Packet, Protocol,
    Publish, QoS, ReasonCode, Subscription,
};
use crate::link::{CloseReason, ToShard};
use crate::shard::core::{CoreSettings, Input, LinkId, WorkerCore, WorkerStats};

use Protocol::{V5, V311};
use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO, ExactlyOnce as TWO};

fn ack(number: u16) -> Ack {
    Ack::new(id(number), ReasonCode::SUCCESS)
}

/// A CONNECT that wants its session kept for an hour, and the one that it left.
pub(super) fn kept(protocol: Protocol, client_id: &str) -> Connect {
    Connect {
        clean_start: false,
        properties: ConnectProperties {
            session_expiry: if protocol == V5 { 3_600 } else { 0 },
            request_problem_information: false,
            ..ConnectProperties::default()
        },
        ..Connect::new(protocol, client_id)
    }
}

fn connack(network: &mut Network, client: Client) -> ConnAck {
    match network.inbox(client).connack.clone() {
        Some(Packet::ConnAck(ack)) => *ack,
        other => panic!("{other:?}"),
    }
}

/// Connects and says whether there was a session.
fn come(network: &mut Network, connect: Connect) -> (Client, bool) {
    let client = network.connect(connect);
    let present = connack(network, client).session_present;
    (client, present)
}

fn after(network: &mut Network, seconds: u64) {
    network.tick(Duration::from_secs(seconds));
}

#[test]
fn a_session_goes_on_without_its_client() {
    for workers in [1, 3] {
        for protocol in [V311, V5] {
            let mut network = Network::with_workers(workers);
            let publisher = network.client(V311, "p");
            let (client, present) = come(&mut network, kept(protocol, "c"));
            assert!(!present);
            for (filter, qos) in [("0", ZERO), ("1", ONE), ("2", TWO)] {
                network.subscribe(client, filter, qos);
            }
            network.detach(client);
            for topic in ["0", "1", "2"] {
                network.publish(publisher, topic, "x", TWO);
            }
            let stats: Vec<_> = network.workers.iter().map(WorkerCore::stats).collect();
            let sum = |of: fn(&WorkerStats) -> u64| -> u64 { stats.iter().map(of).sum() };
            assert_eq!(sum(|it| it.kept), 1);
            assert_eq!(sum(|it| it.connected.into()), 1);
            assert_eq!((sum(|it| it.queued), sum(|it| it.queued_bytes)), (2, 4));
            // QoS 0 promises nothing to who is away
            assert_eq!(sum(|it| it.dropped.offline), 1);

            let (client, present) = come(&mut network, kept(protocol, "c"));
            assert!(present);
            let mut messages = network.messages(client);
            messages.sort();
            assert_eq!(messages, ["1=x q1", "2=x q2"]);
            network.publish(publisher, "0", "live", ZERO);
            assert_eq!(network.messages(client), ["0=live"]);
            let stats = network.workers[usize::from(client.worker)].stats();
            let levels = (stats.kept, stats.queued, stats.queued_bytes);
            assert_eq!((levels, stats.resumed_total), ((0, 0, 0), 1));
        }
    }
}

#[test]
fn a_clean_start_leaves_nothing_of_it() {
    for protocol in [V311, V5] {
        let mut network = Network::with_workers(2);
        let publisher = network.client(V311, "p");
        let client = network.connect(kept(protocol, "c"));
        network.subscribe(client, "t", TWO);
        network.detach(client);
        network.publish(publisher, "t", "x", TWO);
        let (client, present) = come(&mut network, Connect::new(protocol, "c"));
        assert!(!present);
        network.publish(publisher, "t", "y", TWO);
        assert!(network.packets(client).is_empty());
        network.detach(client);
        let left = |it: &WorkerCore| {
            let stats = it.stats();
            (stats.kept, stats.queued, stats.queued_bytes)
        };
        assert!(network.workers.iter().all(|it| left(it) == (0, 0, 0)));
        // a clean session is not kept
        let (_, present) = come(&mut network, kept(protocol, "c"));
        assert!(!present);
    }
}

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

/// Whoever proved a name finds nothing that somebody else has prepared.
#[test]
fn a_session_is_its_principals() {
    for (holder, newcomer, goes_on) in [
        (None, None, true),
        (Some("gw"), Some("gw"), true),
        (None, Some("gw"), false),
    ] {
        let mut network = Network::with_workers(1);
        let client = network.connect_as(LinkId(1), holder, kept(V5, "c"));
        network.subscribe(client, "t", ONE);
        network.detach(client);
        let client = network.connect_as(LinkId(1), newcomer, kept(V5, "c"));
        let present = connack(&mut network, client).session_present;
        assert_eq!(present, goes_on, "{newcomer:?} after {holder:?}");
    }
    let mut network = Network::with_workers(1);
    let client = network.connect_as(LinkId(1), Some("gw"), kept(V5, "c"));
    network.detach(client);
    let stranger = network.connect_as(LinkId(1), None, kept(V5, "c"));
    assert_eq!(network.inbox(stranger).refused.as_ref().unwrap()[3], 0x85);
}

#[test]
fn a_lost_link_and_a_shutdown_keep_sessions() {
    let mut network = Network::with_workers(1);
    let clean = network.connect_over(LinkId(7), Connect::new(V5, "clean"));
    network.connect_over(LinkId(7), kept(V5, "kept"));
    network.input(0, Input::LinkLost(LinkId(7)));
    let stats = network.workers[0].stats();
    assert_eq!((stats.connected, stats.kept), (0, 1));
    assert_eq!(network.inbox(clean).closed, None);
    let again = network.connect(kept(V5, "kept"));
    assert!(connack(&mut network, again).session_present);
    // one close for one client that is asked for, whoever is away
    let away = network.connect(kept(V5, "away"));
    network.detach(away);
    network.input(0, Input::Shutdown { clients: 1 });
    assert_eq!(network.inbox(again).closed, Some(CloseReason::ShuttingDown));
    let stats = network.workers[0].stats();
    assert_eq!((stats.connected, stats.kept), (0, 2));
}

#[test]
fn a_client_that_leaves_before_its_connack_leaves_its_session() {
    let mut network = Network::with_workers(1);
    let client = network.connect(kept(V5, "c"));
    let stream = client.stream;
    network.frame(client, ToShard::Cancel { stream });
    assert_eq!(network.workers[0].stats().kept, 1);
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
