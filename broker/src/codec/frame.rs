//! Whole packets out of a byte stream, before anything looks inside them.

/// A fixed header: one byte of type and flags, then the remaining length in one to four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub first: u8,
    /// Bytes of the fixed header itself.
    pub len: usize,
    pub remaining: usize,
}

impl Header {
    /// Bytes of the whole packet.
    pub const fn total(&self) -> usize {
        self.len + self.remaining
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("failed to frame a packet: its length takes more than four bytes")]
    LengthTooLong,
    #[error("failed to frame a packet: its length is not encoded in the fewest bytes")]
    LengthEncoding,
    #[error("failed to frame a packet: {size} bytes are over the limit of {limit}")]
    TooLarge { size: usize, limit: usize },
    #[error("failed to frame the first packet: it is no CONNECT")]
    NotConnect,
}

/// The first byte of a CONNECT.
pub const CONNECT: u8 = 0x10;
/// The first byte of a PUBLISH, without its flags.
pub const PUBLISH: u8 = 0x30;
/// A PINGREQ, whole.
pub const PINGREQ: [u8; 2] = [0xC0, 0x00];
/// A PINGRESP, whole, in both protocols.
pub const PINGRESP: [u8; 2] = [0xD0, 0x00];

/// The header at the start of `bytes`; `None` when it is not complete yet.
///
/// The fewest bytes are a rule of MQTT 5 alone (section 1.5.5), but nobody's 3.1.1 client breaks it.
pub fn header(bytes: &[u8]) -> Result<Option<Header>, FrameError> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let mut remaining = 0;
    for (at, &byte) in rest.iter().take(4).enumerate() {
        remaining |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            if at > 0 && byte == 0 {
                return Err(FrameError::LengthEncoding);
            }
            return Ok(Some(Header {
                first,
                len: at + 2,
                remaining,
            }));
        }
    }
    if rest.len() < 4 {
        Ok(None)
    } else {
        Err(FrameError::LengthTooLong)
    }
}

/// What a remaining length can say (section 2.1.4).
pub const MAX_REMAINING: usize = 268_435_455;

/// Bytes of `length` as a variable byte integer.
pub const fn length_len(length: usize) -> usize {
    match length {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

/// Appends `length`, at most `MAX_REMAINING`, as a variable byte integer.
pub fn put_length(mut length: usize, out: &mut bytes::BytesMut) {
    loop {
        // seven bits always fit
        let low = u8::try_from(length & 0x7F).unwrap_or_default();
        length >>= 7;
        if length == 0 {
            return out.extend_from_slice(&[low]);
        }
        out.extend_from_slice(&[low | 0x80]);
    }
}

/// The length of the whole packet at the start of `bytes`, or `None` while its header is incomplete.
/// `limit` counts the whole packet. The packet's bytes need not be there yet: compare with `bytes.len()`.
pub fn packet_len(bytes: &[u8], limit: usize) -> Result<Option<usize>, FrameError> {
    let Some(header) = header(bytes)? else {
        return Ok(None);
    };
    let size = header.total();
    if size > limit {
        return Err(FrameError::TooLarge { size, limit });
    }
    Ok(Some(size))
}

/// As `packet_len`, for the first packet of a connection: anything but CONNECT is refused at its first byte.
pub fn first_packet_len(bytes: &[u8], limit: usize) -> Result<Option<usize>, FrameError> {
    match bytes.first() {
        Some(&first) if first != CONNECT => Err(FrameError::NotConnect),
        _ => packet_len(bytes, limit),
    }
}

/// Takes one whole packet from the front of `buffer`, sharing its memory.
pub fn split(
    buffer: &mut bytes::BytesMut,
    limit: usize,
) -> Result<Option<bytes::Bytes>, FrameError> {
    match packet_len(buffer, limit)? {
        Some(len) if len <= buffer.len() => Ok(Some(buffer.split_to(len).freeze())),
        _ => Ok(None),
    }
}

/// The packets of a `Data` frame, one by one. Ends at the first that is cut off: what the edge sent is whole.
pub fn packets(mut data: bytes::Bytes) -> impl Iterator<Item = Result<bytes::Bytes, FrameError>> {
    std::iter::from_fn(move || {
        if data.is_empty() {
            return None;
        }
        match packet_len(&data, usize::MAX) {
            Ok(Some(len)) if len <= data.len() => Some(Ok(data.split_to(len))),
            Ok(_) => None,
            Err(error) => {
                data.clear();
                Some(Err(error))
            }
        }
    })
}
