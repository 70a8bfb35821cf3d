//! A message encoded once for all who get it in the same shape.

use std::time::Duration;

use super::{Shape, SubscriptionIds};
use crate::codec::{EncodeError, Protocol, Publish, PublishFrame};
use crate::routing::Message;

/// Frames of one message at one moment, made when they are first wanted.
#[derive(Debug, Default)]
pub struct FrameCache {
    /// Protocol × QoS × retain, without subscription identifiers.
    frames: [Option<PublishFrame>; 12],
    /// The last few with some. Clients of one program use the same identifiers, so that few differ.
    identified: Vec<(usize, SubscriptionIds, PublishFrame)>,
}

/// Frames with identifiers that are kept: looking through more costs as much as making one.
const IDENTIFIED: usize = 4;

impl FrameCache {
    pub fn get(
        &mut self,
        message: &Message,
        protocol: Protocol,
        shape: &Shape,
        now: Duration,
    ) -> Result<&PublishFrame, EncodeError> {
        let at = usize::from(protocol == Protocol::V5) * 6
            + (shape.qos as usize) * 2
            + usize::from(shape.retain);
        let plain = match &mut self.frames[at] {
            Some(frame) => frame,
            slot => slot.insert(encode(message, protocol, shape, now)?),
        };
        if protocol == Protocol::V311 || shape.ids == SubscriptionIds::None {
            return Ok(plain);
        }
        let known = self
            .identified
            .iter()
            .position(|(shape_at, ids, _)| *shape_at == at && *ids == shape.ids);
        let place = if let Some(place) = known {
            place
        } else {
            let frame = plain.with_subscription_ids(shape.ids.as_slice())?;
            if self.identified.len() >= IDENTIFIED {
                self.identified.remove(0);
            }
            self.identified.push((at, shape.ids.clone(), frame));
            self.identified.len() - 1
        };
        Ok(&self.identified[place].2)
    }
}

fn encode(
    message: &Message,
    protocol: Protocol,
    shape: &Shape,
    now: Duration,
) -> Result<PublishFrame, EncodeError> {
    let publish = Publish {
        qos: shape.qos,
        retain: shape.retain,
        properties: message.properties_at(now),
        ..Publish::new(message.topic.shared(), message.payload.clone())
    };
    PublishFrame::new(protocol, publish)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::codec::{Packet, decode};
    use crate::routing::TopicName;

    #[test]
    fn each_set_of_identifiers_is_made_once_and_only_a_few_are_kept() {
        let topic = TopicName::new("t".into()).unwrap();
        let message = Message::new(topic, b"x", "c".into());
        let mut frames = FrameCache::default();
        let mut get = |protocol, id| {
            let shape = Shape {
                ids: NonZeroU32::new(id).into(),
                ..Shape::default()
            };
            let frame = frames.get(&message, protocol, &shape, Duration::ZERO);
            frame.unwrap().shared()
        };
        let ids_of = |protocol, bytes| match decode(protocol, &bytes) {
            Ok(Packet::Publish(publish)) => publish.subscription_ids,
            other => panic!("{other:?}"),
        };
        let first = get(Protocol::V5, 300);
        assert_eq!(
            ids_of(Protocol::V5, first.clone()),
            [NonZeroU32::new(300).unwrap()]
        );
        assert_eq!(get(Protocol::V5, 300).as_ptr(), first.as_ptr());
        for id in 1..10 {
            get(Protocol::V5, id);
        }
        assert_ne!(get(Protocol::V5, 300).as_ptr(), first.as_ptr());
        assert_eq!(ids_of(Protocol::V5, get(Protocol::V5, 0)), []);
        assert_eq!(ids_of(Protocol::V311, get(Protocol::V311, 300)), []);
        assert_eq!(frames.identified.len(), IDENTIFIED);
    }
}
