//! The properties of MQTT 5 (section 2.2.2.2): their shapes, where they may stand, how often, and with what values.

use super::Violation;
use super::cursor::Cursor;

/// A packet's property list, or its will's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Connect,
    Will,
    ConnAck,
    Publish,
    /// PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK.
    Ack,
    Subscribe,
    Unsubscribe,
    Disconnect,
    Auth,
}

/// A property's value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Number(u32),
    Text(&'a str),
    Binary(&'a [u8]),
    Pair(&'a str, &'a str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A byte that is 0 or 1.
    Flag,
    TwoBytes,
    FourBytes,
    Length,
    String,
    Binary,
    Pair,
}

pub(super) const PAYLOAD_FORMAT: u8 = 0x01;
pub(super) const EXPIRY: u8 = 0x02;
pub(super) const CONTENT_TYPE: u8 = 0x03;
pub(super) const RESPONSE_TOPIC: u8 = 0x08;
pub(super) const CORRELATION_DATA: u8 = 0x09;
pub(super) const SUBSCRIPTION_ID: u8 = 0x0B;
pub(super) const TOPIC_ALIAS: u8 = 0x23;
pub(super) const USER: u8 = 0x26;
const AUTHENTICATION_METHOD: u8 = 0x15;
const AUTHENTICATION_DATA: u8 = 0x16;
const RECEIVE_MAXIMUM: u8 = 0x21;
const MAXIMUM_PACKET_SIZE: u8 = 0x27;

const fn shape(id: u8) -> Option<Shape> {
    Some(match id {
        PAYLOAD_FORMAT | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2A => Shape::Flag,
        0x13 | RECEIVE_MAXIMUM | 0x22 | TOPIC_ALIAS => Shape::TwoBytes,
        EXPIRY | 0x11 | 0x18 | MAXIMUM_PACKET_SIZE => Shape::FourBytes,
        SUBSCRIPTION_ID => Shape::Length,
        CONTENT_TYPE | RESPONSE_TOPIC | 0x12 | AUTHENTICATION_METHOD | 0x1A | 0x1C | 0x1F => {
            Shape::String
        }
        CORRELATION_DATA | AUTHENTICATION_DATA => Shape::Binary,
        USER => Shape::Pair,
        _ => return None,
    })
}

/// Which properties a list may hold, as bits by their ids (table 2-4).
const fn allowed(place: Place) -> u64 {
    let ids: &[u8] = match place {
        Place::Connect => &[0x11, 0x15, 0x16, 0x17, 0x19, 0x21, 0x22, 0x26, 0x27],
        Place::Will => &[0x01, 0x02, 0x03, 0x08, 0x09, 0x18, 0x26],
        Place::ConnAck => &[
            0x11, 0x12, 0x13, 0x15, 0x16, 0x1A, 0x1C, 0x1F, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27,
            0x28, 0x29, 0x2A,
        ],
        Place::Publish => &[0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x23, 0x26],
        Place::Ack => &[0x1F, 0x26],
        Place::Subscribe => &[0x0B, 0x26],
        Place::Unsubscribe => &[0x26],
        Place::Disconnect => &[0x11, 0x1C, 0x1F, 0x26],
        Place::Auth => &[0x15, 0x16, 0x1F, 0x26],
    };
    let (mut bits, mut at) = (0, 0);
    while at < ids.len() {
        bits |= bit(ids[at]);
        at += 1;
    }
    bits
}

const fn bit(id: u8) -> u64 {
    1 << (id & 0x3F)
}

/// More than once: user properties everywhere, and the ids of all subscriptions that a PUBLISH is for.
const fn repeats(place: Place, id: u8) -> bool {
    id == USER || (id == SUBSCRIPTION_ID && matches!(place, Place::Publish))
}

/// Walks over a property list with its length.
pub(super) fn check(place: Place, cursor: &mut Cursor<'_>) -> Result<(), Violation> {
    read(place, cursor, |_, _| ())
}

/// As `check`, and shows each property.
pub(super) fn read<'a>(
    place: Place,
    cursor: &mut Cursor<'a>,
    mut each: impl FnMut(u8, Value<'a>),
) -> Result<(), Violation> {
    let mut list = cursor.part()?;
    let mut seen = 0_u64;
    while !list.is_empty() {
        let id = list.u8()?;
        let shape = shape(id).ok_or(Violation::UnknownProperty)?;
        if allowed(place) & bit(id) == 0 {
            return Err(Violation::MisplacedProperty);
        }
        if seen & bit(id) != 0 && !repeats(place, id) {
            return Err(Violation::RepeatedProperty);
        }
        seen |= bit(id);
        each(id, value(&mut list, id, shape)?);
    }
    if seen & bit(AUTHENTICATION_DATA) != 0 && seen & bit(AUTHENTICATION_METHOD) == 0 {
        return Err(Violation::AuthenticationDataWithoutMethod);
    }
    Ok(())
}

/// Past the value of property `id`.
pub(super) fn skip(list: &mut Cursor<'_>, id: u8) -> Result<(), Violation> {
    let shape = shape(id).ok_or(Violation::UnknownProperty)?;
    value(list, id, shape).map(drop)
}

fn value<'a>(list: &mut Cursor<'a>, id: u8, shape: Shape) -> Result<Value<'a>, Violation> {
    let number = match shape {
        Shape::Flag => match list.u8()? {
            flag @ 0..=1 => u32::from(flag),
            _ => return Err(Violation::PropertyValue),
        },
        Shape::TwoBytes => u32::from(list.u16()?),
        Shape::FourBytes => list.u32()?,
        Shape::Length => u32::try_from(list.length()?).map_err(|_| Violation::LengthEncoding)?,
        Shape::String => return list.string().map(Value::Text),
        Shape::Binary => return list.binary().map(Value::Binary),
        Shape::Pair => return Ok(Value::Pair(list.string()?, list.string()?)),
    };
    match (id, number) {
        // [MQTT-3.3.2-8]
        (TOPIC_ALIAS, 0) => Err(Violation::TopicAliasZero),
        (SUBSCRIPTION_ID | RECEIVE_MAXIMUM | MAXIMUM_PACKET_SIZE, 0) => {
            Err(Violation::PropertyValue)
        }
        _ => Ok(Value::Number(number)),
    }
}
