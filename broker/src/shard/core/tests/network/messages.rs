//! What clients ask for, send and get, in words short enough for tests.

use super::{Client, Network, id};
use crate::codec::{
    Ack, Disconnect, Packet, PacketId, Publish, QoS, ReasonCode, Subscribe, Subscription,
    Unsubscribe,
};

impl Network {
    /// Subscribes and takes the SUBACK.
    pub(in crate::shard::core::tests) fn subscribe(
        &mut self,
        client: Client,
        filter: &str,
        qos: QoS,
    ) {
        self.send(client, &subscribe(vec![Subscription::new(filter, qos)]));
        let suback = self
            .inbox(client)
            .packets
            .iter()
            .position(|packet| matches!(packet, Packet::SubAck(_)));
        let suback = suback.and_then(|at| self.inbox(client).packets.remove(at));
        let Some(Packet::SubAck(suback)) = suback else {
            panic!("no SUBACK for {filter}")
        };
        assert_eq!(suback.codes, [ReasonCode(qos as u8)], "{filter}");
    }

    pub(in crate::shard::core::tests) fn unsubscribe(&mut self, client: Client, filter: &str) {
        let unsubscribe = Unsubscribe {
            packet_id: id(2),
            filters: vec![filter.into()],
            user: Vec::new(),
        };
        self.send(client, &Packet::Unsubscribe(unsubscribe));
        let Some(Packet::UnsubAck(_)) = self.inbox(client).packets.pop_back() else {
            panic!("no UNSUBACK")
        };
    }

    pub(in crate::shard::core::tests) fn publish(
        &mut self,
        client: Client,
        topic: &str,
        payload: &str,
        qos: QoS,
    ) {
        self.send(client, &publish(topic, payload, qos));
        if qos == QoS::ExactlyOnce {
            self.send(
                client,
                &Packet::PubRel(Ack::new(id(77), ReasonCode::SUCCESS)),
            );
        }
    }

    pub(in crate::shard::core::tests) fn retain(
        &mut self,
        client: Client,
        topic: &str,
        payload: &str,
    ) {
        self.send(
            client,
            &Packet::Publish(Publish {
                retain: true,
                ..Publish::new(topic, payload.to_owned())
            }),
        );
    }

    /// PUBACK, or PUBREC and PUBCOMP with the PUBREL between them.
    fn take(&mut self, client: Client, qos: QoS, packet_id: PacketId) {
        let ack = || Ack::new(packet_id, ReasonCode::SUCCESS);
        if qos == QoS::AtLeastOnce {
            self.send(client, &Packet::PubAck(ack()));
            return;
        }
        self.send(client, &Packet::PubRec(ack()));
        let packets = &mut self.inbox(client).packets;
        let release = packets
            .iter()
            .position(|packet| *packet == Packet::PubRel(ack()));
        packets.remove(release.expect("a PUBREL"));
        self.send(client, &Packet::PubComp(ack()));
    }

    /// The messages that came, as `topic=payload`, with `!` for the retain flag and the QoS if not 0. QoS 1 and 2 are
    /// acknowledged.
    pub(in crate::shard::core::tests) fn messages(&mut self, client: Client) -> Vec<String> {
        let mut messages = Vec::new();
        for packet in self.packets(client) {
            let Packet::Publish(publish) = packet else {
                panic!("{packet:?} is no message")
            };
            messages.push(show(&publish));
            if let Some(packet_id) = publish.packet_id {
                self.take(client, publish.qos, packet_id);
            }
        }
        messages
    }
}

pub(in crate::shard::core::tests) fn show(publish: &Publish) -> String {
    let qos = if publish.qos == QoS::AtMostOnce {
        String::new()
    } else {
        format!(" q{}", publish.qos as u8)
    };
    let flag = if publish.retain { "!" } else { "" };
    format!(
        "{}={}{flag}{qos}",
        publish.topic,
        String::from_utf8_lossy(&publish.payload)
    )
}

pub(in crate::shard::core::tests) fn subscribe(filters: Vec<Subscription>) -> Packet {
    Packet::Subscribe(Subscribe {
        packet_id: id(1),
        subscription_id: None,
        filters,
        user: Vec::new(),
    })
}

pub(in crate::shard::core::tests) fn publish(topic: &str, payload: &str, qos: QoS) -> Packet {
    let packet_id = (qos > QoS::AtMostOnce).then(|| id(77));
    Packet::Publish(Publish {
        qos,
        packet_id,
        ..Publish::new(topic, payload.to_owned())
    })
}

pub(in crate::shard::core::tests) fn disconnected(code: ReasonCode) -> Packet {
    Packet::Disconnect(Disconnect::new(code))
}
