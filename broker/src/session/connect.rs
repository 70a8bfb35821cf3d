//! From an `Attach` to a session and its CONNACK, or to a refusal.

use std::collections::HashMap;
use std::num::NonZeroU16;

use bytes::Bytes;

use super::acks::Acks;
use super::explain;
use super::flow::Inflow;
use super::memberships::Memberships;
use super::{LimitsMet, Outbound, Session, SessionLimits, TopicLimits};
use crate::codec::{
    self, ConnAck, ConnAckProperties, Connect, Packet, Protocol, QoS, ReasonCode, Will,
};
use crate::link::Attach;
use crate::routing::TopicName;

/// A client that is let in.
#[derive(Debug)]
pub struct Opened {
    pub session: Session,
    pub connack: Bytes,
}

/// More QoS 1 messages are never under way to one client, whatever Receive Maximum it names: their ids are kept.
const MOST_INFLIGHT: u16 = 1_024;

/// `Err`: the CONNACK of the refusal; empty where the standard has no code for it and the connection is just closed
/// [MQTT-3.2.2-6 of 3.1.1].
pub fn open(attach: &Attach, limits: SessionLimits) -> Result<Opened, Bytes> {
    let connect = match codec::decode(attach.protocol, &attach.connect) {
        Ok(Packet::Connect(connect)) => connect,
        Ok(_) => return Err(refusal(attach.protocol, ReasonCode::PROTOCOL_ERROR)),
        Err(error) => return Err(refusal(attach.protocol, error.reason())),
    };
    if connect.properties.authentication_method.is_some() {
        return Err(explained_refusal(
            &connect,
            ReasonCode::BAD_AUTHENTICATION_METHOD,
        ));
    }
    let will = connect.will.as_ref();
    if let Some(code) = will.and_then(|will| will_refusal(will, limits.topics)) {
        return Err(explained_refusal(&connect, code));
    }
    let connack = encode(
        attach.protocol,
        ConnAck {
            properties: connack(attach, &connect, limits),
            ..success()
        },
    );
    if !takes(&connect, &connack) {
        return Err(Bytes::new());
    }
    Ok(Opened {
        session: session(attach, *connect, limits),
        connack,
    })
}

/// For a client that comes while the shard goes.
pub fn refusal_shutting_down(protocol: Protocol) -> Bytes {
    refusal(protocol, ReasonCode::SERVER_UNAVAILABLE)
}

/// For a client that finds the attach queue full.
pub fn refusal_too_many(protocol: Protocol) -> Bytes {
    refusal(protocol, ReasonCode::SERVER_BUSY)
}

/// For a client whose id another principal uses.
pub fn refusal_not_yours(attach: &Attach) -> Bytes {
    let code = ReasonCode::CLIENT_IDENTIFIER_NOT_VALID;
    match codec::decode(attach.protocol, &attach.connect) {
        Ok(Packet::Connect(connect)) => explained_refusal(&connect, code),
        _ => refusal(attach.protocol, code),
    }
}

fn will_refusal(will: &Will, limits: TopicLimits) -> Option<ReasonCode> {
    if will.qos == QoS::ExactlyOnce {
        // [MQTT-3.2.2-12]; 3.1.1 has no code
        return Some(ReasonCode::QOS_NOT_SUPPORTED);
    }
    let response = will
        .properties
        .as_ref()
        .and_then(|properties| properties.response_topic.clone());
    let topics = [Some(will.topic.clone()), response];
    let invalid = topics
        .into_iter()
        .flatten()
        .any(|topic| !limits.allow(&topic) || TopicName::new(topic).is_err());
    if invalid {
        return Some(ReasonCode::TOPIC_NAME_INVALID);
    }
    let forbidden = TopicName::new(will.topic.clone()).is_ok_and(|topic| topic.is_servers());
    forbidden.then_some(ReasonCode::NOT_AUTHORIZED)
}

/// With a reason, if the client wants one and takes a CONNACK of that size [MQTT-3.2.2-19].
fn explained_refusal(connect: &Connect, code: ReasonCode) -> Bytes {
    let wanted = connect.protocol == Protocol::V5 && connect.properties.request_problem_information;
    let ack = Packet::ConnAck(Box::new(ConnAck::new(code)));
    explain::explained(&ack)
        .filter(|_| wanted)
        .and_then(|ack| codec::encode(connect.protocol, &ack).ok())
        .filter(|ack| takes(connect, ack))
        .unwrap_or_else(|| refusal(connect.protocol, code))
}

/// It is not larger than the client's Maximum Packet Size [MQTT-3.1.2-24].
fn takes(connect: &Connect, packet: &Bytes) -> bool {
    let largest = connect.properties.maximum_packet_size;
    largest.is_none_or(|largest| packet.len() <= largest.get() as usize)
}

fn session(attach: &Attach, connect: Connect, limits: SessionLimits) -> Session {
    let properties = &connect.properties;
    let max_packet = properties
        .maximum_packet_size
        .map_or(usize::MAX, |size| size.get() as usize);
    let max_inflight = properties
        .receive_maximum
        .map_or(limits.max_inflight, NonZeroU16::get)
        .min(MOST_INFLIGHT);
    let mut outbound = Outbound::new(
        attach.protocol,
        limits,
        max_packet,
        usize::from(max_inflight),
    );
    outbound.explain(properties.request_problem_information);
    Session {
        client_id: attach.client_id.clone(),
        principal: attach.principal.clone(),
        protocol: attach.protocol,
        subscriptions: HashMap::new(),
        memberships: Memberships::default(),
        limits: limits.topics,
        limits_met: LimitsMet::default(),
        max_subscriptions: limits.max_subscriptions,
        receive_maximum: limits.receive_maximum,
        expires_at_once: properties.session_expiry == 0,
        outbound,
        inflow: Inflow::default(),
        acks: Acks::default(),
        will: connect.will.map(Box::new),
    }
}

fn success() -> ConnAck {
    ConnAck::new(ReasonCode::SUCCESS)
}

/// What this version does not serve is told here.
fn connack(attach: &Attach, connect: &Connect, limits: SessionLimits) -> ConnAckProperties {
    let authenticated = attach.authenticated.as_ref();
    ConnAckProperties {
        // sessions end with their connection; [MQTT-3.2.2-21] wants to be told where that is not what was asked
        session_expiry: (connect.properties.session_expiry > 0).then_some(0),
        receive_maximum: NonZeroU16::new(limits.receive_maximum),
        maximum_qos: QoS::AtLeastOnce,
        maximum_packet_size: Some(attach.max_packet_bytes),
        assigned_client_id: attach.client_id_assigned.then(|| attach.client_id.clone()),
        server_keep_alive: attach.server_keep_alive,
        topic_alias_maximum: attach.topic_alias_maximum,
        // [MQTT-4.12.0-5], [MQTT-4.12.0-6]
        authentication_method: authenticated.map(|authenticated| authenticated.method.clone()),
        authentication_data: authenticated.and_then(|authenticated| authenticated.data.clone()),
        ..ConnAckProperties::default()
    }
}

fn encode(protocol: Protocol, ack: ConnAck) -> Bytes {
    codec::encode(protocol, &Packet::ConnAck(Box::new(ack))).unwrap_or_default()
}

fn refusal(protocol: Protocol, code: ReasonCode) -> Bytes {
    let code = match (protocol, code) {
        (Protocol::V5, code) => code,
        (Protocol::V311, ReasonCode::SERVER_BUSY | ReasonCode::SERVER_UNAVAILABLE) => {
            ReasonCode::V3_SERVER_UNAVAILABLE
        }
        (Protocol::V311, ReasonCode::CLIENT_IDENTIFIER_NOT_VALID) => {
            ReasonCode::V3_IDENTIFIER_REJECTED
        }
        (Protocol::V311, ReasonCode::NOT_AUTHORIZED) => ReasonCode::V3_NOT_AUTHORIZED,
        (Protocol::V311, _) => return Bytes::new(),
    };
    encode(protocol, ConnAck::new(code))
}
