//! Aliases that a client is sent, where it takes some and they pay.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU16;

use bytes::{Bytes, BytesMut};

use crate::codec::{PublishParts, frame};

/// Topics that one client may have aliases for, whatever it allows: those it hears all the time. They are looked through
/// one by one, which more would make dear.
const MOST: u16 = 16;
/// Topics of the last packets that had no alias: one that comes again within these gets one.
const SEEN: usize = 16;
/// An alias takes three bytes: a shorter topic is not worth it.
const SHORTEST: usize = 8;
/// A larger packet is not copied to save some bytes of it, least of all one that other clients share.
const LARGEST: usize = 1024;

/// One client's aliases, latest used first.
#[derive(Debug)]
pub(in crate::edge) struct Outbound {
    most: u16,
    /// Bytes of the largest packet that the client takes.
    max_packet: usize,
    known: Vec<(Box<[u8]>, NonZeroU16)>,
    /// Hashes of topics, as a ring; no memory before the first.
    seen: Vec<u64>,
    next: usize,
}

/// What becomes of one packet.
enum Choice {
    AsItIs,
    /// The alias stands for the topic.
    Short(NonZeroU16),
    /// The topic with the alias that will stand for it.
    Introduce(NonZeroU16),
}

impl Outbound {
    /// `None`: the client takes no aliases, or none are wanted here.
    pub(in crate::edge) fn new(theirs: u16, ours: u16, max_packet: usize) -> Option<Self> {
        let most = theirs.min(ours).min(MOST);
        (most > 0).then(|| Self {
            most,
            max_packet,
            known: Vec::new(),
            seen: Vec::new(),
            next: 0,
        })
    }

    /// Whole packets, as the client shall get them.
    pub(in crate::edge) fn shorten(&mut self, packets: Bytes) -> Bytes {
        // Copied from the first packet on that changes; until then, nothing.
        let mut out = BytesMut::new();
        let (mut at, mut copied) = (0, 0);
        while let Ok(Some(len)) = frame::packet_len(&packets[at..], usize::MAX)
            && let Some(packet) = packets.get(at..at + len)
        {
            if let Some((parts, topic, alias)) = self.change(packet) {
                out.extend_from_slice(&packets[copied..at]);
                parts.rewrite(packet, topic, Some(alias), &mut out);
                copied = at + len;
            }
            at += len;
        }
        if copied == 0 {
            return packets;
        }
        out.extend_from_slice(&packets[copied..]);
        out.freeze()
    }

    fn change<'a>(&mut self, packet: &'a [u8]) -> Option<(PublishParts, &'a [u8], NonZeroU16)> {
        if packet.len() > LARGEST || packet.first()? >> 4 != frame::PUBLISH >> 4 {
            return None;
        }
        let parts = PublishParts::of(packet)?;
        let topic = parts.topic(packet);
        match self.choose(topic, packet.len()) {
            Choice::AsItIs => None,
            Choice::Short(alias) => Some((parts, &[], alias)),
            Choice::Introduce(alias) => Some((parts, topic, alias)),
        }
    }

    fn choose(&mut self, topic: &[u8], packet: usize) -> Choice {
        if topic.len() < SHORTEST {
            return Choice::AsItIs;
        }
        if let Some(at) = self.known.iter().position(|(known, _)| **known == *topic) {
            self.known[..=at].rotate_right(1);
            return Choice::Short(self.known[0].1);
        }
        // the alias, and perhaps a longer length before it and before all
        let grown = packet + 5;
        if grown > self.max_packet || !self.was_seen(topic) {
            return Choice::AsItIs;
        }
        let alias = self.free_alias();
        self.known.insert(0, (topic.into(), alias));
        Choice::Introduce(alias)
    }

    fn was_seen(&mut self, topic: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        topic.hash(&mut hasher);
        let hash = hasher.finish();
        if self.seen.contains(&hash) {
            return true;
        }
        if self.seen.len() < SEEN {
            self.seen.push(hash);
        } else {
            self.seen[self.next] = hash;
            self.next = (self.next + 1) % SEEN;
        }
        false
    }

    /// The next, or that of the topic that was used longest ago.
    fn free_alias(&mut self) -> NonZeroU16 {
        let next = u16::try_from(self.known.len() + 1).unwrap_or(u16::MAX);
        let oldest = (next > self.most).then(|| self.known.pop()).flatten();
        oldest.map_or_else(
            || NonZeroU16::new(next).unwrap_or(NonZeroU16::MIN),
            |(_, alias)| alias,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Packet, Protocol, Publish, decode, encode};

    fn publish(topic: &str) -> Bytes {
        let publish = Publish::new(topic, &b"x"[..]);
        encode(Protocol::V5, &Packet::Publish(publish)).unwrap()
    }

    fn heard(packets: Bytes) -> Vec<(String, u16)> {
        let decoded = frame::packets(packets).filter_map(|packet| {
            match decode(Protocol::V5, &packet.unwrap()).unwrap() {
                Packet::Publish(publish) => Some((
                    publish.topic.to_string(),
                    publish.topic_alias.map_or(0, NonZeroU16::get),
                )),
                _ => None,
            }
        });
        decoded.collect()
    }

    fn tell(outbound: &mut Outbound, topic: &str) -> (String, u16) {
        heard(outbound.shorten(publish(topic))).remove(0)
    }

    #[test]
    fn a_topic_that_comes_again_gets_an_alias_and_the_one_after_that_is_short() {
        let mut outbound = Outbound::new(2, 16, usize::MAX).unwrap();
        for (topic, told, alias) in [
            ("gateway/1", "gateway/1", 0),
            ("gateway/1", "gateway/1", 1),
            ("gateway/1", "", 1),
            ("gateway/2", "gateway/2", 0),
            ("gateway/2", "gateway/2", 2),
            ("gateway/1", "", 1),
            // the alias of the one that was used longest ago
            ("gateway/3", "gateway/3", 0),
            ("gateway/3", "gateway/3", 2),
            ("gateway/3", "", 2),
            ("gateway/2", "gateway/2", 1),
            // not worth it
            ("short", "short", 0),
            ("short", "short", 0),
        ] {
            assert_eq!(tell(&mut outbound, topic), (told.to_owned(), alias));
        }
    }

    #[test]
    fn other_packets_and_large_ones_pass_as_they_are() {
        let mut outbound = Outbound::new(10, 16, usize::MAX).unwrap();
        let large = Publish::new("gateway/1", vec![0; LARGEST]);
        let large = encode(Protocol::V5, &Packet::Publish(large)).unwrap();
        for _ in 0..3 {
            let same = outbound.shorten(large.clone());
            assert_eq!(same.as_ptr(), large.as_ptr(), "shared, not copied");
        }
        let many = [
            &[0x40, 2, 0, 1][..],
            &publish("gateway/2"),
            &publish("gateway/2"),
        ]
        .concat();
        let many = Bytes::from([&many[..], &publish("gateway/2"), &[0xD0, 0]].concat());
        let out = outbound.shorten(many);
        assert_eq!(
            (&out[..4], &out[out.len() - 2..]),
            (&[0x40, 2, 0, 1][..], &[0xD0, 0][..])
        );
        let told: Vec<u16> = frame::packets(out)
            .filter_map(|packet| PublishParts::of(&packet.unwrap()))
            .map(|parts| parts.alias.map_or(0, NonZeroU16::get))
            .collect();
        assert_eq!(told, [0, 1, 1]);
    }

    #[test]
    fn nothing_grows_beyond_the_clients_maximum() {
        let len = publish("gateway/1").len();
        let mut outbound = Outbound::new(10, 16, len).unwrap();
        for _ in 0..4 {
            assert_eq!(outbound.shorten(publish("gateway/1")).len(), len);
        }
        assert!(Outbound::new(0, 16, usize::MAX).is_none());
        assert!(Outbound::new(16, 0, usize::MAX).is_none());
    }
}
