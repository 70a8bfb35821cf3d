//! Our packets to and from ntex-mqtt's 3.1.1 codec.

use std::sync::Arc;

use ntex_bytes::{BytePages, ByteString, BytesMut};
use ntex_codec::{Decoder, Encoder};
use ntex_mqtt::v3::codec as ntex;

use super::v5::{bytes_from, bytes_to, qos_from, qos_to};
use super::{
    Ack, ConnAck, Connect, ConnectProperties, Disconnect, EncodeError, Packet, PacketId,
    ReasonCode, SubAck, Subscribe, Subscription, UnsubAck, Unsubscribe, Will,
};
use crate::link::Protocol;

/// A whole frame that is no PUBLISH.
pub(super) fn decode(frame: &[u8]) -> Result<Option<Packet>, ntex_mqtt::error::DecodeError> {
    let decoded = ntex::Codec::new().decode(&mut BytesMut::from(frame))?;
    Ok(match decoded {
        Some(ntex::Decoded::Packet(packet, _)) => Some(from_packet(packet)),
        Some(ntex::Decoded::Publish(..) | ntex::Decoded::PayloadChunk(..)) | None => None,
    })
}

fn from_packet(packet: ntex::Packet) -> Packet {
    let ack = |packet_id| Ack::new(packet_id, ReasonCode::SUCCESS);
    match packet {
        ntex::Packet::Connect(connect) => Packet::Connect(Box::new(from_connect(*connect))),
        ntex::Packet::ConnectAck(ack) => Packet::ConnAck(Box::new(ConnAck {
            session_present: ack.session_present,
            ..ConnAck::new(ReasonCode(ack.return_code.into()))
        })),
        ntex::Packet::PublishAck { packet_id } => Packet::PubAck(ack(packet_id)),
        ntex::Packet::PublishReceived { packet_id } => Packet::PubRec(ack(packet_id)),
        ntex::Packet::PublishRelease { packet_id } => Packet::PubRel(ack(packet_id)),
        ntex::Packet::PublishComplete { packet_id } => Packet::PubComp(ack(packet_id)),
        ntex::Packet::Subscribe {
            packet_id,
            topic_filters,
        } => Packet::Subscribe(from_subscribe(packet_id, &topic_filters)),
        ntex::Packet::SubscribeAck { packet_id, status } => Packet::SubAck(SubAck::new(
            packet_id,
            status.into_iter().map(from_status).collect(),
        )),
        ntex::Packet::Unsubscribe {
            packet_id,
            topic_filters,
        } => Packet::Unsubscribe(Unsubscribe {
            packet_id,
            filters: topic_filters
                .iter()
                .map(|filter| Arc::from(filter.as_str()))
                .collect(),
            user: Vec::new(),
        }),
        ntex::Packet::UnsubscribeAck { packet_id } => {
            Packet::UnsubAck(UnsubAck::new(packet_id, Vec::new()))
        }
        ntex::Packet::PingRequest => Packet::PingReq,
        ntex::Packet::PingResponse => Packet::PingResp,
        ntex::Packet::Disconnect => Packet::Disconnect(Disconnect::default()),
    }
}

fn from_connect(connect: ntex::Connect) -> Connect {
    Connect {
        protocol: Protocol::V311,
        client_id: Arc::from(connect.client_id.as_str()),
        clean_start: connect.clean_session,
        keep_alive: connect.keep_alive,
        username: connect.username.map(|name| Arc::from(name.as_str())),
        password: connect.password.as_ref().map(bytes_from),
        will: connect.last_will.map(|will| Will {
            qos: qos_from(will.qos),
            retain: will.retain,
            topic: Arc::from(will.topic.as_str()),
            payload: bytes_from(&will.message),
            delay: 0,
            properties: None,
        }),
        properties: ConnectProperties::default(),
    }
}

fn from_subscribe(packet_id: PacketId, filters: &[(ByteString, ntex::QoS)]) -> Subscribe {
    let filters = filters
        .iter()
        .map(|(filter, qos)| Subscription::new(filter.as_str(), qos_from(*qos)));
    Subscribe {
        packet_id,
        subscription_id: None,
        filters: filters.collect(),
        user: Vec::new(),
    }
}

fn from_status(status: ntex::SubscribeReturnCode) -> ReasonCode {
    match status {
        ntex::SubscribeReturnCode::Success(qos) => ReasonCode(qos.into()),
        ntex::SubscribeReturnCode::Failure => ReasonCode::UNSPECIFIED_ERROR,
    }
}

/// All packets but PUBLISH.
pub(super) fn encode(packet: &Packet, pages: &mut BytePages) -> Result<(), EncodeError> {
    let item = ntex::Encoded::Packet(to_packet(packet)?);
    Ok(ntex::Codec::new().encodev(item, pages)?)
}

fn to_packet(packet: &Packet) -> Result<ntex::Packet, EncodeError> {
    Ok(match packet {
        Packet::Connect(connect) => ntex::Packet::Connect(Box::new(to_connect(connect))),
        Packet::ConnAck(ack) => ntex::Packet::ConnectAck(ntex::ConnectAck {
            return_code: ntex::ConnectAckReason::try_from(ack.code.0).map_err(|_| {
                EncodeError::ReasonCode {
                    packet: "CONNACK",
                    code: ack.code,
                }
            })?,
            session_present: ack.session_present,
        }),
        Packet::PubAck(ack) => ntex::Packet::PublishAck {
            packet_id: ack.packet_id,
        },
        Packet::PubRec(ack) => ntex::Packet::PublishReceived {
            packet_id: ack.packet_id,
        },
        Packet::PubRel(ack) => ntex::Packet::PublishRelease {
            packet_id: ack.packet_id,
        },
        Packet::PubComp(ack) => ntex::Packet::PublishComplete {
            packet_id: ack.packet_id,
        },
        Packet::Subscribe(subscribe) => ntex::Packet::Subscribe {
            packet_id: subscribe.packet_id,
            topic_filters: subscribe
                .filters
                .iter()
                .map(|wish| (ByteString::from(&*wish.filter), qos_to(wish.qos)))
                .collect(),
        },
        Packet::SubAck(ack) => ntex::Packet::SubscribeAck {
            packet_id: ack.packet_id,
            status: ack.codes.iter().map(|code| to_status(*code)).collect(),
        },
        Packet::Unsubscribe(unsubscribe) => ntex::Packet::Unsubscribe {
            packet_id: unsubscribe.packet_id,
            topic_filters: unsubscribe
                .filters
                .iter()
                .map(|filter| ByteString::from(&**filter))
                .collect(),
        },
        Packet::UnsubAck(ack) => ntex::Packet::UnsubscribeAck {
            packet_id: ack.packet_id,
        },
        Packet::PingReq => ntex::Packet::PingRequest,
        Packet::PingResp => ntex::Packet::PingResponse,
        Packet::Disconnect(_) => ntex::Packet::Disconnect,
        Packet::Auth(_) => return Err(EncodeError::NotInProtocol("AUTH")),
        Packet::Publish(_) => {
            return Err(EncodeError::NotInProtocol(
                "PUBLISH as a packet without payload",
            ));
        }
    })
}

fn to_connect(connect: &Connect) -> ntex::Connect {
    ntex::Connect {
        clean_session: connect.clean_start,
        keep_alive: connect.keep_alive,
        last_will: connect.will.as_ref().map(|will| ntex::LastWill {
            qos: qos_to(will.qos),
            retain: will.retain,
            topic: ByteString::from(&*will.topic),
            message: bytes_to(&will.payload),
        }),
        client_id: ByteString::from(&*connect.client_id),
        username: connect
            .username
            .as_ref()
            .map(|name| ByteString::from(&**name)),
        password: connect.password.as_ref().map(bytes_to),
    }
}

fn to_status(code: ReasonCode) -> ntex::SubscribeReturnCode {
    ntex::QoS::try_from(code.0).map_or(
        ntex::SubscribeReturnCode::Failure,
        ntex::SubscribeReturnCode::Success,
    )
}
