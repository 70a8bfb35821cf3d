//! Properties of MQTT 5 packets, as bytes.

use super::{field, length};

/// Property identifiers.
pub mod id {
    pub const PAYLOAD_FORMAT: u8 = 0x01;
    pub const MESSAGE_EXPIRY: u8 = 0x02;
    pub const CONTENT_TYPE: u8 = 0x03;
    pub const RESPONSE_TOPIC: u8 = 0x08;
    pub const CORRELATION_DATA: u8 = 0x09;
    pub const SUBSCRIPTION_ID: u8 = 0x0B;
    pub const SESSION_EXPIRY: u8 = 0x11;
    pub const ASSIGNED_CLIENT_ID: u8 = 0x12;
    pub const SERVER_KEEP_ALIVE: u8 = 0x13;
    pub const AUTH_METHOD: u8 = 0x15;
    pub const AUTH_DATA: u8 = 0x16;
    pub const REQUEST_PROBLEM_INFORMATION: u8 = 0x17;
    pub const WILL_DELAY: u8 = 0x18;
    pub const REQUEST_RESPONSE_INFORMATION: u8 = 0x19;
    pub const RESPONSE_INFORMATION: u8 = 0x1A;
    pub const REASON_STRING: u8 = 0x1F;
    pub const RECEIVE_MAXIMUM: u8 = 0x21;
    pub const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
    pub const TOPIC_ALIAS: u8 = 0x23;
    pub const MAXIMUM_QOS: u8 = 0x24;
    pub const RETAIN_AVAILABLE: u8 = 0x25;
    pub const USER_PROPERTY: u8 = 0x26;
    pub const MAXIMUM_PACKET_SIZE: u8 = 0x27;
    pub const WILDCARD_AVAILABLE: u8 = 0x28;
    pub const SUBSCRIPTION_IDS_AVAILABLE: u8 = 0x29;
    pub const SHARED_AVAILABLE: u8 = 0x2A;
}

/// In the order in which they were written: an identifier and the bytes of its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(Vec<(u8, Vec<u8>)>);

impl Properties {
    pub fn new() -> Self {
        Self::default()
    }

    /// A value as it is, right or wrong.
    #[must_use]
    pub fn raw(mut self, id: u8, value: &[u8]) -> Self {
        self.0.push((id, value.to_vec()));
        self
    }

    #[must_use]
    pub fn byte(self, id: u8, value: u8) -> Self {
        self.raw(id, &[value])
    }

    #[must_use]
    pub fn two(self, id: u8, value: u16) -> Self {
        self.raw(id, &value.to_be_bytes())
    }

    #[must_use]
    pub fn four(self, id: u8, value: u32) -> Self {
        self.raw(id, &value.to_be_bytes())
    }

    /// A string or binary data.
    #[must_use]
    pub fn text(self, id: u8, value: impl AsRef<[u8]>) -> Self {
        let mut bytes = Vec::new();
        field(&mut bytes, value);
        self.raw(id, &bytes)
    }

    #[must_use]
    pub fn number(self, id: u8, value: usize) -> Self {
        self.raw(id, &length(value))
    }

    #[must_use]
    pub fn user(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let mut bytes = Vec::new();
        field(&mut bytes, name);
        field(&mut bytes, value);
        self.raw(id::USER_PROPERTY, &bytes)
    }

    /// With the length in front.
    pub fn encode(&self) -> Vec<u8> {
        let mut list = Vec::new();
        for (id, value) in &self.0 {
            list.push(*id);
            list.extend(value);
        }
        let mut out = length(list.len());
        out.extend(list);
        out
    }

    /// Reads a list with its length, and tells how many bytes it took. Stops at what the standard does not know.
    pub fn read(bytes: &[u8]) -> (Self, usize) {
        let (len, mut at) = read_length(bytes);
        let end = at + len;
        let mut properties = Self::default();
        while at < end {
            let id = bytes[at];
            let size = size_of_value(id, &bytes[at + 1..end]);
            let value = bytes[at + 1..at + 1 + size].to_vec();
            properties.0.push((id, value));
            at += 1 + size;
        }
        (properties, end)
    }

    /// The bytes of a property that stands once; strings without their length.
    pub fn get(&self, id: u8) -> Option<&[u8]> {
        let found = self.all(id);
        assert!(found.len() < 2, "{id:#04x} stands twice: {self:?}");
        found.first().copied()
    }

    /// Of all with that identifier, in order.
    pub fn all(&self, id: u8) -> Vec<&[u8]> {
        let of = self.0.iter().filter(|(it, _)| *it == id);
        of.map(|(_, value)| if is_text(id) { &value[2..] } else { &value[..] })
            .collect()
    }

    /// As a whole number, whatever its size.
    pub fn value(&self, id: u8) -> Option<u32> {
        let bytes = self.get(id)?;
        if id == id::SUBSCRIPTION_ID {
            return u32::try_from(read_length(bytes).0).ok();
        }
        Some(
            bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
        )
    }

    /// Subscription identifiers, in rising order.
    pub fn subscription_ids(&self) -> Vec<usize> {
        let all = self.all(id::SUBSCRIPTION_ID);
        let mut ids: Vec<_> = all.iter().map(|bytes| read_length(bytes).0).collect();
        ids.sort_unstable();
        ids
    }

    pub fn has(&self, id: u8) -> bool {
        !self.all(id).is_empty()
    }
}

fn is_text(id: u8) -> bool {
    matches!(
        id,
        0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1A | 0x1C | 0x1F
    )
}

fn size_of_value(id: u8, bytes: &[u8]) -> usize {
    let text = |at: usize| 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    match id {
        0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2A => 1,
        0x13 | 0x21 | 0x22 | 0x23 => 2,
        0x02 | 0x11 | 0x18 | 0x27 => 4,
        0x0B => read_length(bytes).1,
        0x26 => text(0) + text(text(0)),
        id if is_text(id) => text(0),
        _ => panic!("property {id:#04x} is unknown"),
    }
}

/// A variable byte integer and how many bytes it took; stops at one that could be shorter.
fn read_length(bytes: &[u8]) -> (usize, usize) {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            assert!(at == 0 || *byte != 0, "a length in too many bytes");
            return (value, at + 1);
        }
    }
    panic!("a length without an end: {bytes:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let properties = Properties::new()
            .byte(id::PAYLOAD_FORMAT, 1)
            .four(id::MESSAGE_EXPIRY, 70_000)
            .text(id::CONTENT_TYPE, "text/plain")
            .user("k", "v")
            .user("k", "w")
            .number(id::SUBSCRIPTION_ID, 300);
        let mut bytes = properties.encode();
        let len = bytes.len();
        bytes.extend(b"payload");
        let (read, used) = Properties::read(&bytes);
        assert_eq!((&read, used), (&properties, len));
        assert_eq!(read.value(id::MESSAGE_EXPIRY), Some(70_000));
        assert_eq!(read.value(id::SUBSCRIPTION_ID), Some(300));
        assert_eq!(read.get(id::CONTENT_TYPE), Some(&b"text/plain"[..]));
        assert_eq!(read.all(id::USER_PROPERTY).len(), 2);
        assert_eq!(bytes[1..3], [0x01, 1]);
    }
}
