//! Packets on their way to one client, until the batch ends.

use bytes::{Bytes, BytesMut};

/// Nothing is held between batches, and one shared packet is passed on without a copy.
#[derive(Debug, Default)]
pub(super) enum Buffer {
    #[default]
    Empty,
    /// The only packet so far, shared with other receivers.
    One(Bytes),
    Many(BytesMut),
}

impl Buffer {
    pub(super) fn push(&mut self, packet: Bytes) {
        if self.len() == 0 {
            *self = Self::One(packet);
        } else {
            self.write(|out| out.extend_from_slice(&packet));
        }
    }

    pub(super) fn write<R>(&mut self, write: impl FnOnce(&mut BytesMut) -> R) -> R {
        let mut many = match std::mem::take(self) {
            Self::Empty => BytesMut::new(),
            Self::One(packet) => BytesMut::from(&packet[..]),
            Self::Many(many) => many,
        };
        let result = write(&mut many);
        *self = Self::Many(many);
        result
    }

    pub(super) fn take(&mut self) -> Option<Bytes> {
        let all = match std::mem::take(self) {
            Self::Empty => return None,
            Self::One(packet) => packet,
            Self::Many(many) => many.freeze(),
        };
        Some(all).filter(|bytes| !bytes.is_empty())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::One(packet) => packet.len(),
            Self::Many(many) => many.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_packet_is_passed_on_and_more_are_joined() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.take(), None);
        let packet = Bytes::from_static(b"ab");
        buffer.push(packet.clone());
        assert_eq!(
            buffer.take().map(|taken| taken.as_ptr()),
            Some(packet.as_ptr())
        );
        buffer.push(packet.clone());
        buffer.write(|out| out.extend_from_slice(b"c"));
        buffer.push(packet);
        assert_eq!((buffer.len(), &*buffer.take().unwrap()), (5, &b"abcab"[..]));
        // a packet that was too large is taken back
        buffer.write(BytesMut::clear);
        assert_eq!((buffer.len(), buffer.take()), (0, None));
    }
}
