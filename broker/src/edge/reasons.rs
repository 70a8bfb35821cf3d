//! Why, in words: the Reason Strings of what the edge says. None is longer than a hundred bytes.

use crate::codec::ReasonCode;

pub(super) const BUSY: &str = "too many clients are coming back: come again later";
pub(super) const UNAVAILABLE: &str = "sessions cannot be reached now: come again later";
pub(super) const CLIENT_ID_TOO_LONG: &str = "the client id is longer than it may be here";

pub(super) const NOT_NOW: &str = "only AUTH and DISCONNECT may come before the CONNACK";
pub(super) const AUTH_TOO_LARGE: &str = "an AUTH is larger than it may be";
pub(super) const CHALLENGE_TOO_LARGE: &str = "the client takes no packet as large as the challenge";
pub(super) const OTHER_AUTH: &str = "an AUTH must go on with the method of the CONNECT";
pub(super) const NO_PACKET: &str = "what came is no packet of MQTT";

/// Of an exchange before the CONNACK.
#[cfg(test)]
pub(super) const EXCHANGE: [&str; 5] = [
    NOT_NOW,
    AUTH_TOO_LARGE,
    CHALLENGE_TOO_LARGE,
    OTHER_AUTH,
    NO_PACKET,
];

/// Of a DISCONNECT.
pub(super) const fn disconnected(code: ReasonCode) -> Option<&'static str> {
    match code {
        ReasonCode::KEEP_ALIVE_TIMEOUT => {
            Some("nothing came for one and a half times the keep-alive")
        }
        ReasonCode::PACKET_TOO_LARGE => Some("the packet is larger than the CONNACK allowed"),
        ReasonCode::MALFORMED_PACKET => Some(NO_PACKET),
        ReasonCode::PROTOCOL_ERROR => Some("the packet may not come here"),
        ReasonCode::TOPIC_ALIAS_INVALID => {
            Some("the topic alias is over what the CONNACK allowed, or stands for nothing")
        }
        ReasonCode::NOT_AUTHORIZED => Some("the client did not prove again who it is"),
        ReasonCode::QUOTA_EXCEEDED => {
            Some("packets waited for too long until the client took them")
        }
        ReasonCode::SERVER_SHUTTING_DOWN => Some("this server goes away: connect again"),
        _ => None,
    }
}
