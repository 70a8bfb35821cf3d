//! MQTT 3.1.1 and 5.0 on the wire: whole packets in, typed packets out, and back.
//!
//! `frame` cuts a byte stream into whole packets, `check` refuses what the standards forbid, `decode` and `encode`
//! translate between the types of ntex-mqtt's codecs and ours; PUBLISH is read and written by `publish`. Both directions
//! of both protocols work, so that the swarm uses the same module. What is checked where: `docs/codec.md`.

mod alias;
mod check;
mod cursor;
mod decode;
mod encode;
mod error;
mod filters;
pub mod frame;
mod packet;
mod properties;
mod publish;
mod publish_frame;
mod reason;
mod reasons;
mod sniff;
mod v3;
mod v5;
mod will;

#[cfg(test)]
mod tests;

pub use crate::link::Protocol;
pub use alias::PublishParts;
pub use decode::decode;
pub use encode::{encode, encode_into};
pub use error::{DecodeError, EncodeError, Violation};
pub use filters::filter_count;
pub use packet::{
    Ack, Auth, ConnAck, ConnAckProperties, Connect, ConnectProperties, Disconnect,
    MessageProperties, Packet, PacketId, PayloadFormat, Publish, QoS, RetainHandling, SubAck,
    Subscribe, Subscription, UnsubAck, Unsubscribe, UserProperties, Will,
};
pub use publish_frame::PublishFrame;
pub use reason::ReasonCode;
pub use sniff::{SniffError, sniff};
