//! The header of a frame.

use super::CloseCode;

/// Two bytes, eight of length, four of mask.
pub(super) const MOST_HEADER_BYTES: usize = 14;
/// Of a control frame's body.
pub(super) const MOST_CONTROL_BYTES: usize = 125;
/// Of a data frame's body: the largest MQTT packet. Frames are not kept, so this costs nothing; a longer one is a mistake.
pub(super) const MOST_FRAME_BYTES: u64 = 268_435_460;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0F;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7F;
/// Lengths that say where the true one stands.
const IN_TWO_BYTES: u8 = 126;
const IN_EIGHT_BYTES: u8 = 127;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Binary,
    Continuation,
    Control(Control),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Close,
    Ping,
    Pong,
}

/// A client's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// The last frame of its message.
    pub(super) is_final: bool,
    /// Bytes of the body.
    pub(super) length: u64,
    pub(super) mask: [u8; 4],
}

/// The header at the beginning of `bytes`, and its own bytes. `None`: more are needed. `Err`: how to close.
pub(super) fn read(bytes: &[u8]) -> Result<Option<(Header, usize)>, CloseCode> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    let kind = kind(first & OPCODE)?;
    let is_final = first & FINAL != 0;
    if first & RESERVED != 0 || second & MASKED == 0 {
        return Err(CloseCode::PROTOCOL_ERROR);
    }
    let short = second & LENGTH;
    if matches!(kind, Kind::Control(_)) && (!is_final || usize::from(short) > MOST_CONTROL_BYTES) {
        return Err(CloseCode::PROTOCOL_ERROR);
    }
    let Some((length, rest)) = length(short, rest)? else {
        return Ok(None);
    };
    let Some((mask, rest)) = rest.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let header = Header {
        kind,
        is_final,
        length,
        mask: *mask,
    };
    Ok(Some((header, bytes.len() - rest.len())))
}

fn kind(opcode: u8) -> Result<Kind, CloseCode> {
    Ok(match opcode {
        CONTINUATION => Kind::Continuation,
        BINARY => Kind::Binary,
        CLOSE => Kind::Control(Control::Close),
        PING => Kind::Control(Control::Ping),
        PONG => Kind::Control(Control::Pong),
        // MQTT is binary [MQTT-6.0.0-1].
        TEXT => return Err(CloseCode::UNSUPPORTED_DATA),
        _ => return Err(CloseCode::PROTOCOL_ERROR),
    })
}

/// The body's length and what follows it. A length must take as few bytes as it can (section 5.2).
fn length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, CloseCode> {
    let (length, least, rest) = match short {
        IN_TWO_BYTES => match rest.split_first_chunk() {
            Some((bytes, rest)) => (u16::from_be_bytes(*bytes).into(), IN_TWO_BYTES.into(), rest),
            None => return Ok(None),
        },
        IN_EIGHT_BYTES => match rest.split_first_chunk() {
            Some((bytes, rest)) => (u64::from_be_bytes(*bytes), 1 << 16, rest),
            None => return Ok(None),
        },
        short => (short.into(), 0, rest),
    };
    if length < least || length >> 63 != 0 {
        return Err(CloseCode::PROTOCOL_ERROR);
    }
    if length > MOST_FRAME_BYTES {
        return Err(CloseCode::TOO_BIG);
    }
    Ok(Some((length, rest)))
}

/// Our header of a binary message in one frame, unmasked as a server's must be.
pub(super) fn binary(length: usize) -> ([u8; MOST_HEADER_BYTES], usize) {
    write(FINAL | BINARY, length)
}

/// A whole control frame of ours; `body` has at most `MOST_CONTROL_BYTES`.
pub(super) fn control(kind: Control, body: &[u8]) -> Vec<u8> {
    let opcode = match kind {
        Control::Close => CLOSE,
        Control::Ping => PING,
        Control::Pong => PONG,
    };
    let body = body.get(..MOST_CONTROL_BYTES).unwrap_or(body);
    let (header, length) = write(FINAL | opcode, body.len());
    let header = header.get(..length).unwrap_or_default();
    [header, body].concat()
}

fn write(first: u8, length: usize) -> ([u8; MOST_HEADER_BYTES], usize) {
    let mut header = [0; MOST_HEADER_BYTES];
    header[0] = first;
    let wide = (length as u64).to_be_bytes();
    let used = match length {
        0..126 => {
            header[1] = wide[7];
            2
        }
        126..65_536 => {
            header[1] = IN_TWO_BYTES;
            header[2..4].copy_from_slice(&wide[6..]);
            4
        }
        _ => {
            header[1] = IN_EIGHT_BYTES;
            header[2..10].copy_from_slice(&wide);
            10
        }
    };
    (header, used)
}
