//! What a PUBLISH of version 5 carries along (section 3.3.2.3).

use std::thread;
use std::time::{Duration, Instant};

use herdgate_tests::mqtt::PUBACK;
use herdgate_tests::wire::{Connect, Properties, Publish, Version, ack, id};

use super::world::{fresh, world};

/// Sends `properties` with a message and returns those that a subscriber gets.
fn through(properties: Properties) -> Option<Properties> {
    let world = world()?;
    let topic = fresh("with");
    let mut peer = world.subscriber(Version::V5, &topic, 0);
    peer.publish(&Publish::new(&topic, "x").with(properties));
    Some(peer.receive().properties)
}

#[test]
fn the_payload_format_goes_through() {
    proves!("MQTT-3.3.2-4");
    for value in [0, 1] {
        let sent = Properties::new().byte(id::PAYLOAD_FORMAT, value);
        let Some(came) = through(sent) else { return };
        // left out is 0
        assert_eq!(
            came.value(id::PAYLOAD_FORMAT).unwrap_or(0),
            u32::from(value)
        );
    }
}

#[test]
fn response_topic_and_correlation_data_go_through() {
    proves!("MQTT-3.3.2-15", "MQTT-3.3.2-16");
    let data: Vec<u8> = (0..=255).collect();
    let sent = Properties::new()
        .text(id::RESPONSE_TOPIC, "answers/\u{FEFF}to/me")
        .text(id::CORRELATION_DATA, &data);
    let Some(came) = through(sent) else { return };
    assert_eq!(
        came.get(id::RESPONSE_TOPIC),
        Some("answers/\u{FEFF}to/me".as_bytes())
    );
    assert_eq!(came.get(id::CORRELATION_DATA), Some(&data[..]));
}

#[test]
fn user_properties_go_through_in_their_order() {
    proves!("MQTT-3.3.2-17", "MQTT-3.3.2-18");
    let mut sent = Properties::new();
    for (name, value) in [
        ("z", "1"),
        ("a", "2"),
        ("z", "1"),
        ("", ""),
        ("a", "\u{1F411}"),
        ("z", "0"),
    ] {
        sent = sent.user(name, value);
    }
    let Some(came) = through(sent.clone()) else {
        return;
    };
    assert_eq!(came.all(id::USER_PROPERTY), sent.all(id::USER_PROPERTY));
}

#[test]
fn the_content_type_goes_through() {
    proves!("MQTT-3.3.2-20");
    let sent = Properties::new().text(id::CONTENT_TYPE, "application/json; charset=\u{FC}");
    let Some(came) = through(sent) else { return };
    let expected = "application/json; charset=\u{FC}".as_bytes();
    assert_eq!(came.get(id::CONTENT_TYPE), Some(expected));
}

#[test]
fn a_wildcard_in_a_response_topic_ends_the_connection() {
    proves!("MQTT-3.3.2-14");
    let Some(world) = world() else { return };
    for topic in ["#", "a/+", "a+"] {
        let mut peer = world.client(Version::V5);
        let properties = Properties::new().text(id::RESPONSE_TOPIC, topic);
        peer.publish(&Publish::new("t", "x").with(properties));
        peer.ended(&[0x82, 0x90]);
    }
}

#[test]
fn a_waiting_message_expires() {
    proves!("MQTT-3.3.2-5");
    let Some(world) = world() else { return };
    let topic = fresh("expiry");
    let one_at_a_time = Properties::new().two(id::RECEIVE_MAXIMUM, 1);
    let mut slow = world.enter(&Connect::new(Version::V5, fresh("e")).with(one_at_a_time));
    slow.subscribe(&topic, 1);
    let mut publisher = world.client(Version::V5);
    let began = Instant::now();
    for (text, seconds) in [("first", 600), ("expires", 1), ("stays", 600)] {
        let properties = Properties::new().four(id::MESSAGE_EXPIRY, seconds);
        publisher.publish_acked(&Publish::new(&topic, text).with(properties));
    }
    let first = slow.receive();
    assert_eq!(first.text(), "first");
    thread::sleep(Duration::from_millis(1_500).saturating_sub(began.elapsed()));
    slow.send(&ack(PUBACK, first.id));
    assert_eq!(slow.receive_acked().text(), "stays");
    // and what is retained
    let soon = Properties::new().four(id::MESSAGE_EXPIRY, 1);
    publisher.publish_acked(&Publish::new(&topic, "retained").retain().with(soon));
    assert_eq!(slow.receive_acked().text(), "retained");
    thread::sleep(Duration::from_millis(1_500));
    let mut late = world.subscriber(Version::V5, &topic, 0);
    publisher.publish_acked(&Publish::new(&topic, "fence"));
    assert_eq!(late.receive().text(), "fence");
}

#[test]
fn the_expiry_is_less_the_time_waited() {
    proves!("MQTT-3.3.2-6");
    let Some(world) = world() else { return };
    let topic = fresh("expiry");
    let mut publisher = world.client(Version::V5);
    let properties = Properties::new().four(id::MESSAGE_EXPIRY, 600);
    let began = Instant::now();
    publisher.publish_acked(&Publish::new(&topic, "waits").retain().with(properties));
    let mut at_once = world.subscriber(Version::V5, &topic, 0);
    let left = at_once
        .receive()
        .properties
        .value(id::MESSAGE_EXPIRY)
        .unwrap();
    let waited = u32::try_from(began.elapsed().as_secs()).unwrap();
    assert!((599 - waited..=600).contains(&left), "{left}");
    thread::sleep(Duration::from_millis(2_100));
    let mut later = world.subscriber(Version::V5, &topic, 0);
    let left = later
        .receive()
        .properties
        .value(id::MESSAGE_EXPIRY)
        .unwrap();
    let waited = u32::try_from(began.elapsed().as_secs()).unwrap();
    assert!((599 - waited..=598).contains(&left), "{left}");
}
