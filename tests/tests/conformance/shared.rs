//! Shared subscriptions (section 4.8.2).

use herdgate_tests::mqtt::PUBACK;
use herdgate_tests::wire::{
    Connect, PUBCOMP, PUBREC, PUBREL, Peer, Properties, Publish, SUBSCRIBE, Version, ack, ack_with,
    request, wishes,
};

use super::world::{World, fresh, world};

#[test]
fn a_share_name_is_one_level_and_a_filter_follows() {
    proves!("MQTT-4.8.2-1", "MQTT-4.8.2-2");
    let Some(world) = world() else { return };
    let mut peer = world.client(Version::V5);
    for filter in [
        "$share/",
        "$share//t",
        "$share/g",
        "$share/g/",
        "$share/g+/t",
        "$share/+/t",
        "$share/#/t",
        "$share/g#/t",
        "$share/#",
        "$share/g/a#",
    ] {
        assert_eq!(peer.subscribe(filter, 0), 0x8F, "{filter}");
    }
    for filter in [
        format!("$share/g/{}", fresh("t")),
        format!("$share/g//{}/#", fresh("t")),
    ] {
        assert_eq!(peer.subscribe(&filter, 1), 1, "{filter}");
    }
}

#[test]
fn no_local_on_a_shared_subscription_ends_the_connection() {
    proves!("MQTT-3.8.3-4");
    let Some(world) = world() else { return };
    let mut peer = world.client(Version::V5);
    let list = wishes(&[("$share/g/t", 0x04)]);
    peer.send(&request(
        Version::V5,
        SUBSCRIBE | 2,
        1,
        &Properties::new(),
        &list,
    ));
    peer.ended(&[0x82]);
}

/// A member of group `g` on `topic` whose session is kept.
fn member(world: &World, client_id: &str, topic: &str, qos: u8) -> Peer {
    let mut peer = world.enter(&Connect::new(Version::V5, client_id).kept_for(600));
    assert_eq!(peer.subscribe(&format!("$share/g/{topic}"), qos), qos);
    peer
}

#[test]
fn each_message_goes_to_one_member_at_its_qos() {
    proves!("MQTT-4.8.2-3");
    let Some(world) = world() else { return };
    let topic = fresh("share");
    let mut members = [0, 1, 0].map(|qos| (member(world, &fresh("m"), &topic, qos), qos, 0));
    let mut other = world.client(Version::V5);
    other.subscribe(&format!("$share/h/{topic}"), 1);
    let mut single = world.subscriber(Version::V5, &topic, 1);
    let mut publisher = world.client(Version::V5);
    for number in 0..30 {
        publisher.publish_acked(&Publish::new(&topic, number.to_string()));
    }
    // another group and a plain subscription have all of them, in order
    for peer in [&mut other, &mut single] {
        for number in 0..30 {
            assert_eq!(peer.receive_acked().text(), number.to_string());
        }
    }
    for (peer, _, _) in &mut members {
        let id = peer.next_id();
        peer.publish(&Publish::new(fresh("nobody"), "").qos(1, id));
    }
    let mut all = Vec::new();
    for (peer, qos, count) in &mut members {
        // the PUBACK comes behind what was delivered before
        loop {
            let packet = peer.read();
            if packet.kind() == PUBACK {
                break;
            }
            let publish = Publish::read(Version::V5, &packet);
            assert_eq!(publish.qos, *qos);
            if publish.qos == 1 {
                peer.send(&ack(PUBACK, publish.id));
            }
            all.push(publish.text().parse::<u32>().unwrap());
            *count += 1;
        }
    }
    all.sort_unstable();
    assert_eq!(all, (0..30).collect::<Vec<_>>());
    assert!(
        members.iter().all(|(_, _, count)| *count > 0),
        "one did nothing"
    );
}

fn publish_2(publisher: &mut Peer, topic: &str, text: &str) {
    let id = publisher.next_id();
    publisher.publish(&Publish::new(topic, text).qos(2, id));
    publisher.answer(PUBREC, id);
    publisher.send(&ack(PUBREL, id));
    publisher.answer(PUBCOMP, id);
}

#[test]
fn qos_2_is_finished_with_the_member_that_had_it() {
    proves!("MQTT-4.8.2-4");
    let Some(world) = world() else { return };
    let (topic, client_id) = (fresh("share"), fresh("m"));
    let mut one = member(world, &client_id, &topic, 2);
    let mut publisher = world.client(Version::V5);
    publish_2(&mut publisher, &topic, "begun");
    let begun = one.receive();
    one.vanish();
    let mut two = member(world, &fresh("m"), &topic, 2);
    let fence = fresh("fence");
    two.subscribe(&fence, 0);
    publisher.publish_acked(&Publish::new(&fence, "fence"));
    assert_eq!(two.receive().text(), "fence");
    let mut one = world.enter(&Connect::new(Version::V5, &client_id).kept_for(600));
    let again = one.receive();
    assert_eq!(
        (again.text(), again.id, again.dup),
        ("begun", begun.id, true)
    );
    one.send(&ack(PUBREC, begun.id));
    assert_eq!(one.read().first, PUBREL | 2);
    one.send(&ack(PUBCOMP, begun.id));
    one.round_trip();
}

#[test]
fn the_end_of_a_members_session_is_the_end_of_its_message() {
    proves!("MQTT-4.8.2-5");
    let Some(world) = world() else { return };
    let (topic, client_id) = (fresh("share"), fresh("m"));
    let mut one = member(world, &client_id, &topic, 2);
    let mut publisher = world.client(Version::V5);
    publish_2(&mut publisher, &topic, "begun");
    assert_eq!(one.receive().text(), "begun");
    let mut two = member(world, &fresh("m"), &topic, 2);
    one.vanish();
    // a clean start ends the session
    world.enter(&Connect::new(Version::V5, &client_id)).leave();
    let fence = fresh("fence");
    two.subscribe(&fence, 0);
    publisher.publish_acked(&Publish::new(&fence, "fence"));
    assert_eq!(two.receive().text(), "fence");
}

#[test]
fn a_refused_message_goes_to_nobody_else() {
    proves!("MQTT-4.8.2-6");
    let Some(world) = world() else { return };
    let topic = fresh("share");
    let mut one = member(world, &fresh("m"), &topic, 1);
    let mut publisher = world.client(Version::V5);
    publisher.publish_acked(&Publish::new(&topic, "unwanted"));
    let unwanted = one.receive();
    let mut two = member(world, &fresh("m"), &topic, 1);
    one.send(&ack_with(PUBACK, unwanted.id, 0x83));
    one.round_trip();
    one.leave();
    let fence = fresh("fence");
    two.subscribe(&fence, 0);
    publisher.publish_acked(&Publish::new(&fence, "fence"));
    assert_eq!(two.receive().text(), "fence");
}
