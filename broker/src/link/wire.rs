//! Frames as bytes: a length of four bytes (big-endian, of what follows), a kind of one byte, a body.

mod fields;
mod hello;
mod to_edge;
mod to_shard;

#[cfg(test)]
mod tests;

use bytes::{Buf, BufMut, Bytes, BytesMut};

pub use fields::FieldError;
pub use hello::{Greeting, Hello, VERSION, Welcome};

/// The largest MQTT packet (section 2.1.4 of the standard: 256 MiB) with the fields of an ATTACH around it.
pub const MAX_FRAME: usize = 268_435_460 + 256 * 1024;
/// Before a peer has shown its token it is nobody, and gets no more memory than a HELLO needs.
pub const MAX_GREETING: usize = 4 * 1024;

const LENGTH: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("failed to read a frame: {size} bytes are over the limit of {limit}")]
    TooLarge { size: usize, limit: usize },
    #[error("failed to read a frame: it is empty")]
    Empty,
    #[error("failed to read a frame: kind {kind:#04x} is unknown")]
    UnknownKind { kind: u8 },
    #[error("failed to read a {kind} frame")]
    Body {
        kind: &'static str,
        source: FieldError,
    },
}

/// A frame that can travel.
pub trait Frame: Sized {
    /// Appends the frame with its length.
    fn encode(&self, out: &mut BytesMut);

    /// From a kind and a body. Never panics, whatever the bytes.
    fn decode(kind: u8, body: Bytes) -> Result<Self, WireError>;
}

/// Takes the first frame out of `buffer`; `None` while it is not whole.
pub fn next<F: Frame>(buffer: &mut BytesMut, limit: usize) -> Result<Option<F>, WireError> {
    let Some(size) = buffer
        .get(..LENGTH)
        .map(|mut length| length.get_u32() as usize)
    else {
        return Ok(None);
    };
    if size > limit {
        return Err(WireError::TooLarge { size, limit });
    }
    if size == 0 {
        return Err(WireError::Empty);
    }
    if buffer.len() < LENGTH + size {
        return Ok(None);
    }
    buffer.advance(LENGTH);
    let mut body = buffer.split_to(size).freeze();
    let kind = body.get_u8();
    F::decode(kind, body).map(Some)
}

/// Writes a frame's length, kind and body.
fn put_frame(out: &mut BytesMut, kind: u8, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u32(0);
    out.put_u8(kind);
    body(out);
    // Packets are bounded far below 4 GiB before they get here.
    let size = u32::try_from(out.len() - start - LENGTH).unwrap_or(u32::MAX);
    out[start..start + LENGTH].copy_from_slice(&size.to_be_bytes());
}
