//! Packets by hand: written and read here without the broker's codec, so that both must be wrong in the same way to
//! agree on a mistake.

mod connect;
mod peer;
mod properties;
mod publish;

pub use connect::Connect;
pub use peer::{Peer, REPLY_WITHIN};
pub use properties::{Properties, id};
pub use publish::Publish;

use crate::mqtt::{Packet, packet};

pub const PUBREC: u8 = 0x50;
pub const PUBREL: u8 = 0x60;
pub const PUBCOMP: u8 = 0x70;
pub const SUBSCRIBE: u8 = 0x80;
pub const UNSUBSCRIBE: u8 = 0xA0;
pub const UNSUBACK: u8 = 0xB0;
pub const PINGREQ: u8 = 0xC0;
pub const AUTH: u8 = 0xF0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V311,
    V5,
}

pub const BOTH: [Version; 2] = [Version::V311, Version::V5];

impl Version {
    pub fn is_5(self) -> bool {
        self == Self::V5
    }
}

/// Two bytes of length, then the bytes.
pub fn field(out: &mut Vec<u8>, bytes: impl AsRef<[u8]>) {
    let bytes = bytes.as_ref();
    out.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend(bytes);
}

/// A variable byte integer in the fewest bytes.
pub fn length(mut rest: usize) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = u8::try_from(rest & 0x7F).unwrap();
        rest >>= 7;
        out.push(if rest > 0 { low | 0x80 } else { low });
        if rest == 0 {
            return out;
        }
    }
}

/// SUBSCRIBE or UNSUBSCRIBE, as `first` says: an id, properties in version 5, and `list` as it is.
pub fn request(
    version: Version,
    first: u8,
    packet_id: u16,
    properties: &Properties,
    list: &[u8],
) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    if version.is_5() {
        body.extend(properties.encode());
    }
    body.extend(list);
    packet(first, &body)
}

/// Filters with their options byte.
pub fn wishes(filters: &[(&str, u8)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (filter, options) in filters {
        field(&mut list, filter);
        list.push(*options);
    }
    list
}

pub fn names(filters: &[&str]) -> Vec<u8> {
    let mut list = Vec::new();
    for filter in filters {
        field(&mut list, filter);
    }
    list
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP in their short form.
pub fn ack(kind: u8, packet_id: u16) -> Vec<u8> {
    let flags = if kind == PUBREL { 2 } else { 0 };
    packet(kind | flags, &packet_id.to_be_bytes())
}

/// As `ack`, with a reason code; version 5.
pub fn ack_with(kind: u8, packet_id: u16, code: u8) -> Vec<u8> {
    let flags = if kind == PUBREL { 2 } else { 0 };
    let [high, low] = packet_id.to_be_bytes();
    packet(kind | flags, &[high, low, code])
}

/// What PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub kind: u8,
    pub id: u16,
    pub codes: Vec<u8>,
    pub properties: Properties,
}

impl Answer {
    /// Stops when the packet is not what it should be.
    pub fn read(version: Version, packet: &Packet) -> Self {
        let body = &packet.body;
        assert!(body.len() >= 2, "too short for an id: {packet:?}");
        let kind = packet.kind();
        let id = u16::from_be_bytes([body[0], body[1]]);
        let rest = &body[2..];
        let (codes, properties) = match kind {
            0x90 | UNSUBACK if version.is_5() => {
                let (properties, used) = Properties::read(rest);
                (rest[used..].to_vec(), properties)
            }
            0x90 | UNSUBACK => (rest.to_vec(), Properties::default()),
            // a code of success may be left out, the properties too
            _ => match rest {
                [] => (vec![0], Properties::default()),
                [code] => (vec![*code], Properties::default()),
                [code, more @ ..] => {
                    let (properties, used) = Properties::read(more);
                    assert_eq!(used, more.len(), "bytes behind the properties: {packet:?}");
                    (vec![*code], properties)
                }
            },
        };
        assert!(
            version.is_5() || kind == 0x90 || rest.is_empty(),
            "3.1.1 has nothing behind the id: {packet:?}"
        );
        Self {
            kind,
            id,
            codes,
            properties,
        }
    }
}

/// CONNACK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnAck {
    pub flags: u8,
    pub code: u8,
    pub properties: Properties,
}

impl ConnAck {
    pub fn read(version: Version, packet: &Packet) -> Self {
        assert_eq!(packet.first, 0x20, "a CONNACK: {packet:?}");
        let (flags, code) = (packet.body[0], packet.body[1]);
        let rest = &packet.body[2..];
        let properties = if version.is_5() {
            let (properties, used) = Properties::read(rest);
            assert_eq!(used, rest.len(), "bytes behind the properties: {packet:?}");
            properties
        } else {
            assert!(rest.is_empty(), "{packet:?}");
            Properties::default()
        };
        Self {
            flags,
            code,
            properties,
        }
    }

    pub fn session_present(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// Code and properties of DISCONNECT or AUTH.
pub fn code_and_properties(packet: &Packet) -> (u8, Properties) {
    match packet.body.as_slice() {
        [] => (0, Properties::default()),
        [code] => (*code, Properties::default()),
        [code, rest @ ..] => {
            let (properties, used) = Properties::read(rest);
            assert_eq!(used, rest.len(), "bytes behind the properties: {packet:?}");
            (*code, properties)
        }
    }
}

/// DISCONNECT or AUTH of version 5.
pub fn with_code(first: u8, code: u8, properties: &Properties) -> Vec<u8> {
    let mut body = vec![code];
    body.extend(properties.encode());
    packet(first, &body)
}
