//! Everything the standard forbids that the codecs behind us do not look at.
//!
//! A frame that passes has every field inside its bounds, so the codecs cannot run out of it: their PUBLISH decoder
//! underflows when a header is longer than the remaining length.

use super::cursor::Cursor;
use super::{DecodeError, Violation, frame, properties};
use crate::link::Protocol;

/// What the walk learned.
pub(super) struct Checked {
    pub(super) name: &'static str,
    /// Where a PUBLISH's payload begins; the frame's end otherwise.
    pub(super) payload_at: usize,
}

const NAMES: [&str; 16] = [
    "reserved type 0",
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "AUTH",
];

pub(super) fn check(protocol: Protocol, bytes: &[u8]) -> Result<Checked, DecodeError> {
    let name = bytes
        .first()
        .map_or("a packet", |first| NAMES[usize::from(first >> 4)]);
    walk(protocol, bytes)
        .map(|payload_at| Checked { name, payload_at })
        .map_err(|violation| match violation {
            Violation::ClientId => DecodeError::ClientIdRejected,
            Violation::EmptyList
            | Violation::RetainHandling
            | Violation::SubscriptionIdZero
            | Violation::AuthenticationDataWithoutMethod => DecodeError::Protocol {
                packet: name,
                violation,
            },
            _ => DecodeError::Malformed {
                packet: name,
                violation,
            },
        })
}

fn walk(protocol: Protocol, bytes: &[u8]) -> Result<usize, Violation> {
    let header = frame::header(bytes)
        .map_err(|_| Violation::LengthEncoding)?
        .ok_or(Violation::TooShort)?;
    if header.total() != bytes.len() {
        return Err(Violation::FrameLength);
    }
    let v5 = protocol == Protocol::V5;
    let mut body = Cursor::new(bytes, header.len);
    if header.first >> 4 == 3 {
        return publish(v5, header.first & 0x0F, &mut body);
    }
    flags(v5, header.first)?;
    match header.first >> 4 {
        1 => connect(v5, &mut body)?,
        2 => connack(v5, &mut body)?,
        4..=7 => ack(v5, &mut body)?,
        8 => subscribe(v5, &mut body)?,
        10 => unsubscribe(v5, &mut body)?,
        9 => codes(v5, true, &mut body)?,
        11 => codes(v5, v5, &mut body)?,
        14 | 15 if v5 => code_and_properties(&mut body)?,
        _ => {}
    }
    body.end()?;
    Ok(bytes.len())
}

/// Flags of all packets but PUBLISH [MQTT-2.2.2-2].
fn flags(v5: bool, first: u8) -> Result<(), Violation> {
    let expected = match first >> 4 {
        0 => return Err(Violation::PacketType),
        15 if !v5 => return Err(Violation::PacketType),
        6 | 8 | 10 => 0b0010,
        _ => 0,
    };
    if first & 0x0F == expected {
        Ok(())
    } else {
        Err(Violation::ReservedFlags)
    }
}

fn publish(v5: bool, flags: u8, body: &mut Cursor<'_>) -> Result<usize, Violation> {
    let (dup, qos) = (flags & 0b1000 != 0, (flags >> 1) & 0b11);
    match (qos, dup) {
        (3, _) => return Err(Violation::QoS),
        (0, true) => return Err(Violation::DupAtQoS0),
        _ => {}
    }
    body.string()?;
    if qos > 0 {
        body.packet_id()?;
    }
    if v5 {
        properties::check(body)?;
    }
    Ok(body.at())
}

fn connect(v5: bool, body: &mut Cursor<'_>) -> Result<(), Violation> {
    if body.binary()? != b"MQTT" || body.u8()? != if v5 { 5 } else { 4 } {
        return Err(Violation::ProtocolLevel);
    }
    let flags = body.u8()?;
    connect_flags(v5, flags)?;
    body.u16()?;
    if v5 {
        properties::check(body)?;
    }
    // [MQTT-3.1.3-8]; in MQTT 5 the server may name any client
    if body.string()?.is_empty() && !v5 && flags & 0b10 == 0 {
        return Err(Violation::ClientId);
    }
    if flags & 0b100 != 0 {
        if v5 {
            properties::check(body)?;
        }
        body.string()?;
        body.binary()?;
    }
    if flags & 0x80 != 0 {
        body.string()?;
    }
    if flags & 0x40 != 0 {
        body.binary()?;
    }
    Ok(())
}

/// [MQTT-3.1.2-3], [MQTT-3.1.2-11] to [MQTT-3.1.2-15], 3.1.1's [MQTT-3.1.2-22].
fn connect_flags(v5: bool, flags: u8) -> Result<(), Violation> {
    let (will, will_qos, will_retain) =
        (flags & 0b100 != 0, (flags >> 3) & 0b11, flags & 0x20 != 0);
    if flags & 1 != 0 {
        return Err(Violation::ReservedFlags);
    }
    if will_qos == 3 {
        return Err(Violation::QoS);
    }
    if !will && (will_qos > 0 || will_retain) {
        return Err(Violation::WillFlags);
    }
    if !v5 && flags & 0xC0 == 0x40 {
        return Err(Violation::PasswordWithoutUserName);
    }
    Ok(())
}

fn connack(v5: bool, body: &mut Cursor<'_>) -> Result<(), Violation> {
    if body.u8()? & 0xFE != 0 {
        return Err(Violation::ReservedFlags);
    }
    body.u8()?;
    if v5 { properties::check(body) } else { Ok(()) }
}

fn ack(v5: bool, body: &mut Cursor<'_>) -> Result<(), Violation> {
    body.packet_id()?;
    if v5 {
        code_and_properties(body)
    } else {
        Ok(())
    }
}

/// Both may be left out, the properties alone too.
fn code_and_properties(body: &mut Cursor<'_>) -> Result<(), Violation> {
    if !body.is_empty() {
        body.u8()?;
    }
    if body.is_empty() {
        Ok(())
    } else {
        properties::check(body)
    }
}

/// [MQTT-3.8.3-1] to [MQTT-3.8.3-5].
fn subscribe(v5: bool, body: &mut Cursor<'_>) -> Result<(), Violation> {
    body.packet_id()?;
    if v5 {
        properties::check(body)?;
    }
    list(body, |body| {
        body.string()?;
        let options = body.u8()?;
        if options & if v5 { 0xC0 } else { 0xFC } != 0 {
            return Err(Violation::ReservedFlags);
        }
        if options & 0b11 == 3 {
            return Err(Violation::QoS);
        }
        if options & 0x30 == 0x30 {
            return Err(Violation::RetainHandling);
        }
        Ok(())
    })
}

fn unsubscribe(v5: bool, body: &mut Cursor<'_>) -> Result<(), Violation> {
    body.packet_id()?;
    if v5 {
        properties::check(body)?;
    }
    list(body, |body| body.string().map(drop))
}

/// SUBACK, UNSUBACK.
fn codes(v5: bool, has_codes: bool, body: &mut Cursor<'_>) -> Result<(), Violation> {
    body.packet_id()?;
    if v5 {
        properties::check(body)?;
    }
    if has_codes {
        list(body, |body| body.u8().map(drop))
    } else {
        Ok(())
    }
}

fn list(
    body: &mut Cursor<'_>,
    mut item: impl FnMut(&mut Cursor<'_>) -> Result<(), Violation>,
) -> Result<(), Violation> {
    if body.is_empty() {
        return Err(Violation::EmptyList);
    }
    while !body.is_empty() {
        item(body)?;
    }
    Ok(())
}
