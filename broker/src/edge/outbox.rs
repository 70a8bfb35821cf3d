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
    /// Counts against the shard's window.
    counted: bool,
}

impl Outbox {
    /// `counted`: the shard is told when these bytes have been written.
    pub(super) fn push(&mut self, bytes: Bytes, counted: bool) {
        if !bytes.is_empty() {
            self.bytes += bytes.len();
            self.pieces.push_back(Piece { bytes, counted });
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

    /// The socket took this many bytes. Returns how many of them are counted.
    pub(super) fn written(&mut self, bytes: usize) -> usize {
        let mut left = bytes.min(self.bytes);
        self.bytes -= left;
        let mut counted = 0;
        while let Some(piece) = self.pieces.front_mut() {
            let taken = left.min(piece.bytes.len());
            piece.bytes.advance(taken);
            left -= taken;
            counted += if piece.counted { taken } else { 0 };
            if !piece.bytes.is_empty() {
                break;
            }
            self.pieces.pop_front();
        }
        if self.pieces.is_empty() {
            self.pieces = VecDeque::new();
        }
        counted
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
        outbox.push(Bytes::from_static(b"abc"), false);
        outbox.push(Bytes::from_static(b"defg"), true);
        outbox.push(Bytes::new(), true);
        assert_eq!(outbox.len(), 7);
        assert_eq!(outbox.written(2), 0);
        assert_eq!(content(&outbox), b"cdefg");
        assert_eq!(outbox.written(3), 2);
        assert_eq!(content(&outbox), b"fg");
        assert_eq!(outbox.written(2), 2);
        assert!(outbox.is_empty());
        assert_eq!(
            outbox.pieces.capacity(),
            0,
            "an empty outbox holds no memory"
        );
    }
}
