//! MQTT 3.1.1 and 5.0 on the wire: whole packets in, typed packets out, and back.
//!
//! `frame` cuts a byte stream into whole packets, `check` refuses what the ntex-mqtt codecs let through (and what
//! makes them panic), `decode` and `encode` translate between their types and ours. Both directions of both
//! protocols work, so that the swarm uses the same module.

mod check;
mod cursor;
mod decode;
mod encode;
mod error;
pub mod frame;
mod packet;
mod properties;
mod publish_frame;
mod reason;
mod sniff;
mod v3;
mod v5;

#[cfg(test)]
mod tests;

pub use crate::link::Protocol;
pub use decode::decode;
pub use encode::{encode, encode_into};
pub use error::{DecodeError, EncodeError, Violation};
pub use packet::{
    Ack, Auth, ConnAck, ConnAckProperties, Connect, ConnectProperties, Disconnect,
    MessageProperties, Packet, PacketId, Publish, QoS, RetainHandling, SubAck, Subscribe,
    Subscription, UnsubAck, Unsubscribe, UserProperties, Will,
};
pub use publish_frame::PublishFrame;
pub use reason::ReasonCode;
pub use sniff::{SniffError, sniff};
