//! What waits to be written to a client. Holds no memory while it is empty.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// As many pieces as one `writev` takes from us: enough to fill a socket's buffer with small packets.
pub(super) const PIECES: usize = 32;

/// `None` while it is empty.
#[derive(Debug, Default)]
pub(super) struct Outbox(Option<Box<Pieces>>);

/// Nearly always one: it lies here.
#[derive(Debug)]
struct Pieces {
    first: Piece,
    rest: VecDeque<Piece>,
    bytes: usize,
}

#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    /// What it took of the shard's window and has not yet given back; its own length may be another.
    owed: usize,
}

impl Outbox {
    /// `owed`: what the shard is told when these bytes have been written; 0 for what is not from there.
    pub(super) fn push(&mut self, bytes: Bytes, owed: usize) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        let piece = Piece { bytes, owed };
        if let Some(pieces) = &mut self.0 {
            pieces.bytes += len;
            pieces.rest.push_back(piece);
        } else {
            self.0 = Some(Box::new(Pieces {
                first: piece,
                rest: VecDeque::new(),
                bytes: len,
            }));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Bytes not yet written.
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |pieces| pieces.bytes)
    }

    /// The first pieces, for one vectored write; the number of slices that are filled.
    pub(super) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; PIECES]) -> usize {
        let pieces = self.0.iter();
        let pieces = pieces.flat_map(|it| std::iter::once(&it.first).chain(&it.rest));
        pieces
            .zip(slices.iter_mut())
            .map(|(piece, slice)| *slice = IoSlice::new(&piece.bytes))
            .count()
    }

    /// The socket took this many bytes. Returns what the shard is told.
    pub(super) fn written(&mut self, bytes: usize) -> usize {
        let (mut left, mut told) = (bytes, 0);
        while let Some(pieces) = &mut self.0 {
            let taken = left.min(pieces.first.bytes.len());
            told += pieces.first.written(taken);
            pieces.bytes -= taken;
            left -= taken;
            if !pieces.first.bytes.is_empty() {
                break;
            }
            match pieces.rest.pop_front() {
                Some(next) => pieces.first = next,
                None => self.0 = None,
            }
        }
        told
    }
}

impl Piece {
    /// Returns what the shard is told.
    fn written(&mut self, bytes: usize) -> usize {
        self.bytes.advance(bytes);
        let paid = if self.bytes.is_empty() {
            self.owed
        } else {
            bytes.min(self.owed)
        };
        self.owed -= paid;
        paid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(outbox: &Outbox) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); PIECES];
        let filled = outbox.slices(&mut slices);
        slices[..filled]
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect()
    }

    #[test]
    fn partial_writes_keep_the_rest_and_count_what_counts() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"abc"), 0);
        outbox.push(Bytes::from_static(b"defg"), 4);
        outbox.push(Bytes::new(), 0);
        assert_eq!(outbox.len(), 7);
        assert_eq!(outbox.written(2), 0);
        assert_eq!(content(&outbox), b"cdefg");
        assert_eq!(outbox.written(3), 2);
        assert_eq!(content(&outbox), b"fg");
        assert_eq!(outbox.written(2), 2);
        assert!(outbox.is_empty());
        // shorter than what it took of the window, and longer
        for owed in [9, 2] {
            outbox.push(Bytes::from_static(b"abcd"), owed);
            let told = (0..4).map(|_| outbox.written(1)).sum::<usize>();
            assert_eq!(told, owed);
        }
        assert!(outbox.0.is_none(), "an empty outbox holds no memory");
    }
}
