//! A message encoded once for all who get it in the same shape.

use std::time::Duration;

use crate::codec::{EncodeError, Protocol, Publish, PublishFrame, QoS};
use crate::routing::Message;

/// Frames of one message at one moment, made when they are first wanted.
#[derive(Debug, Default)]
pub struct FrameCache {
    /// Protocol × QoS × retain.
    frames: [Option<PublishFrame>; 8],
}

impl FrameCache {
    pub fn get(
        &mut self,
        message: &Message,
        protocol: Protocol,
        qos: QoS,
        retain: bool,
        now: Duration,
    ) -> Result<&PublishFrame, EncodeError> {
        let at = usize::from(protocol == Protocol::V5) * 4
            + usize::from(qos > QoS::AtMostOnce) * 2
            + usize::from(retain);
        let slot = &mut self.frames[at];
        match slot {
            Some(frame) => Ok(frame),
            None => Ok(slot.insert(encode(message, protocol, qos, retain, now)?)),
        }
    }
}

fn encode(
    message: &Message,
    protocol: Protocol,
    qos: QoS,
    retain: bool,
    now: Duration,
) -> Result<PublishFrame, EncodeError> {
    let publish = Publish {
        qos,
        retain,
        properties: message.properties_at(now),
        ..Publish::new(message.topic.shared(), message.payload.clone())
    };
    PublishFrame::new(protocol, publish)
}
