//! Aliases that a client sends [MQTT-3.3.2-8] to [MQTT-3.3.2-12].

use bytes::{Bytes, BytesMut};

use crate::codec::{PublishParts, ReasonCode};

/// What the client's aliases stand for. As many topics as its CONNACK allowed, of 64 KiB at most each.
#[derive(Debug)]
pub(in crate::edge) struct Inbound {
    most: u16,
    /// By alias, from 1.
    topics: Vec<Option<Box<[u8]>>>,
}

impl Inbound {
    pub(in crate::edge) fn new(most: u16) -> Self {
        Self {
            most,
            topics: Vec::new(),
        }
    }

    /// Whether some packet of these, all whole, has an alias.
    pub(in crate::edge) fn are_in(packets: &Bytes) -> bool {
        crate::codec::frame::packets(packets.clone())
            .flatten()
            .filter_map(|packet| PublishParts::of(&packet))
            .any(|parts| parts.alias.is_some())
    }

    /// Appends the packet as it would be without aliases. `Err`: how the client's connection ends.
    pub(in crate::edge) fn resolve(
        &mut self,
        packet: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), ReasonCode> {
        let found = PublishParts::of(packet).and_then(|parts| Some((parts.alias?, parts)));
        let Some((alias, parts)) = found else {
            out.extend_from_slice(packet);
            return Ok(());
        };
        if alias.get() > self.most {
            // [MQTT-3.3.2-9]
            return Err(ReasonCode::TOPIC_ALIAS_INVALID);
        }
        let place = usize::from(alias.get()) - 1;
        let topic = parts.topic(packet);
        if topic.is_empty() {
            let known = self.topics.get(place).and_then(Option::as_deref);
            // no topic, and nothing that stands for one (section 3.3.2.1)
            let topic = known.ok_or(ReasonCode::PROTOCOL_ERROR)?;
            parts.rewrite(packet, topic, None, out);
            return Ok(());
        }
        if self.topics.len() <= place {
            self.topics.resize(place + 1, None);
        }
        self.topics[place] = Some(topic.into());
        parts.rewrite(packet, topic, None, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::codec::{Packet, Protocol, Publish, decode, encode};

    fn publish(topic: &str, alias: u16) -> Bytes {
        let publish = Publish {
            topic_alias: NonZeroU16::new(alias),
            ..Publish::new(topic, &b"x"[..])
        };
        encode(Protocol::V5, &Packet::Publish(publish)).unwrap()
    }

    fn resolved(inbound: &mut Inbound, topic: &str, alias: u16) -> Result<String, ReasonCode> {
        let mut out = BytesMut::new();
        inbound.resolve(&publish(topic, alias), &mut out)?;
        match decode(Protocol::V5, &out.freeze()) {
            Ok(Packet::Publish(publish)) => {
                assert_eq!(
                    (publish.topic_alias, &publish.payload[..]),
                    (None, &b"x"[..])
                );
                Ok(publish.topic.to_string())
            }
            other => panic!("a PUBLISH, not {other:?}"),
        }
    }

    #[test]
    fn an_alias_stands_for_the_topic_it_came_with_last() {
        let mut inbound = Inbound::new(2);
        for (topic, alias, expected) in [
            ("a", 0, Ok("a")),
            ("", 2, Err(ReasonCode::PROTOCOL_ERROR)),
            ("b", 2, Ok("b")),
            ("", 2, Ok("b")),
            ("c", 1, Ok("c")),
            ("d", 2, Ok("d")),
            ("", 2, Ok("d")),
            ("", 1, Ok("c")),
            ("e", 3, Err(ReasonCode::TOPIC_ALIAS_INVALID)),
            ("", 3, Err(ReasonCode::TOPIC_ALIAS_INVALID)),
        ] {
            let found = resolved(&mut inbound, topic, alias);
            assert_eq!(found, expected.map(str::to_owned), "{topic:?} with {alias}");
        }
    }

    #[test]
    fn packets_without_aliases_are_told_from_those_with() {
        let both = [&[0xC0, 0][..], &publish("a", 0)].concat();
        assert!(!Inbound::are_in(&Bytes::from(both.clone())));
        let with = [&both[..], &publish("", 1)].concat();
        assert!(Inbound::are_in(&Bytes::from(with)));
    }
}
