//! Our messages: one binary frame for whatever is written together.

use std::io::IoSlice;

use super::header::{self, MOST_HEADER_BYTES};

/// The frame that is being written. It cannot be taken back once its header has begun: what it promised must follow.
#[derive(Debug, Default)]
pub struct Encoder {
    header: [u8; MOST_HEADER_BYTES],
    header_bytes: u8,
    header_written: u8,
    /// Promised bytes to come.
    left: usize,
}

impl Encoder {
    /// A frame has begun and not ended: nothing else may be written.
    pub fn is_midway(&self) -> bool {
        self.left > 0 && self.header_written > 0
    }

    /// Lays out the next write of `message` into `out`: what is left of the header, then of the frame. Begins a frame
    /// of all of it unless one is midway, whose promised bytes `message` then begins with. Returns the slices filled;
    /// one more than those of `message` must fit.
    pub fn lay_out<'a>(&'a mut self, message: &'a [IoSlice<'a>], out: &mut [IoSlice<'a>]) -> usize {
        if !self.is_midway() {
            self.begin(message.iter().map(|slice| slice.len()).sum());
        }
        let header = usize::from(self.header_written)..usize::from(self.header_bytes);
        let header = self.header.get(header).unwrap_or_default();
        let mut filled = 0;
        let mut push = |slice: &'a [u8]| {
            if let Some(free) = out.get_mut(filled).filter(|_| !slice.is_empty()) {
                *free = IoSlice::new(slice);
                filled += 1;
            }
        };
        push(header);
        let mut left = self.left;
        for slice in message {
            let bytes = slice.get(..left).unwrap_or(slice);
            push(bytes);
            left -= bytes.len();
        }
        filled
    }

    fn begin(&mut self, length: usize) {
        let (header, bytes) = header::binary(length);
        self.header = header;
        self.header_bytes = u8::try_from(bytes).unwrap_or_default();
        self.header_written = 0;
        self.left = length;
    }

    /// So many bytes of what was laid out were written. Returns how many of them were the message's.
    pub fn written(&mut self, bytes: usize) -> usize {
        let header = usize::from(self.header_bytes - self.header_written).min(bytes);
        self.header_written += u8::try_from(header).unwrap_or_default();
        let message = (bytes - header).min(self.left);
        self.left -= message;
        message
    }
}
