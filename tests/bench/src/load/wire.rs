//! The few MQTT 3.1.1 packets that the load is made of.

/// First bytes.
pub(crate) const CONNACK: u8 = 0x20;
pub(crate) const PUBLISH: u8 = 0x30;
pub(crate) const PUBACK: u8 = 0x40;
pub(crate) const PUBREC: u8 = 0x50;
pub(crate) const PUBREL: u8 = 0x62;
pub(crate) const PUBCOMP: u8 = 0x70;
pub(crate) const SUBACK: u8 = 0x90;
pub(crate) const DISCONNECT: [u8; 2] = [0xE0, 0];

/// Nobody pings during a run: no scenario lasts that long.
const KEEP_ALIVE_SECONDS: u16 = 600;
const CLEAN_SESSION: u8 = 2;

pub(crate) fn connect(client_id: &str) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, "MQTT");
    body.extend_from_slice(&[4, CLEAN_SESSION]);
    body.extend_from_slice(&KEEP_ALIVE_SECONDS.to_be_bytes());
    text(&mut body, client_id);
    packet(0x10, &body)
}

pub(crate) fn subscribe(id: u16, filter: &str, qos: u8) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    text(&mut body, filter);
    body.push(qos);
    packet(0x82, &body)
}

/// `id` stands for nothing at QoS 0.
pub(crate) fn publish(topic: &str, qos: u8, id: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, topic);
    if qos > 0 {
        body.extend_from_slice(&id.to_be_bytes());
    }
    body.extend_from_slice(payload);
    packet(PUBLISH | qos << 1, &body)
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP.
pub(crate) fn ack(kind: u8, id: u16) -> [u8; 4] {
    let [high, low] = id.to_be_bytes();
    [kind, 2, high, low]
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut left = body.len();
    loop {
        let low = u8::try_from(left % 128).unwrap_or_default();
        left /= 128;
        packet.push(if left > 0 { low | 128 } else { low });
        if left == 0 {
            break;
        }
    }
    packet.extend_from_slice(body);
    packet
}

fn text(into: &mut Vec<u8>, text: &str) {
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    into.extend_from_slice(&len.to_be_bytes());
    into.extend_from_slice(text.as_bytes());
}

/// One received packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) first: u8,
    pub(crate) body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The first packet in `bytes` and what follows it; `None` while it is cut off.
    pub(crate) fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (first, mut rest) = bytes.split_first()?;
        let (mut len, mut shift) = (0_usize, 0);
        loop {
            let (byte, behind) = rest.split_first()?;
            rest = behind;
            len |= usize::from(byte & 127) << shift;
            shift += 7;
            if byte & 128 == 0 || shift > 21 {
                break;
            }
        }
        let (body, behind) = rest.split_at_checked(len)?;
        let frame = Self {
            first: *first,
            body,
        };
        Some((frame, behind))
    }

    pub(crate) fn kind(&self) -> u8 {
        self.first & 0xF0
    }

    /// Of an ack, or of a PUBLISH above QoS 0.
    pub(crate) fn id(&self) -> Option<u16> {
        let at = if self.kind() == PUBLISH {
            2 + usize::from(self.u16_at(0)?)
        } else {
            0
        };
        self.u16_at(at)
    }

    pub(crate) fn qos(&self) -> u8 {
        self.first >> 1 & 3
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        let bytes = self.body.get(at..at + 2)?;
        Some(u16::from_be_bytes(bytes.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_publish_comes_apart_again() {
        let bytes = publish("a/b", 2, 513, &[7; 300]);
        let (frame, rest) = Frame::split(&bytes).unwrap();
        assert_eq!(
            (frame.kind(), frame.qos(), frame.id()),
            (PUBLISH, 2, Some(513))
        );
        assert_eq!((frame.body.len(), rest.len()), (5 + 2 + 300, 0));
        assert_eq!(Frame::split(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Frame::split(&bytes[..2]), None);
    }

    #[test]
    fn packets_follow_each_other() {
        let bytes = [&ack(PUBREL, 9)[..], &DISCONNECT].concat();
        let (frame, rest) = Frame::split(&bytes).unwrap();
        assert_eq!((frame.first, frame.id()), (PUBREL, Some(9)));
        assert_eq!(rest, DISCONNECT);
    }

    #[test]
    fn connect_is_as_the_standard_has_it() {
        let expected = b"\x10\x0d\x00\x04MQTT\x04\x02\x02\x58\x00\x01c";
        assert_eq!(connect("c"), expected);
        assert_eq!(subscribe(1, "a", 1), b"\x82\x06\x00\x01\x00\x01a\x01");
    }
}
