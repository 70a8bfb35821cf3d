//! Why, in words: the Reason Strings of MQTT 5.

use std::sync::Arc;

use crate::codec::{Packet, ReasonCode};

/// The packet with a reason, if there is something to say that its code does not. A reason that it has already stays.
pub(super) fn explained(packet: &Packet) -> Option<Packet> {
    if reason(packet).is_some() {
        return Some(packet.clone());
    }
    // nearly every packet says all with its code: nothing is copied for those
    let text = text(packet)?;
    let mut packet = packet.clone();
    *reason_mut(&mut packet)? = Some(Arc::from(text));
    Some(packet)
}

/// The packet without one.
pub(super) fn bare(packet: &Packet) -> Option<Packet> {
    reason(packet)?;
    let mut packet = packet.clone();
    *reason_mut(&mut packet)? = None;
    Some(packet)
}

fn reason(packet: &Packet) -> Option<&Arc<str>> {
    match packet {
        Packet::ConnAck(ack) => ack.properties.reason.as_ref(),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            ack.reason.as_ref()
        }
        Packet::SubAck(ack) => ack.reason.as_ref(),
        Packet::UnsubAck(ack) => ack.reason.as_ref(),
        Packet::Disconnect(disconnect) => disconnect.reason.as_ref(),
        _ => None,
    }
}

fn reason_mut(packet: &mut Packet) -> Option<&mut Option<Arc<str>>> {
    match packet {
        Packet::ConnAck(ack) => Some(&mut ack.properties.reason),
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            Some(&mut ack.reason)
        }
        Packet::SubAck(ack) => Some(&mut ack.reason),
        Packet::UnsubAck(ack) => Some(&mut ack.reason),
        Packet::Disconnect(disconnect) => Some(&mut disconnect.reason),
        _ => None,
    }
}

fn text(packet: &Packet) -> Option<&'static str> {
    match packet {
        Packet::ConnAck(ack) => connack(ack.code),
        Packet::PubAck(ack) | Packet::PubRec(ack) => publish(ack.code),
        Packet::SubAck(ack) => ack.codes.iter().find_map(|code| filter(*code)),
        Packet::UnsubAck(ack) => ack.codes.iter().find_map(|code| filter(*code)),
        Packet::Disconnect(disconnect) => disconnected(disconnect.code),
        _ => None,
    }
}

const fn connack(code: ReasonCode) -> Option<&'static str> {
    match code {
        ReasonCode::CLIENT_IDENTIFIER_NOT_VALID => {
            Some("a session with this client id belongs to another user")
        }
        ReasonCode::TOPIC_NAME_INVALID => Some(
            "the will's topic or response topic is empty, too long, too deep or has a wildcard",
        ),
        ReasonCode::NOT_AUTHORIZED => Some("the will's topic is the server's own"),
        _ => None,
    }
}

const fn publish(code: ReasonCode) -> Option<&'static str> {
    match code {
        ReasonCode::NOT_AUTHORIZED => Some("$SYS topics are the server's own"),
        ReasonCode::QUOTA_EXCEEDED => {
            Some("delivered, but not retained: as many messages as may be are")
        }
        _ => None,
    }
}

const fn filter(code: ReasonCode) -> Option<&'static str> {
    match code {
        ReasonCode::TOPIC_FILTER_INVALID => Some(
            "a wildcard fills its level, # is last, a shared filter is $share/<name>/<filter>, and none is too long or too deep",
        ),
        ReasonCode::QUOTA_EXCEEDED => Some("the client has as many subscriptions as it may have"),
        _ => None,
    }
}

const fn disconnected(code: ReasonCode) -> Option<&'static str> {
    match code {
        ReasonCode::SESSION_TAKEN_OVER => Some("another connection has this client id now"),
        ReasonCode::TOPIC_NAME_INVALID => {
            Some("a topic or response topic is too long, too deep or has a wildcard")
        }
        ReasonCode::RECEIVE_MAXIMUM_EXCEEDED => {
            Some("more messages are unacknowledged than the CONNACK allowed")
        }
        ReasonCode::TOPIC_ALIAS_INVALID => Some("the topic alias is over what the CONNACK allowed"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Ack, Disconnect, PacketId, SubAck};

    fn told(packet: &Packet) -> Option<String> {
        explained(packet)
            .as_ref()
            .and_then(reason)
            .map(ToString::to_string)
    }

    #[test]
    fn only_what_went_wrong_is_explained() {
        let ack = |code| Packet::PubAck(Ack::new(PacketId::MIN, code));
        assert_eq!(told(&ack(ReasonCode::SUCCESS)), None);
        assert_eq!(told(&ack(ReasonCode::NO_MATCHING_SUBSCRIBERS)), None);
        assert!(told(&ack(ReasonCode::NOT_AUTHORIZED)).is_some());
        let codes = vec![ReasonCode::SUCCESS, ReasonCode::TOPIC_FILTER_INVALID];
        let suback = Packet::SubAck(SubAck::new(PacketId::MIN, codes));
        assert!(told(&suback).is_some_and(|text| text.contains("$share")));
        assert_eq!(told(&Packet::PingResp), None);
    }

    #[test]
    fn a_better_reason_stays_and_can_be_taken_away() {
        let known = Packet::Disconnect(Disconnect {
            reason: Some("because".into()),
            ..Disconnect::new(ReasonCode::SESSION_TAKEN_OVER)
        });
        assert_eq!(told(&known).as_deref(), Some("because"));
        let without = Packet::Disconnect(Disconnect::new(ReasonCode::SESSION_TAKEN_OVER));
        assert_eq!(bare(&known), Some(without.clone()));
        assert_eq!(bare(&without), None);
    }
}
