//! Packets on their way to one client, until the batch ends.

use bytes::{Bytes, BytesMut};

/// Nothing is held between batches, and one shared packet is passed on without a copy.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    /// The only packet so far, shared with other receivers.
    one: Option<Bytes>,
    /// Empty while there is `one`.
    many: BytesMut,
}

impl Buffer {
    pub(super) fn push(&mut self, packet: Bytes) {
        if self.len() == 0 {
            self.one = Some(packet);
        } else {
            self.writer().extend_from_slice(&packet);
        }
    }

    pub(super) fn writer(&mut self) -> &mut BytesMut {
        if let Some(one) = self.one.take() {
            self.many.extend_from_slice(&one);
        }
        &mut self.many
    }

    pub(super) fn take(&mut self) -> Option<Bytes> {
        let many = std::mem::take(&mut self.many);
        self.one
            .take()
            .or_else(|| Some(many.freeze()))
            .filter(|bytes| !bytes.is_empty())
    }

    pub(super) fn len(&self) -> usize {
        self.one.as_ref().map_or(self.many.len(), Bytes::len)
    }
}
