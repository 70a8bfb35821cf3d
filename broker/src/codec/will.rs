//! A will's message expiry of 0, which ntex-mqtt can neither read nor write: it is told 1, and the bytes are mended.

use super::cursor::Cursor;
use super::properties::{self, Place};
use super::{Violation, frame};

/// Where in a CONNECT of MQTT 5 the four bytes of its will's message expiry stand. The frame has been checked.
pub(super) fn expiry_at(connect: &[u8]) -> Option<usize> {
    find(connect).ok().flatten()
}

fn find(connect: &[u8]) -> Result<Option<usize>, Violation> {
    let header = frame::header(connect)
        .ok()
        .flatten()
        .ok_or(Violation::TooShort)?;
    let mut body = Cursor::new(connect, header.len);
    body.binary()?;
    body.u8()?;
    if body.u8()? & 0b100 == 0 {
        return Ok(None);
    }
    body.u16()?;
    properties::check(Place::Connect, &mut body)?;
    body.binary()?;
    // The list is walked once more from a cursor that knows where it stands in the frame.
    let mut found = None;
    let len = body.length()?;
    let end = body.at() + len;
    while body.at() < end {
        let id = body.u8()?;
        if id == properties::EXPIRY {
            found = Some(body.at());
        }
        properties::skip(&mut body, id)?;
    }
    Ok(found)
}

/// What is there now.
pub(super) fn expiry(connect: &[u8], at: usize) -> Option<u32> {
    let bytes = connect.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// Puts `seconds` there.
pub(super) fn set_expiry(connect: &mut [u8], at: usize, seconds: u32) {
    if let Some(bytes) = connect.get_mut(at..at + 4) {
        bytes.copy_from_slice(&seconds.to_be_bytes());
    }
}
