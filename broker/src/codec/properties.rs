//! The properties of MQTT 5 (section 2.2.2.2), as far as their shape goes.

use super::Violation;
use super::cursor::Cursor;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Byte,
    TwoBytes,
    FourBytes,
    Length,
    String,
    Binary,
    Pair,
}

const fn shape(id: u8) -> Option<Shape> {
    Some(match id {
        0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2A => Shape::Byte,
        0x13 | 0x21 | 0x22 | 0x23 => Shape::TwoBytes,
        0x02 | 0x11 | 0x18 | 0x27 => Shape::FourBytes,
        0x0B => Shape::Length,
        0x03 | 0x08 | 0x12 | 0x15 | 0x1A | 0x1C | 0x1F => Shape::String,
        0x09 | 0x16 => Shape::Binary,
        0x26 => Shape::Pair,
        _ => return None,
    })
}

const AUTHENTICATION_METHOD: u8 = 0x15;
const AUTHENTICATION_DATA: u8 = 0x16;

/// Walks over a property list with its length. Which property may stand where, and how often, the codec knows.
pub(super) fn check(cursor: &mut Cursor<'_>) -> Result<(), Violation> {
    let mut list = cursor.part()?;
    let (mut method, mut data) = (false, false);
    while !list.is_empty() {
        let id = list.u8()?;
        method |= id == AUTHENTICATION_METHOD;
        data |= id == AUTHENTICATION_DATA;
        value(&mut list, shape(id).ok_or(Violation::UnknownProperty)?)?;
    }
    if data && !method {
        Err(Violation::AuthenticationDataWithoutMethod)
    } else {
        Ok(())
    }
}

fn value(list: &mut Cursor<'_>, shape: Shape) -> Result<(), Violation> {
    match shape {
        Shape::Byte => list.take(1).map(drop),
        Shape::TwoBytes => list.take(2).map(drop),
        Shape::FourBytes => list.take(4).map(drop),
        // the only one is the subscription identifier (section 3.8.2.1.2)
        Shape::Length if list.length()? == 0 => Err(Violation::SubscriptionIdZero),
        Shape::Length => Ok(()),
        Shape::String => list.string().map(drop),
        Shape::Binary => list.binary().map(drop),
        Shape::Pair => list.string().and_then(|_| list.string()).map(drop),
    }
}
