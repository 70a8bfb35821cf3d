//! Bytes between a TLS state and its socket. Holds no memory while it is empty.

use std::io;

use rustls::unbuffered::{EncodeError, EncryptError, InsufficientSizeError};

#[derive(Debug, Default)]
pub(super) struct Backlog {
    bytes: Vec<u8>,
    /// Before here all have been taken.
    taken: usize,
}

/// Why nothing was put into the room that was offered.
#[derive(Debug)]
pub(super) enum FillError {
    Needs(usize),
    Failed(io::Error),
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The first `count` bytes are done with.
    pub(super) fn taken(&mut self, count: usize) {
        self.taken += count;
        if self.taken >= self.bytes.len() {
            *self = Self::default();
        }
    }

    /// Lets `fill` write behind what is there: first into so many bytes, then into as many as it asks for.
    pub(super) fn fill(
        &mut self,
        room: usize,
        mut fill: impl FnMut(&mut [u8]) -> Result<usize, FillError>,
    ) -> io::Result<()> {
        let before = self.bytes.len();
        self.bytes.resize(before + room, 0);
        let mut filled = fill(&mut self.bytes[before..]);
        if let Err(FillError::Needs(room)) = filled {
            self.bytes.resize(before + room, 0);
            filled = fill(&mut self.bytes[before..]);
        }
        self.bytes.truncate(before + *filled.as_ref().unwrap_or(&0));
        match filled {
            Ok(_) => Ok(()),
            Err(FillError::Failed(error)) => Err(error),
            Err(FillError::Needs(_)) => Err(io::ErrorKind::OutOfMemory.into()),
        }
    }
}

impl From<EncryptError> for FillError {
    fn from(error: EncryptError) -> Self {
        match error {
            EncryptError::InsufficientSize(InsufficientSizeError { required_size }) => {
                Self::Needs(required_size)
            }
            error @ EncryptError::EncryptExhausted => Self::Failed(io::Error::other(error)),
        }
    }
}

impl From<EncodeError> for FillError {
    fn from(error: EncodeError) -> Self {
        match error {
            EncodeError::InsufficientSize(InsufficientSizeError { required_size }) => {
                Self::Needs(required_size)
            }
            error @ EncodeError::AlreadyEncoded => Self::Failed(io::Error::other(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_gone_and_an_empty_one_holds_nothing() {
        let mut backlog = Backlog::default();
        backlog.push(b"abc");
        backlog.push(b"de");
        backlog.taken(2);
        assert_eq!(backlog.bytes(), b"cde");
        backlog.taken(3);
        assert!(backlog.is_empty());
        assert_eq!(backlog.bytes.capacity(), 0);
    }

    #[test]
    fn room_is_found_where_more_is_needed() {
        let mut backlog = Backlog::default();
        backlog.push(b"a");
        let fill = |room: &mut [u8]| match room.len() {
            4.. => {
                room[..3].copy_from_slice(b"bcd");
                Ok(3)
            }
            _ => Err(FillError::Needs(4)),
        };
        backlog.fill(1, fill).unwrap();
        assert_eq!(backlog.bytes(), b"abcd");
        let failed = backlog.fill(9, |_| Err(FillError::Failed(io::ErrorKind::Other.into())));
        assert!(failed.is_err());
        assert_eq!(backlog.bytes(), b"abcd", "nothing of it stays");
    }
}
