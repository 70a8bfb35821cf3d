//! From an `Attach` to a session and its CONNACK, or to a refusal.

use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::Bytes;

use super::acks::Acks;
use super::explain;
use super::filters::Filters;
use super::flow::Inflow;
use super::limits::MOST_INFLIGHT;
use super::memberships::Memberships;
use super::outbound::Terms;
use super::received::ReceivedIds;
use super::{Outbound, Session, SessionLimits, TopicLimits};
use crate::codec::{self, ConnAck, ConnAckProperties, Connect, Packet, Protocol, ReasonCode, Will};
use crate::link::Attach;
use crate::routing::TopicName;

/// A client that may be let in: with a session of its own, or with one that it left.
#[derive(Debug)]
pub struct Opening<'a> {
    attach: &'a Attach,
    limits: Arc<SessionLimits>,
    connect: Connect,
}

/// A client that may not be let in.
#[derive(Debug, PartialEq, Eq)]
pub struct NotOpened {
    /// Empty where the standard has no code for it and the connection is just closed [MQTT-3.2.2-6 of 3.1.1].
    pub connack: Bytes,
    /// Its will's topic is longer or deeper than allowed.
    pub is_over_topic_limit: bool,
}

impl From<Bytes> for NotOpened {
    fn from(connack: Bytes) -> Self {
        Self {
            connack,
            is_over_topic_limit: false,
        }
    }
}

pub fn open(attach: &Attach, limits: Arc<SessionLimits>) -> Result<Opening<'_>, NotOpened> {
    let connect = match codec::decode(attach.protocol, &attach.connect) {
        Ok(Packet::Connect(connect)) => *connect,
        Ok(_) => return Err(refusal(attach.protocol, ReasonCode::PROTOCOL_ERROR).into()),
        Err(error) => return Err(refusal(attach.protocol, error.reason()).into()),
    };
    if connect.properties.authentication_method.is_some() {
        return Err(explained_refusal(&connect, ReasonCode::BAD_AUTHENTICATION_METHOD).into());
    }
    let will = connect.will.as_ref();
    if let Some(code) = will.and_then(|will| will_refusal(will, limits.topics)) {
        return Err(NotOpened {
            connack: explained_refusal(&connect, code),
            is_over_topic_limit: will.is_some_and(|will| !is_within(will, limits.topics)),
        });
    }
    let opening = Opening {
        attach,
        limits,
        connect,
    };
    // the largest that may follow: whoever asks for no expiry is told none
    let asked = opening.expiry();
    let connack = opening.connack(false, if asked == 0 { 0 } else { !asked });
    if !takes(&opening.connect, &connack) {
        return Err(Bytes::new().into());
    }
    Ok(opening)
}

impl Opening<'_> {
    /// Whatever session there is ends [MQTT-3.1.2-4].
    pub fn is_clean_start(&self) -> bool {
        self.connect.clean_start
    }

    /// Seconds for which the client wants its session kept; 0: it ends with its connection. 3.1.1 knows no end.
    pub fn expiry(&self) -> u32 {
        match self.attach.protocol {
            Protocol::V5 => self.connect.properties.session_expiry,
            Protocol::V311 if self.connect.clean_start => 0,
            Protocol::V311 => u32::MAX,
        }
    }

    /// `expiry`: the seconds that it is given.
    pub fn connack(&self, session_present: bool, expiry: u32) -> Bytes {
        encode(
            self.attach.protocol,
            ConnAck {
                session_present,
                properties: self.properties(expiry),
                ..ConnAck::new(ReasonCode::SUCCESS)
            },
        )
    }

    /// What this version does not serve is told here.
    fn properties(&self, expiry: u32) -> ConnAckProperties {
        let attach = self.attach;
        let authenticated = attach.authenticated.as_ref();
        ConnAckProperties {
            // [MQTT-3.2.2-21]
            session_expiry: (expiry != self.expiry()).then_some(expiry),
            receive_maximum: NonZeroU16::new(self.limits.receive_maximum),
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

    /// A session that knows nothing.
    pub fn begin(self, expiry: u32) -> Session {
        Session {
            client_id: self.attach.client_id.clone(),
            principal: self.attach.principal.clone(),
            protocol: self.attach.protocol,
            filters: Filters::default(),
            memberships: Memberships::default(),
            limits_met: None,
            expiry,
            asked_no_expiry: self.expiry() == 0,
            outbound: Outbound::new(self.terms(expiry)),
            limits: self.limits,
            inflow: Inflow::default(),
            acks: Acks::default(),
            received: ReceivedIds::default(),
            will: self.connect.will.map(Box::new),
        }
    }

    /// The session goes on with this connection, and with its will.
    pub fn resume(self, session: &mut Session, expiry: u32) {
        session.protocol = self.attach.protocol;
        session.principal.clone_from(&self.attach.principal);
        session.expiry = expiry;
        session.asked_no_expiry = self.expiry() == 0;
        session.outbound.resume(self.terms(expiry));
        session.limits = self.limits;
        session.will = self.connect.will.map(Box::new);
    }

    fn terms(&self, expiry: u32) -> Terms {
        let properties = &self.connect.properties;
        let max_inflight = properties
            .receive_maximum
            .map_or(self.limits.max_inflight, NonZeroU16::get);
        Terms {
            protocol: self.attach.protocol,
            max_packet: properties
                .maximum_packet_size
                .map_or(usize::MAX, |size| size.get() as usize),
            max_inflight: max_inflight.clamp(1, MOST_INFLIGHT),
            keeps: expiry > 0,
            wants_reasons: self.attach.protocol == Protocol::V5
                && properties.request_problem_information,
        }
    }
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

/// Its own or its response topic is none, or it is the server's; 3.1.1 has no code for it.
fn will_refusal(will: &Will, limits: TopicLimits) -> Option<ReasonCode> {
    let invalid = topics_of(will).any(|topic| TopicName::new(Arc::clone(topic)).is_err());
    if invalid || !is_within(will, limits) {
        return Some(ReasonCode::TOPIC_NAME_INVALID);
    }
    let forbidden = TopicName::new(will.topic.clone()).is_ok_and(|topic| topic.is_servers());
    forbidden.then_some(ReasonCode::NOT_AUTHORIZED)
}

fn is_within(will: &Will, limits: TopicLimits) -> bool {
    topics_of(will).all(|topic| limits.allow(topic))
}

fn topics_of(will: &Will) -> impl Iterator<Item = &Arc<str>> {
    let properties = will.properties.as_ref();
    let response = properties.and_then(|properties| properties.response_topic.as_ref());
    std::iter::once(&will.topic).chain(response)
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
