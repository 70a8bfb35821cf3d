//! Everything the standard forbids that the codecs behind us do not look at.
//!
//! A frame that passes has every field inside its bounds, so the codecs cannot run out of it.

use super::cursor::Cursor;
use super::frame::Header;
use super::properties::{self, Place};
use super::{Violation, frame, reasons};
use crate::link::Protocol;

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

/// What the packet calls itself.
pub(super) fn name(bytes: &[u8]) -> &'static str {
    bytes
        .first()
        .map_or("a packet", |first| NAMES[usize::from(first >> 4)])
}

/// The header of a frame that is as long as it says.
pub(super) fn header(bytes: &[u8]) -> Result<Header, Violation> {
    let header = frame::header(bytes)
        .map_err(|_| Violation::LengthEncoding)?
        .ok_or(Violation::TooShort)?;
    if header.total() == bytes.len() {
        Ok(header)
    } else {
        Err(Violation::FrameLength)
    }
}

/// All packets but PUBLISH, which `publish` reads itself.
pub(super) fn check(protocol: Protocol, header: Header, bytes: &[u8]) -> Result<(), Violation> {
    let v5 = protocol == Protocol::V5;
    let mut body = Cursor::new(bytes, header.len);
    flags(v5, header.first)?;
    match header.first >> 4 {
        1 => connect(v5, &mut body)?,
        2 => connack(v5, &mut body)?,
        kind @ 4..=7 => ack(v5, kind, &mut body)?,
        8 => subscribe(v5, &mut body)?,
        10 => unsubscribe(v5, &mut body)?,
        9 => codes(v5, 9, true, &mut body)?,
        11 => codes(v5, 11, v5, &mut body)?,
        14 if v5 => code_and_properties(14, Place::Disconnect, &mut body)?,
        15 if v5 => code_and_properties(15, Place::Auth, &mut body)?,
        _ => {}
    }
    body.end()
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

fn connect(v5: bool, body: &mut Cursor<'_>) -> Result<(), Violation> {
    if body.binary()? != b"MQTT" || body.u8()? != if v5 { 5 } else { 4 } {
        return Err(Violation::ProtocolLevel);
    }
    let flags = body.u8()?;
    connect_flags(v5, flags)?;
    body.u16()?;
    if v5 {
        properties::check(Place::Connect, body)?;
    }
    // [MQTT-3.1.3-8]; in MQTT 5 the server may name any client
    if body.string()?.is_empty() && !v5 && flags & 0b10 == 0 {
        return Err(Violation::ClientId);
    }
    if flags & 0b100 != 0 {
        if v5 {
            properties::check(Place::Will, body)?;
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
    let code = body.u8()?;
    if v5 {
        reasons::check(2, code)?;
        properties::check(Place::ConnAck, body)
    } else {
        Ok(())
    }
}

fn ack(v5: bool, kind: u8, body: &mut Cursor<'_>) -> Result<(), Violation> {
    body.packet_id()?;
    if v5 {
        code_and_properties(kind, Place::Ack, body)
    } else {
        Ok(())
    }
}

/// Both may be left out, the properties alone too.
fn code_and_properties(kind: u8, place: Place, body: &mut Cursor<'_>) -> Result<(), Violation> {
    if !body.is_empty() {
        reasons::check(kind, body.u8()?)?;
    }
    if body.is_empty() {
        Ok(())
    } else {
        properties::check(place, body)
    }
}

/// [MQTT-3.8.3-1] to [MQTT-3.8.3-5].
fn subscribe(v5: bool, body: &mut Cursor<'_>) -> Result<(), Violation> {
    body.packet_id()?;
    if v5 {
        properties::check(Place::Subscribe, body)?;
    }
    list(body, |body| {
        body.string()?;
        let options = body.u8()?;
        if options & if v5 { 0xC0 } else { 0xFC } != 0 {
            return Err(Violation::ReservedFlags);
        }
        if options & 0b11 == 3 {
            return Err(Violation::SubscriptionQoS);
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
        properties::check(Place::Unsubscribe, body)?;
    }
    list(body, |body| body.string().map(drop))
}

/// SUBACK, UNSUBACK.
fn codes(v5: bool, kind: u8, has_codes: bool, body: &mut Cursor<'_>) -> Result<(), Violation> {
    body.packet_id()?;
    if v5 {
        properties::check(Place::Ack, body)?;
    }
    if !has_codes {
        return Ok(());
    }
    list(body, |body| {
        let code = body.u8()?;
        if v5 {
            reasons::check(kind, code)
        } else {
            Ok(())
        }
    })
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
