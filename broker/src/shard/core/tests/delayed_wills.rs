//! When a will with a delay is published [MQTT-3.1.3-9], MQTT 5 sections 3.1.2.5 and 3.1.4.

use std::time::Duration;

use bytes::Bytes;

use super::network::{Client, Network, disconnected};
use super::sessions::kept;
use crate::codec::{
    Connect, Disconnect, MessageProperties, Packet, Protocol, QoS, ReasonCode, Will,
};
use crate::link::ToShard;
use crate::shard::core::LinkId;

use Protocol::{V5, V311};

fn with_will(delay: u32, expiry: u32) -> Connect {
    let will = Will {
        qos: QoS::AtLeastOnce,
        retain: false,
        topic: "gone".into(),
        payload: Bytes::from_static(b"bye"),
        delay,
        properties: None,
    };
    let mut connect = kept(V5, "c");
    connect.properties.session_expiry = expiry;
    Connect {
        will: Some(will),
        ..connect
    }
}

/// The seconds from the end of the connection to the will; `None`: none came within two hours.
fn will_after(delay: u32, expiry: u32, end: impl Fn(&mut Network, Client)) -> Option<u64> {
    let mut network = Network::with_workers(3);
    let watcher = network.client(V311, "watcher");
    network.subscribe(watcher, "gone", QoS::AtLeastOnce);
    let client = network.connect(with_will(delay, expiry));
    let began = network.now;
    end(&mut network, client);
    while network.now < began + Duration::from_hours(2) {
        match &network.messages(watcher)[..] {
            [] => network.tick(Duration::from_secs(1)),
            [_] => return Some(network.now.saturating_sub(began).as_secs()),
            more => panic!("{more:?}"),
        }
    }
    None
}

fn detach(network: &mut Network, client: Client) {
    network.detach(client);
}

#[test]
fn it_comes_after_its_delay_or_with_the_end_of_the_session() {
    for (delay, expiry, expected) in [
        (0, 60, 0),
        (30, 60, 30),
        (60, 60, 60),
        (90, 60, 60),
        (30, 0, 0),
    ] {
        let came = will_after(delay, expiry, detach);
        assert_eq!(came, Some(expected), "delay {delay}, expiry {expiry}");
    }
}

#[test]
fn a_disconnect_keeps_or_removes_it() {
    let with = |code, session_expiry| {
        move |network: &mut Network, client| {
            let disconnect = Disconnect {
                code,
                session_expiry,
                ..Disconnect::default()
            };
            network.send(client, &Packet::Disconnect(disconnect));
        }
    };
    let (normal, will) = (ReasonCode::SUCCESS, ReasonCode::DISCONNECT_WITH_WILL);
    assert_eq!(will_after(30, 60, with(normal, None)), None);
    assert_eq!(will_after(30, 60, with(will, None)), Some(30));
    assert_eq!(will_after(30, 60, with(will, Some(10))), Some(10));
    assert_eq!(will_after(30, 60, with(will, Some(0))), Some(0));
}

#[test]
fn a_client_that_comes_back_in_time_takes_it_along() {
    let back = |delay, clean_start| {
        will_after(delay, 60, move |network, client| {
            network.detach(client);
            network.tick(Duration::from_secs(10));
            network.connect(Connect {
                clean_start,
                ..kept(V5, "c")
            });
        })
    };
    assert_eq!(back(30, false), None);
    // the session has ended
    assert_eq!(back(30, true), Some(10));
    // it came before
    assert_eq!(back(5, false), Some(10));
}

#[test]
fn a_takeover_publishes_it_unless_the_session_goes_on_in_time() {
    for (delay, expiry, clean_start, expected) in [
        (0, 60, false, Some(0)),
        (30, 60, false, None),
        (30, 60, true, Some(0)),
        (30, 0, false, Some(0)),
    ] {
        let came = will_after(delay, expiry, |network, _| {
            let connect = Connect {
                clean_start,
                ..kept(V5, "c")
            };
            network.connect_over(LinkId(2), connect);
        });
        let row = format!("delay {delay}, expiry {expiry}, clean start {clean_start}");
        assert_eq!(came, expected, "{row}");
    }
}

#[test]
fn who_was_never_attached_has_none() {
    let came = will_after(30, 60, |network, client| {
        let stream = client.stream;
        network.frame(client, ToShard::Cancel { stream });
    });
    assert_eq!(came, None);
}

/// An error of the client is no DISCONNECT of its own.
#[test]
fn garbage_does_not_remove_it() {
    let came = will_after(30, 60, |network, client| {
        network.raw(client, &[0xFF, 0x00]);
        let told = disconnected(ReasonCode::MALFORMED_PACKET);
        assert_eq!(network.packets(client), [told]);
    });
    assert_eq!(came, Some(30));
}

#[test]
fn its_properties_go_along_and_its_expiry_begins_when_it_is_published() {
    let properties = MessageProperties {
        expiry: Some(5),
        content_type: Some("text".into()),
        user: vec![("a".into(), "b".into())],
        ..MessageProperties::default()
    };
    let mut connect = with_will(30, 60);
    if let Some(will) = &mut connect.will {
        will.properties = Some(properties.clone().into());
    }
    let mut network = Network::with_workers(1);
    let watcher = network.client(V5, "watcher");
    network.subscribe(watcher, "gone", QoS::AtMostOnce);
    let client = network.connect(connect);
    network.detach(client);
    network.tick(Duration::from_secs(30));
    let packets = network.packets(watcher);
    let [Packet::Publish(will)] = &packets[..] else {
        panic!("{packets:?}")
    };
    assert_eq!(will.properties.as_deref(), Some(&properties));
}
