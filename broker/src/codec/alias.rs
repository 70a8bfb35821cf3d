//! Topic aliases (MQTT 5 section 3.3.2.3.4) in whole PUBLISH packets, whose other fields stay as they are.

use std::num::NonZeroU16;
use std::ops::Range;

use bytes::{BufMut, BytesMut};

use super::cursor::Cursor;
use super::{Violation, frame, properties};

/// Where the parts of a PUBLISH of MQTT 5 stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishParts {
    topic: Range<usize>,
    /// The property list without its length.
    list: Range<usize>,
    /// Three bytes, if it is there.
    alias_at: Option<usize>,
    pub alias: Option<NonZeroU16>,
}

impl PublishParts {
    /// `None`: not a PUBLISH, or one that whoever decodes it will refuse.
    pub fn of(packet: &[u8]) -> Option<Self> {
        Self::find(packet).ok()
    }

    fn find(packet: &[u8]) -> Result<Self, Violation> {
        let header = frame::header(packet)
            .ok()
            .flatten()
            .filter(|header| header.first >> 4 == frame::PUBLISH >> 4)
            .ok_or(Violation::PacketType)?;
        let mut body = Cursor::new(packet, header.len);
        let len = body.binary()?.len();
        let topic = body.at() - len..body.at();
        if header.first & 0b110 != 0 {
            body.u16()?;
        }
        let len = body.length()?;
        let list = body.at()..body.at() + len;
        let (mut alias_at, mut alias) = (None, None);
        while body.at() < list.end {
            let at = body.at();
            let id = body.u8()?;
            if id != properties::TOPIC_ALIAS {
                properties::skip(&mut body, id)?;
            } else if alias_at.replace(at).is_some() {
                return Err(Violation::RepeatedProperty);
            } else {
                alias = Some(NonZeroU16::new(body.u16()?).ok_or(Violation::TopicAliasZero)?);
            }
        }
        if body.at() == list.end {
            Ok(Self {
                topic,
                list,
                alias_at,
                alias,
            })
        } else {
            Err(Violation::TooShort)
        }
    }

    /// `packet`: the one that this was found in.
    pub fn topic<'a>(&self, packet: &'a [u8]) -> &'a [u8] {
        packet.get(self.topic.clone()).unwrap_or_default()
    }

    /// Appends `packet` with another topic, and with this alias or none.
    pub fn rewrite(
        &self,
        packet: &[u8],
        topic: &[u8],
        alias: Option<NonZeroU16>,
        out: &mut BytesMut,
    ) {
        let (before, after) = match self.alias_at {
            Some(at) => (self.list.start..at, at + ALIAS_LEN..self.list.end),
            None => (self.list.start..self.list.end, self.list.end..self.list.end),
        };
        let list = before.len() + after.len() + if alias.is_some() { ALIAS_LEN } else { 0 };
        let id_len = if packet[0] & 0b110 == 0 { 0 } else { 2 };
        let id = &packet[self.topic.end..self.topic.end + id_len];
        let payload = &packet[self.list.end..];
        let remaining = 2 + topic.len() + id.len() + frame::length_len(list) + list + payload.len();
        out.reserve(5 + remaining);
        out.put_u8(packet[0]);
        frame::put_length(remaining, out);
        // it came behind a length of two bytes
        out.put_u16(u16::try_from(topic.len()).unwrap_or(u16::MAX));
        out.put_slice(topic);
        out.put_slice(id);
        frame::put_length(list, out);
        if let Some(alias) = alias {
            out.put_u8(properties::TOPIC_ALIAS);
            out.put_u16(alias.get());
        }
        out.put_slice(&packet[before]);
        out.put_slice(&packet[after]);
        out.put_slice(payload);
    }
}

/// Its id and its value.
const ALIAS_LEN: usize = 3;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::codec::{
        MessageProperties, Packet, PacketId, Protocol, Publish, QoS, decode, encode,
    };

    fn publish(topic: &str, alias: u16, id: u16) -> Publish {
        let qos = if id > 0 {
            QoS::AtLeastOnce
        } else {
            QoS::AtMostOnce
        };
        Publish {
            qos,
            packet_id: PacketId::new(id),
            topic_alias: NonZeroU16::new(alias),
            properties: Some(
                MessageProperties {
                    content_type: Some("x".repeat(130).into()),
                    ..MessageProperties::default()
                }
                .into(),
            ),
            ..Publish::new(topic, &b"payload"[..])
        }
    }

    fn bytes(publish: &Publish) -> Bytes {
        encode(Protocol::V5, &Packet::Publish(publish.clone())).unwrap()
    }

    #[test]
    fn the_topic_and_the_alias_change_and_nothing_else() {
        for (from, to) in [
            (publish("", 3, 0), publish("a/b", 0, 0)),
            (publish("a/b", 3, 7), publish("a/b", 0, 7)),
            (publish("a/b", 0, 7), publish("", 300, 7)),
            (publish("a/b", 0, 0), publish("a/b", 1, 0)),
        ] {
            let packet = bytes(&from);
            let parts = PublishParts::of(&packet).unwrap();
            assert_eq!(parts.topic(&packet), from.topic.as_bytes());
            assert_eq!(parts.alias, from.topic_alias);
            let mut out = BytesMut::from(&b"before"[..]);
            parts.rewrite(&packet, to.topic.as_bytes(), to.topic_alias, &mut out);
            let rewritten = out.freeze().slice(6..);
            assert_eq!(decode(Protocol::V5, &rewritten), Ok(Packet::Publish(to)));
        }
    }

    #[test]
    fn what_will_be_refused_has_no_parts() {
        for packet in [
            &[0xC0, 0x00][..],
            &[0x30, 0x07, 0, 1, b'a', 3, 0x23, 0, 0],
            &[0x30, 0x0A, 0, 1, b'a', 6, 0x23, 0, 1, 0x23, 0, 1],
            &[0x30, 0x06, 0, 1, b'a', 3, 0x23, 0],
            &[0x30, 0x03, 0, 9, b'a'],
        ] {
            assert_eq!(PublishParts::of(packet), None, "{packet:x?}");
        }
    }
}
