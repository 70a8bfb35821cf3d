//! ntex-mqtt's types to ours. Everything is copied: its strings pin the buffer they were read from.

use std::num::NonZeroU32;
use std::sync::Arc;

use ntex_bytes::ByteString;
use ntex_mqtt::v5::codec as ntex;

use super::{bytes_from, qos_from};
use crate::codec::{
    Ack, Auth, ConnAck, ConnAckProperties, Connect, ConnectProperties, Disconnect,
    MessageProperties, Packet, PayloadFormat, ReasonCode, RetainHandling, SubAck, Subscribe,
    Subscription, UnsubAck, Unsubscribe, UserProperties, Will,
};
use crate::link::Protocol;

pub(super) fn packet(packet: ntex::Packet) -> Packet {
    match packet {
        ntex::Packet::Connect(packet) => Packet::Connect(Box::new(connect(*packet))),
        ntex::Packet::ConnectAck(packet) => Packet::ConnAck(Box::new(connack(*packet))),
        ntex::Packet::PublishAck(packet) => Packet::PubAck(ack(packet)),
        ntex::Packet::PublishReceived(packet) => Packet::PubRec(ack(packet)),
        ntex::Packet::PublishRelease(packet) => Packet::PubRel(ack2(packet)),
        ntex::Packet::PublishComplete(packet) => Packet::PubComp(ack2(packet)),
        ntex::Packet::Subscribe(packet) => Packet::Subscribe(subscribe(&packet)),
        ntex::Packet::SubscribeAck(packet) => Packet::SubAck(SubAck {
            packet_id: packet.packet_id,
            codes: packet
                .status
                .into_iter()
                .map(|code| ReasonCode(code.into()))
                .collect(),
            reason: string(packet.reason_string),
            user: user(&packet.properties),
        }),
        ntex::Packet::Unsubscribe(packet) => Packet::Unsubscribe(Unsubscribe {
            packet_id: packet.packet_id,
            filters: packet
                .topic_filters
                .iter()
                .map(|filter| Arc::from(filter.as_str()))
                .collect(),
            user: user(&packet.user_properties),
        }),
        ntex::Packet::UnsubscribeAck(packet) => Packet::UnsubAck(UnsubAck {
            packet_id: packet.packet_id,
            codes: packet
                .status
                .into_iter()
                .map(|code| ReasonCode(code.into()))
                .collect(),
            reason: string(packet.reason_string),
            user: user(&packet.properties),
        }),
        ntex::Packet::PingRequest => Packet::PingReq,
        ntex::Packet::PingResponse => Packet::PingResp,
        ntex::Packet::Disconnect(packet) => Packet::Disconnect(Disconnect {
            code: ReasonCode(packet.reason_code.into()),
            session_expiry: packet.session_expiry_interval_secs,
            reason: string(packet.reason_string),
            user: user(&packet.user_properties),
        }),
        ntex::Packet::Auth(packet) => Packet::Auth(Auth {
            code: ReasonCode(packet.reason_code.into()),
            method: string(packet.auth_method),
            data: packet.auth_data.as_ref().map(bytes_from),
        }),
    }
}

fn connect(connect: ntex::Connect) -> Connect {
    Connect {
        protocol: Protocol::V5,
        client_id: Arc::from(connect.client_id.as_str()),
        clean_start: connect.clean_start,
        keep_alive: connect.keep_alive,
        username: string(connect.username),
        password: connect.password.as_ref().map(bytes_from),
        will: connect.last_will.map(will),
        properties: ConnectProperties {
            session_expiry: connect.session_expiry_interval_secs,
            receive_maximum: connect.receive_max,
            maximum_packet_size: connect.max_packet_size,
            topic_alias_maximum: connect.topic_alias_max,
            request_problem_information: connect.request_problem_info,
            request_response_information: connect.request_response_info,
            authentication_method: string(connect.auth_method),
            authentication_data: connect.auth_data.as_ref().map(bytes_from),
            user: user(&connect.user_properties),
        },
    }
}

fn will(will: ntex::LastWill) -> Will {
    Will {
        qos: qos_from(will.qos),
        retain: will.retain,
        topic: Arc::from(will.topic.as_str()),
        payload: bytes_from(&will.message),
        delay: will.will_delay_interval_sec.unwrap_or(0),
        properties: MessageProperties {
            payload_format: will.is_utf8_payload.map(|utf8| {
                if utf8 {
                    PayloadFormat::Utf8
                } else {
                    PayloadFormat::Bytes
                }
            }),
            expiry: will.message_expiry_interval.map(NonZeroU32::get),
            content_type: string(will.content_type),
            response_topic: string(will.response_topic),
            correlation_data: will.correlation_data.as_ref().map(bytes_from),
            user: user(&will.user_properties),
        }
        .shared(),
    }
}

fn connack(ack: ntex::ConnectAck) -> ConnAck {
    ConnAck {
        session_present: ack.session_present,
        code: ReasonCode(ack.reason_code.into()),
        properties: ConnAckProperties {
            session_expiry: ack.session_expiry_interval_secs,
            receive_maximum: Some(ack.receive_max).filter(|max| max.get() != u16::MAX),
            maximum_qos: qos_from(ack.max_qos),
            retain_available: ack.retain_available,
            maximum_packet_size: ack.max_packet_size,
            assigned_client_id: string(ack.assigned_client_id),
            topic_alias_maximum: ack.topic_alias_max,
            wildcard_subscription_available: ack.wildcard_subscription_available,
            subscription_identifiers_available: ack.subscription_identifiers_available,
            shared_subscription_available: ack.shared_subscription_available,
            server_keep_alive: ack.server_keepalive_sec,
            authentication_method: string(ack.auth_method),
            authentication_data: ack.auth_data.as_ref().map(bytes_from),
            reason: string(ack.reason_string),
            user: user(&ack.user_properties),
        },
    }
}

fn ack(ack: ntex::PublishAck) -> Ack {
    Ack {
        packet_id: ack.packet_id,
        code: ReasonCode(ack.reason_code.into()),
        reason: string(ack.reason_string),
        user: user(&ack.properties),
    }
}

fn ack2(ack: ntex::PublishAck2) -> Ack {
    Ack {
        packet_id: ack.packet_id,
        code: ReasonCode(ack.reason_code.into()),
        reason: string(ack.reason_string),
        user: user(&ack.properties),
    }
}

fn subscribe(subscribe: &ntex::Subscribe) -> Subscribe {
    let filters = subscribe
        .topic_filters
        .iter()
        .map(|(filter, options)| Subscription {
            filter: Arc::from(filter.as_str()),
            qos: qos_from(options.qos),
            no_local: options.no_local,
            retain_as_published: options.retain_as_published,
            retain_handling: match options.retain_handling {
                ntex::RetainHandling::AtSubscribe => RetainHandling::AtSubscribe,
                ntex::RetainHandling::AtSubscribeNew => RetainHandling::AtNewSubscribe,
                ntex::RetainHandling::NoAtSubscribe => RetainHandling::Never,
            },
        });
    Subscribe {
        packet_id: subscribe.packet_id,
        subscription_id: subscribe.id,
        filters: filters.collect(),
        user: user(&subscribe.user_properties),
    }
}

fn string(string: Option<ByteString>) -> Option<Arc<str>> {
    string.map(|string| Arc::from(string.as_str()))
}

fn user(properties: &[ntex::UserProperty]) -> UserProperties {
    properties
        .iter()
        .map(|(key, value)| (Arc::from(key.as_str()), Arc::from(value.as_str())))
        .collect()
}
