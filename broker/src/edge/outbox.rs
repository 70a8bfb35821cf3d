//! What waits to be written to a client. Holds no memory while it is empty.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// As many pieces as one `writev` takes from us: enough to fill a socket's buffer with small packets.
pub(super) const PIECES: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    pieces: VecDeque<Piece>,
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
        if !bytes.is_empty() {
            self.bytes += bytes.len();
            self.pieces.push_back(Piece { bytes, owed });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes not yet written.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// The first pieces, for one vectored write; the number of slices that are filled.
    pub(super) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; PIECES]) -> usize {
        let pieces = self.pieces.iter().zip(slices.iter_mut());
        pieces
            .map(|(piece, slice)| *slice = IoSlice::new(&piece.bytes))
            .count()
    }

    /// The socket took this many bytes. Returns what the shard is told.
    pub(super) fn written(&mut self, bytes: usize) -> usize {
        let mut left = bytes.min(self.bytes);
        self.bytes -= left;
        let mut told = 0;
        while let Some(piece) = self.pieces.front_mut() {
            let taken = left.min(piece.bytes.len());
            piece.bytes.advance(taken);
            left -= taken;
            let is_written = piece.bytes.is_empty();
            let paid = if is_written {
                piece.owed
            } else {
                taken.min(piece.owed)
            };
            piece.owed -= paid;
            told += paid;
            if !is_written {
                break;
            }
            self.pieces.pop_front();
        }
        if self.pieces.is_empty() {
            self.pieces = VecDeque::new();
        }
        told
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
        assert_eq!(
            outbox.pieces.capacity(),
            0,
            "an empty outbox holds no memory"
        );
    }
}
