//! What a client sends, checked against what it may send.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Session;
use super::acks::{AckKind, AckNumber};
use super::faults::{Fault, planted};
use super::received::{Arrival, MOST_UNRELEASED, Release};
use crate::codec::{
    self, Disconnect, Packet, PacketId, Protocol, Publish, QoS, ReasonCode, RetainHandling,
    Subscribe, Subscription, Unsubscribe,
};
use crate::routing::subscribers::SubscriptionOptions;
use crate::routing::{ClientFilter, FilterError, Message, TopicName, TopicNameError};

/// What a packet asks of the shard.
#[derive(Debug)]
pub enum Received {
    /// The session dealt with it.
    Nothing,
    /// `ack`: call `Session::acknowledge` with it once the message is where it must be.
    Publish {
        message: Message,
        ack: Option<PendingAck>,
    },
    Subscribe {
        packet_id: PacketId,
        wishes: Vec<Result<Wish, ReasonCode>>,
    },
    Unsubscribe {
        packet_id: PacketId,
        filters: Vec<Result<ClientFilter, ReasonCode>>,
    },
    /// `will`: the client wants its will published all the same. `expiry`: and its session kept for so many seconds.
    Disconnect { will: bool, expiry: Option<u32> },
}

/// The answer to a PUBLISH whose message is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingAck {
    /// Of one connection.
    PubAck(AckNumber),
    /// Of the session: whichever connection the message came over first.
    PubRec(PacketId),
}

/// One filter of a SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub filter: ClientFilter,
    pub options: SubscriptionOptions,
    pub retain_handling: RetainHandling,
}

/// The connection must end. A v5 client is told the code in a DISCONNECT; 3.1.1 has none [MQTT-4.8.0-1].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub ReasonCode);

impl Session {
    /// One whole packet.
    pub fn receive(&mut self, packet: &Bytes, now: Duration) -> Result<Received, Refusal> {
        match codec::decode(self.protocol, packet).map_err(|error| Refusal(error.reason()))? {
            Packet::Publish(publish) => self.publish(publish, now),
            Packet::PubAck(ack) => self.outbound.puback(ack.packet_id).map(nothing),
            Packet::PubRec(ack) => self.outbound.pubrec(&ack).map(nothing),
            Packet::PubComp(ack) => self.outbound.pubcomp(ack.packet_id).map(nothing),
            Packet::PubRel(ack) => self.release(ack.packet_id),
            Packet::Subscribe(subscribe) => self.wishes(subscribe),
            Packet::Unsubscribe(unsubscribe) => self.unwanted(unsubscribe),
            Packet::PingReq => {
                self.reply(&Packet::PingResp);
                Ok(Received::Nothing)
            }
            Packet::Disconnect(disconnect) => self.disconnect(&disconnect),
            // A second CONNECT [MQTT-3.1.0-2], what only a server sends, and AUTH without a method in CONNECT
            // [MQTT-4.12.0-6].
            Packet::Connect(_)
            | Packet::ConnAck(_)
            | Packet::SubAck(_)
            | Packet::UnsubAck(_)
            | Packet::PingResp
            | Packet::Auth(_) => Err(Refusal(ReasonCode::PROTOCOL_ERROR)),
        }
    }

    fn publish(&mut self, publish: Publish, now: Duration) -> Result<Received, Refusal> {
        if publish.topic_alias.is_some() {
            // the edge resolves those that its CONNACK allows [MQTT-3.3.2-9]
            return Err(Refusal(ReasonCode::TOPIC_ALIAS_INVALID));
        }
        if !publish.subscription_ids.is_empty() {
            // [MQTT-3.3.4-6]
            return Err(Refusal(ReasonCode::PROTOCOL_ERROR));
        }
        self.check_topic(&publish.topic)?;
        let topic = TopicName::new(publish.topic).map_err(|error| Refusal(name_code(error)))?;
        let properties = publish.properties;
        if let Some(response) = properties
            .as_ref()
            .and_then(|properties| properties.response_topic.clone())
        {
            self.check_topic(&response)?;
            TopicName::new(response).map_err(|error| Refusal(name_code(error)))?;
        }
        let ack = match publish.packet_id {
            None => None,
            Some(packet_id) => match self.begin_ack(packet_id, publish.qos)? {
                Some(ack) => Some(ack),
                None => return Ok(Received::Nothing),
            },
        };
        let message = Message::new(topic, &publish.payload, Arc::clone(&self.client_id))
            .with(publish.qos, publish.retain)
            .with_properties(properties, now);
        Ok(Received::Publish { message, ack })
    }

    fn check_topic(&mut self, topic: &str) -> Result<(), Refusal> {
        if self.limits.topics.allow(topic) {
            return Ok(());
        }
        self.limits_met().topic += 1;
        Err(Refusal(ReasonCode::TOPIC_NAME_INVALID))
    }

    /// `None`: the message came before, and must not be routed again.
    fn begin_ack(&mut self, packet_id: PacketId, qos: QoS) -> Result<Option<PendingAck>, Refusal> {
        if qos == QoS::ExactlyOnce {
            return self.begin_pubrec(packet_id);
        }
        if self.received.contains(packet_id) {
            // in use for another message [MQTT-2.2.1-3]
            return Err(Refusal(ReasonCode::PROTOCOL_ERROR));
        }
        self.check_quota()?;
        let number = self.acks.begin(AckKind::PubAck, packet_id);
        Ok(Some(PendingAck::PubAck(number)))
    }

    fn begin_pubrec(&mut self, packet_id: PacketId) -> Result<Option<PendingAck>, Refusal> {
        let arrival = self.received.arrival(packet_id);
        match arrival {
            Arrival::New => {
                self.check_quota()?;
                if self.received.len() >= MOST_UNRELEASED {
                    self.limits_met().receive_maximum += 1;
                    return Err(Refusal(ReasonCode::RECEIVE_MAXIMUM_EXCEEDED));
                }
            }
            Arrival::Awaited => return Ok(None),
            Arrival::Unanswered | Arrival::Routed(_) => {}
        }
        let number = self.acks.begin(AckKind::PubRec, packet_id);
        if let Arrival::Routed(code) = arrival {
            self.received.again(packet_id, code);
            self.acks.complete(number, code);
            self.send_acks();
            return Ok(None);
        }
        self.received.answered_by(packet_id, number);
        let ack = PendingAck::PubRec(packet_id);
        if planted(Fault::AnsweredBeforeRouted) {
            self.acknowledge(ack, ReasonCode::SUCCESS);
        }
        Ok((arrival == Arrival::New).then_some(ack))
    }

    /// 3.1.1 knows no Receive Maximum: the byte window slows those down.
    fn check_quota(&mut self) -> Result<(), Refusal> {
        let unfinished = self.acks.pubacks() + self.received.here();
        if self.protocol == Protocol::V5 && unfinished >= usize::from(self.limits.receive_maximum) {
            self.limits_met().receive_maximum += 1;
            return Err(Refusal(ReasonCode::RECEIVE_MAXIMUM_EXCEEDED));
        }
        Ok(())
    }

    fn release(&mut self, packet_id: PacketId) -> Result<Received, Refusal> {
        let code = match self.received.release(packet_id) {
            Release::Done => ReasonCode::SUCCESS,
            Release::Unknown => ReasonCode::PACKET_IDENTIFIER_NOT_FOUND,
            Release::TooEarly => return Err(Refusal(ReasonCode::PROTOCOL_ERROR)),
        };
        self.outbound.send_pubcomp(packet_id, code);
        Ok(Received::Nothing)
    }

    fn wishes(&mut self, subscribe: Subscribe) -> Result<Received, Refusal> {
        let mut wishes = Vec::with_capacity(subscribe.filters.len());
        for wish in subscribe.filters {
            wishes.push(self.wish(wish, subscribe.subscription_id)?);
        }
        Ok(Received::Subscribe {
            packet_id: subscribe.packet_id,
            wishes,
        })
    }

    fn wish(
        &mut self,
        wish: Subscription,
        id: Option<NonZeroU32>,
    ) -> Result<Result<Wish, ReasonCode>, Refusal> {
        if !self.limits.topics.allow(&wish.filter) {
            self.limits_met().topic += 1;
            return Ok(Err(self.failure(ReasonCode::TOPIC_FILTER_INVALID)));
        }
        let filter = match self.filter(wish.filter)? {
            Ok(filter) => filter,
            Err(code) => return Ok(Err(code)),
        };
        if wish.no_local && matches!(filter, ClientFilter::Shared(_)) {
            // [MQTT-3.8.3-4]
            return Err(Refusal(ReasonCode::PROTOCOL_ERROR));
        }
        let options = SubscriptionOptions {
            qos: wish.qos,
            no_local: wish.no_local,
            retain_as_published: wish.retain_as_published,
            id,
        };
        Ok(Ok(Wish {
            filter,
            options,
            retain_handling: wish.retain_handling,
        }))
    }

    fn unwanted(&mut self, unsubscribe: Unsubscribe) -> Result<Received, Refusal> {
        let mut filters = Vec::with_capacity(unsubscribe.filters.len());
        for filter in unsubscribe.filters {
            filters.push(self.filter(filter)?);
        }
        Ok(Received::Unsubscribe {
            packet_id: unsubscribe.packet_id,
            filters,
        })
    }

    /// Wildcards in wrong places make a 3.1.1 packet malformed; MQTT 5 has a code for the one filter. Shared filters are
    /// our addition to 3.1.1, so that there is nothing malformed about them.
    fn filter(&self, filter: Arc<str>) -> Result<Result<ClientFilter, ReasonCode>, Refusal> {
        match ClientFilter::new(filter) {
            Ok(filter) => Ok(Ok(filter)),
            Err(FilterError::ShareName | FilterError::Shared) => {
                Ok(Err(self.failure(ReasonCode::TOPIC_FILTER_INVALID)))
            }
            Err(_) if self.protocol == Protocol::V5 => Ok(Err(ReasonCode::TOPIC_FILTER_INVALID)),
            Err(_) => Err(Refusal(ReasonCode::TOPIC_FILTER_INVALID)),
        }
    }

    /// What a SUBACK says.
    pub fn failure(&self, code: ReasonCode) -> ReasonCode {
        match self.protocol {
            Protocol::V5 => code,
            Protocol::V311 => ReasonCode::UNSPECIFIED_ERROR,
        }
    }

    fn disconnect(&mut self, disconnect: &Disconnect) -> Result<Received, Refusal> {
        if self.asked_no_expiry && disconnect.session_expiry.is_some_and(|seconds| seconds > 0) {
            return Err(Refusal(ReasonCode::PROTOCOL_ERROR));
        }
        // [MQTT-3.14.4-3]: any code but success leaves the will in place
        Ok(Received::Disconnect {
            will: disconnect.code != ReasonCode::SUCCESS,
            expiry: disconnect.session_expiry,
        })
    }
}

fn nothing((): ()) -> Received {
    Received::Nothing
}

const fn name_code(error: TopicNameError) -> ReasonCode {
    match error {
        // with no alias to stand for it [section 3.3.2.1]
        TopicNameError::Empty => ReasonCode::PROTOCOL_ERROR,
        TopicNameError::Wildcard | TopicNameError::TooDeep => ReasonCode::TOPIC_NAME_INVALID,
    }
}
