//! One gateway's words as MQTT packets of either protocol.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use herdgate::codec::{
    self, Ack, Connect, ConnectProperties, Packet, PacketId, Publish, QoS, ReasonCode, Subscribe,
    Subscription,
};

use crate::gateway::{Heard, Say};
use crate::name::Filling;
use crate::scenario::Scenario;

/// The largest packet a gateway takes; the firmware has no room for more.
const MAX_PACKET: usize = 1 << 20;
/// How long an MQTT 5 server is asked to keep a session: longer than any run.
const KEPT_SECONDS: u32 = 86_400;

/// Speaks for one gateway. Names are filled in when they are said: a fleet of 350,000 keeps no copies of them.
#[derive(Debug, Clone)]
pub(crate) struct Voice {
    scenario: Rc<Scenario>,
    gateway: u32,
    range: u16,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error(transparent)]
    Frame(#[from] codec::frame::FrameError),
    #[error(transparent)]
    Decode(#[from] codec::DecodeError),
    #[error(transparent)]
    Encode(#[from] codec::EncodeError),
}

impl Voice {
    pub(crate) fn new(scenario: Rc<Scenario>, gateway: u32, range: u16) -> Self {
        Self {
            scenario,
            gateway,
            range,
        }
    }

    /// Appends the packet to `out`.
    pub(crate) fn say(&self, say: Say, out: &mut BytesMut) -> Result<(), WireError> {
        let packet = match say {
            Say::Connect => Packet::Connect(Box::new(self.connect())),
            Say::Subscribe { id, topic } => Packet::Subscribe(Subscribe {
                packet_id: packet_id(id),
                subscription_id: None,
                filters: vec![Subscription::new(self.topic(topic), QoS::AtLeastOnce)],
                user: Vec::new(),
            }),
            Say::Publish { id, mark } => Packet::Publish(Publish {
                qos: QoS::AtLeastOnce,
                packet_id: Some(packet_id(id)),
                ..Publish::new(self.topic(0), self.payload(mark))
            }),
            Say::Telemetry { id } => Packet::Publish(self.telemetry(id)),
            Say::PubAck { id } => Packet::PubAck(Ack::new(packet_id(id), ReasonCode::SUCCESS)),
            Say::Ping => Packet::PingReq,
        };
        Ok(codec::encode_into(self.scenario.protocol, &packet, out)?)
    }

    /// Takes the next whole packet from the front of `inbox`.
    pub(crate) fn hear(&self, inbox: &mut BytesMut) -> Result<Option<Heard>, WireError> {
        let Some(frame) = codec::frame::split(inbox, MAX_PACKET)? else {
            return Ok(None);
        };
        Ok(Some(match codec::decode(self.scenario.protocol, &frame)? {
            Packet::ConnAck(ack) => Heard::ConnAck { code: ack.code.0 },
            Packet::SubAck(ack) => Heard::SubAck {
                id: ack.packet_id.get(),
                granted: ack.codes.iter().all(|code| !code.is_error()),
            },
            Packet::Publish(message) => Heard::Message {
                id: message.packet_id.map(PacketId::get),
                mark: self.mark(&message.payload),
            },
            Packet::PubAck(ack) => Heard::PubAck {
                id: ack.packet_id.get(),
            },
            Packet::PingResp => Heard::Pong,
            Packet::Disconnect(_) => Heard::Disconnect,
            _ => Heard::Other,
        }))
    }

    fn filling(&self, topic: u16) -> Filling<'_> {
        Filling {
            gateway: self.gateway,
            range: &self.scenario.ranges[usize::from(self.range)].name,
            topic,
        }
    }

    fn topic(&self, topic: u16) -> String {
        self.scenario.topic.fill(self.filling(topic))
    }

    fn connect(&self) -> Connect {
        let filling = self.filling(0);
        let identity = &self.scenario.identity;
        let keep_alive = self
            .scenario
            .habits
            .keep_alive
            .map_or(0, |every| every.as_secs());
        Connect {
            keep_alive: u16::try_from(keep_alive).unwrap_or(u16::MAX),
            username: identity
                .user_name
                .as_ref()
                .map(|pattern| pattern.fill(filling).into()),
            password: identity
                .password
                .as_ref()
                .map(|pattern| pattern.fill(filling).into()),
            clean_start: identity.clean_session,
            properties: ConnectProperties {
                session_expiry: if identity.clean_session {
                    0
                } else {
                    KEPT_SECONDS
                },
                ..ConnectProperties::default()
            },
            ..Connect::new(self.scenario.protocol, identity.client_id.fill(filling))
        }
    }

    fn telemetry(&self, id: Option<u16>) -> Publish {
        let telemetry = &self.scenario.telemetry;
        let topic = telemetry.topic.fill(self.filling(0));
        let payload = vec![b't'; telemetry.payload_bytes];
        Publish {
            qos: if id.is_some() {
                QoS::AtLeastOnce
            } else {
                QoS::AtMostOnce
            },
            packet_id: id.map(packet_id),
            ..Publish::new(topic, payload)
        }
    }

    /// `<client id> <mark> ....`, filled up to the size the scenario asks for.
    fn payload(&self, mark: u64) -> Bytes {
        let mut text = format!(
            "{} {mark} ",
            self.scenario.identity.client_id.fill(self.filling(0))
        );
        let missing = self.scenario.payload_bytes.saturating_sub(text.len());
        text.extend(std::iter::repeat_n('.', missing));
        text.into()
    }

    fn mark(&self, payload: &[u8]) -> Option<u64> {
        let text = std::str::from_utf8(payload).ok()?;
        let mut words = text.split(' ');
        let own = words.next()? == self.scenario.identity.client_id.fill(self.filling(0));
        let mark = words.next()?.parse().ok()?;
        own.then_some(mark)
    }
}

/// The gateway counts packet ids from 1.
fn packet_id(id: u16) -> PacketId {
    PacketId::new(id).unwrap_or(PacketId::MIN)
}
