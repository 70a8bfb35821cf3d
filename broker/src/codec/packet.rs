//! The packets of both protocols as one set of types. What 3.1.1 does not have stays empty there.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use bytes::Bytes;

use super::ReasonCode;
use crate::link::Protocol;

pub type PacketId = NonZeroU16;
pub type UserProperties = Vec<(Arc<str>, Arc<str>)>;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QoS {
    #[default]
    AtMostOnce = 0,
    AtLeastOnce = 1,
    ExactlyOnce = 2,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    Connect(Box<Connect>),
    ConnAck(Box<ConnAck>),
    Publish(Publish),
    PubAck(Ack),
    PubRec(Ack),
    PubRel(Ack),
    PubComp(Ack),
    Subscribe(Subscribe),
    SubAck(SubAck),
    Unsubscribe(Unsubscribe),
    UnsubAck(UnsubAck),
    PingReq,
    PingResp,
    Disconnect(Disconnect),
    /// MQTT 5 only.
    Auth(Auth),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect {
    pub protocol: Protocol,
    /// Empty: the server chooses.
    pub client_id: Arc<str>,
    /// 3.1.1: clean session.
    pub clean_start: bool,
    /// Seconds; 0 means none.
    pub keep_alive: u16,
    pub username: Option<Arc<str>>,
    pub password: Option<Bytes>,
    pub will: Option<Will>,
    pub properties: ConnectProperties,
}

impl Connect {
    /// A CONNECT with a clean session and nothing else.
    pub fn new(protocol: Protocol, client_id: impl Into<Arc<str>>) -> Self {
        Self {
            protocol,
            client_id: client_id.into(),
            clean_start: true,
            keep_alive: 0,
            username: None,
            password: None,
            will: None,
            properties: ConnectProperties::default(),
        }
    }

    /// The will's message expiry is 0.
    pub(super) fn expire_will_at_once(&mut self) {
        if let Some(will) = &mut self.will {
            let properties = will.properties.get_or_insert_default();
            Arc::make_mut(properties).expiry = Some(0);
        }
    }

    pub(super) fn will_expires_at_once(&self) -> bool {
        let will = self.will.as_ref().and_then(|will| will.properties.as_ref());
        will.is_some_and(|properties| properties.expiry == Some(0))
    }

    /// What the shard may see of it.
    #[must_use]
    pub fn without_credentials(&self) -> Self {
        let mut seen = Self {
            username: None,
            password: None,
            ..self.clone()
        };
        seen.properties.authentication_method = None;
        seen.properties.authentication_data = None;
        seen
    }
}

/// MQTT 5 section 3.1.2.11; defaults are what absence means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectProperties {
    /// Seconds; `u32::MAX` means never.
    pub session_expiry: u32,
    pub receive_maximum: Option<NonZeroU16>,
    /// Bytes of a whole packet.
    pub maximum_packet_size: Option<NonZeroU32>,
    pub topic_alias_maximum: u16,
    pub request_problem_information: bool,
    pub request_response_information: bool,
    pub authentication_method: Option<Arc<str>>,
    pub authentication_data: Option<Bytes>,
    pub user: UserProperties,
}

impl Default for ConnectProperties {
    fn default() -> Self {
        Self {
            session_expiry: 0,
            receive_maximum: None,
            maximum_packet_size: None,
            topic_alias_maximum: 0,
            request_problem_information: true,
            request_response_information: false,
            authentication_method: None,
            authentication_data: None,
            user: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    pub qos: QoS,
    pub retain: bool,
    pub topic: Arc<str>,
    pub payload: Bytes,
    /// Seconds.
    pub delay: u32,
    pub properties: Option<Arc<MessageProperties>>,
}

/// What travels with a message unaltered (MQTT 5 section 3.3.2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageProperties {
    pub payload_format: Option<PayloadFormat>,
    /// Seconds left when it was sent.
    pub expiry: Option<u32>,
    pub content_type: Option<Arc<str>>,
    pub response_topic: Option<Arc<str>>,
    pub correlation_data: Option<Bytes>,
    pub user: UserProperties,
}

/// What the sender says of a payload; nobody here looks whether it is true (section 3.3.2.3.2 leaves that open).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadFormat {
    Bytes = 0,
    Utf8 = 1,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnAck {
    pub session_present: bool,
    pub code: ReasonCode,
    /// Empty in 3.1.1.
    pub properties: ConnAckProperties,
}

impl ConnAck {
    pub fn new(code: ReasonCode) -> Self {
        Self {
            session_present: false,
            code,
            properties: ConnAckProperties::default(),
        }
    }
}

/// MQTT 5 section 3.2.2.3; defaults are what absence means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // the standard has one flag byte for each
pub struct ConnAckProperties {
    pub session_expiry: Option<u32>,
    pub receive_maximum: Option<NonZeroU16>,
    pub maximum_qos: QoS,
    pub retain_available: bool,
    pub maximum_packet_size: Option<u32>,
    pub assigned_client_id: Option<Arc<str>>,
    pub topic_alias_maximum: u16,
    pub wildcard_subscription_available: bool,
    pub subscription_identifiers_available: bool,
    pub shared_subscription_available: bool,
    pub server_keep_alive: Option<u16>,
    pub authentication_method: Option<Arc<str>>,
    pub authentication_data: Option<Bytes>,
    pub reason: Option<Arc<str>>,
    pub user: UserProperties,
}

impl Default for ConnAckProperties {
    fn default() -> Self {
        Self {
            session_expiry: None,
            receive_maximum: None,
            maximum_qos: QoS::ExactlyOnce,
            retain_available: true,
            maximum_packet_size: None,
            assigned_client_id: None,
            topic_alias_maximum: 0,
            wildcard_subscription_available: true,
            subscription_identifiers_available: true,
            shared_subscription_available: true,
            server_keep_alive: None,
            authentication_method: None,
            authentication_data: None,
            reason: None,
            user: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    pub dup: bool,
    pub retain: bool,
    pub qos: QoS,
    pub topic: Arc<str>,
    /// Present when the QoS is over 0.
    pub packet_id: Option<PacketId>,
    /// After `decode`: a slice of the frame. Copy what is kept, or it pins the buffer behind the frame.
    pub payload: Bytes,
    pub properties: Option<Arc<MessageProperties>>,
    pub topic_alias: Option<NonZeroU16>,
    pub subscription_ids: Vec<NonZeroU32>,
}

impl Publish {
    /// QoS 0, not retained, no properties.
    pub fn new(topic: impl Into<Arc<str>>, payload: impl Into<Bytes>) -> Self {
        Self {
            dup: false,
            retain: false,
            qos: QoS::AtMostOnce,
            topic: topic.into(),
            packet_id: None,
            payload: payload.into(),
            properties: None,
            topic_alias: None,
            subscription_ids: Vec::new(),
        }
    }
}

/// PUBACK, PUBREC, PUBREL, PUBCOMP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    pub packet_id: PacketId,
    pub code: ReasonCode,
    pub reason: Option<Arc<str>>,
    pub user: UserProperties,
}

impl Ack {
    pub fn new(packet_id: PacketId, code: ReasonCode) -> Self {
        Self {
            packet_id,
            code,
            reason: None,
            user: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    pub packet_id: PacketId,
    pub subscription_id: Option<NonZeroU32>,
    /// At least one.
    pub filters: Vec<Subscription>,
    pub user: UserProperties,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub filter: Arc<str>,
    pub qos: QoS,
    pub no_local: bool,
    pub retain_as_published: bool,
    pub retain_handling: RetainHandling,
}

impl Subscription {
    pub fn new(filter: impl Into<Arc<str>>, qos: QoS) -> Self {
        Self {
            filter: filter.into(),
            qos,
            no_local: false,
            retain_as_published: false,
            retain_handling: RetainHandling::AtSubscribe,
        }
    }
}

/// MQTT 5 section 3.8.3.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetainHandling {
    #[default]
    AtSubscribe,
    AtNewSubscribe,
    Never,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubAck {
    pub packet_id: PacketId,
    pub codes: Vec<ReasonCode>,
    pub reason: Option<Arc<str>>,
    pub user: UserProperties,
}

impl SubAck {
    pub fn new(packet_id: PacketId, codes: Vec<ReasonCode>) -> Self {
        Self {
            packet_id,
            codes,
            reason: None,
            user: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    pub packet_id: PacketId,
    /// At least one.
    pub filters: Vec<Arc<str>>,
    pub user: UserProperties,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsubAck {
    pub packet_id: PacketId,
    /// Empty in 3.1.1.
    pub codes: Vec<ReasonCode>,
    pub reason: Option<Arc<str>>,
    pub user: UserProperties,
}

impl UnsubAck {
    pub fn new(packet_id: PacketId, codes: Vec<ReasonCode>) -> Self {
        Self {
            packet_id,
            codes,
            reason: None,
            user: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disconnect {
    /// 0 in 3.1.1.
    pub code: ReasonCode,
    pub session_expiry: Option<u32>,
    pub reason: Option<Arc<str>>,
    pub user: UserProperties,
}

impl Disconnect {
    pub fn new(code: ReasonCode) -> Self {
        Self {
            code,
            ..Self::default()
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    pub code: ReasonCode,
    pub method: Option<Arc<str>>,
    pub data: Option<Bytes>,
}
