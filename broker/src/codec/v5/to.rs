//! Our types to ntex-mqtt's.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use ntex_bytes::ByteString;
use ntex_mqtt::v5::codec as ntex;

use super::{bytes_to, qos_to};
use crate::codec::{
    Ack, ConnAck, Connect, EncodeError, MessageProperties, Packet, PayloadFormat, ReasonCode,
    RetainHandling, Subscribe, Subscription, UserProperties, Will,
};

pub(super) fn packet(packet: &Packet) -> Result<ntex::Packet, EncodeError> {
    Ok(match packet {
        Packet::Connect(packet) => ntex::Packet::Connect(Box::new(connect(packet))),
        Packet::ConnAck(packet) => ntex::Packet::ConnectAck(Box::new(connack(packet)?)),
        Packet::PubAck(packet) => ntex::Packet::PublishAck(ack("PUBACK", packet)?),
        Packet::PubRec(packet) => ntex::Packet::PublishReceived(ack("PUBREC", packet)?),
        Packet::PubRel(packet) => ntex::Packet::PublishRelease(ack2("PUBREL", packet)?),
        Packet::PubComp(packet) => ntex::Packet::PublishComplete(ack2("PUBCOMP", packet)?),
        Packet::Subscribe(packet) => ntex::Packet::Subscribe(subscribe(packet)),
        Packet::SubAck(packet) => ntex::Packet::SubscribeAck(ntex::SubscribeAck {
            packet_id: packet.packet_id,
            properties: user(&packet.user),
            reason_string: string(packet.reason.as_ref()),
            status: codes("SUBACK", &packet.codes)?,
        }),
        Packet::Unsubscribe(packet) => ntex::Packet::Unsubscribe(ntex::Unsubscribe {
            packet_id: packet.packet_id,
            user_properties: user(&packet.user),
            topic_filters: packet
                .filters
                .iter()
                .map(|filter| ByteString::from(&**filter))
                .collect(),
        }),
        Packet::UnsubAck(packet) => ntex::Packet::UnsubscribeAck(ntex::UnsubscribeAck {
            packet_id: packet.packet_id,
            properties: user(&packet.user),
            reason_string: string(packet.reason.as_ref()),
            status: codes("UNSUBACK", &packet.codes)?,
        }),
        Packet::PingReq => ntex::Packet::PingRequest,
        Packet::PingResp => ntex::Packet::PingResponse,
        Packet::Disconnect(packet) => ntex::Packet::Disconnect(ntex::Disconnect {
            reason_code: code("DISCONNECT", packet.code)?,
            session_expiry_interval_secs: packet.session_expiry,
            server_reference: None,
            reason_string: string(packet.reason.as_ref()),
            user_properties: user(&packet.user),
        }),
        Packet::Auth(packet) => ntex::Packet::Auth(ntex::Auth {
            reason_code: code("AUTH", packet.code)?,
            auth_method: string(packet.method.as_ref()),
            auth_data: packet.data.as_ref().map(bytes_to),
            ..ntex::Auth::default()
        }),
        Packet::Publish(_) => {
            return Err(EncodeError::NotInProtocol(
                "PUBLISH as a packet without payload",
            ));
        }
    })
}

fn connect(connect: &Connect) -> ntex::Connect {
    let properties = &connect.properties;
    ntex::Connect {
        clean_start: connect.clean_start,
        keep_alive: connect.keep_alive,
        session_expiry_interval_secs: properties.session_expiry,
        auth_method: string(properties.authentication_method.as_ref()),
        auth_data: properties.authentication_data.as_ref().map(bytes_to),
        request_problem_info: properties.request_problem_information,
        request_response_info: properties.request_response_information,
        receive_max: properties.receive_maximum,
        topic_alias_max: properties.topic_alias_maximum,
        user_properties: user(&properties.user),
        max_packet_size: properties.maximum_packet_size,
        last_will: connect.will.as_ref().map(will),
        client_id: ByteString::from(&*connect.client_id),
        username: string(connect.username.as_ref()),
        password: connect.password.as_ref().map(bytes_to),
    }
}

fn will(will: &Will) -> ntex::LastWill {
    let none = MessageProperties::default();
    let properties = will.properties.as_deref().unwrap_or(&none);
    ntex::LastWill {
        qos: qos_to(will.qos),
        retain: will.retain,
        topic: ByteString::from(&*will.topic),
        message: bytes_to(&will.payload),
        will_delay_interval_sec: Some(will.delay).filter(|delay| *delay > 0),
        correlation_data: properties.correlation_data.as_ref().map(bytes_to),
        // 0 has no place there: `will` puts it back
        message_expiry_interval: properties
            .expiry
            .map(|seconds| NonZeroU32::new(seconds).unwrap_or(NonZeroU32::MIN)),
        content_type: string(properties.content_type.as_ref()),
        user_properties: user(&properties.user),
        is_utf8_payload: properties
            .payload_format
            .map(|format| format == PayloadFormat::Utf8),
        response_topic: string(properties.response_topic.as_ref()),
    }
}

fn connack(ack: &ConnAck) -> Result<ntex::ConnectAck, EncodeError> {
    let properties = &ack.properties;
    Ok(ntex::ConnectAck {
        session_present: ack.session_present,
        reason_code: code("CONNACK", ack.code)?,
        session_expiry_interval_secs: properties.session_expiry,
        receive_max: properties.receive_maximum.unwrap_or(NonZeroU16::MAX),
        max_qos: qos_to(properties.maximum_qos),
        max_packet_size: properties.maximum_packet_size,
        assigned_client_id: string(properties.assigned_client_id.as_ref()),
        topic_alias_max: properties.topic_alias_maximum,
        retain_available: properties.retain_available,
        wildcard_subscription_available: properties.wildcard_subscription_available,
        subscription_identifiers_available: properties.subscription_identifiers_available,
        shared_subscription_available: properties.shared_subscription_available,
        server_keepalive_sec: properties.server_keep_alive,
        auth_method: string(properties.authentication_method.as_ref()),
        auth_data: properties.authentication_data.as_ref().map(bytes_to),
        reason_string: string(properties.reason.as_ref()),
        user_properties: user(&properties.user),
        ..ntex::ConnectAck::default()
    })
}

fn ack(name: &'static str, ack: &Ack) -> Result<ntex::PublishAck, EncodeError> {
    Ok(ntex::PublishAck {
        packet_id: ack.packet_id,
        reason_code: code(name, ack.code)?,
        properties: user(&ack.user),
        reason_string: string(ack.reason.as_ref()),
    })
}

fn ack2(name: &'static str, ack: &Ack) -> Result<ntex::PublishAck2, EncodeError> {
    Ok(ntex::PublishAck2 {
        packet_id: ack.packet_id,
        reason_code: code(name, ack.code)?,
        properties: user(&ack.user),
        reason_string: string(ack.reason.as_ref()),
    })
}

fn subscribe(subscribe: &Subscribe) -> ntex::Subscribe {
    ntex::Subscribe {
        packet_id: subscribe.packet_id,
        id: subscribe.subscription_id,
        user_properties: user(&subscribe.user),
        topic_filters: subscribe
            .filters
            .iter()
            .map(|wish| (ByteString::from(&*wish.filter), options(wish)))
            .collect(),
    }
}

fn options(wish: &Subscription) -> ntex::SubscriptionOptions {
    ntex::SubscriptionOptions {
        qos: qos_to(wish.qos),
        no_local: wish.no_local,
        retain_as_published: wish.retain_as_published,
        retain_handling: match wish.retain_handling {
            RetainHandling::AtSubscribe => ntex::RetainHandling::AtSubscribe,
            RetainHandling::AtNewSubscribe => ntex::RetainHandling::AtSubscribeNew,
            RetainHandling::Never => ntex::RetainHandling::NoAtSubscribe,
        },
    }
}

fn code<T: TryFrom<u8>>(packet: &'static str, code: ReasonCode) -> Result<T, EncodeError> {
    T::try_from(code.0).map_err(|_| EncodeError::ReasonCode { packet, code })
}

fn codes<T: TryFrom<u8>>(
    packet: &'static str,
    codes: &[ReasonCode],
) -> Result<Vec<T>, EncodeError> {
    codes.iter().map(|each| code(packet, *each)).collect()
}

fn string(string: Option<&Arc<str>>) -> Option<ByteString> {
    string.map(|string| ByteString::from(&**string))
}

fn user(properties: &UserProperties) -> ntex::UserProperties {
    properties
        .iter()
        .map(|(key, value)| (ByteString::from(&**key), ByteString::from(&**value)))
        .collect()
}
