//! PUBLISH, read and written here: ntex-mqtt's types cannot hold a message expiry of 0 or tell a payload format of 0
//! from none, and the packet that everybody sends is worth its own way.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::cursor::Cursor;
use super::frame::Header;
use super::packet::PayloadFormat;
use super::properties::{self, Place, Value};
use super::{EncodeError, MessageProperties, Publish, QoS, Violation, frame};
use crate::link::Protocol;

/// The payload is a slice of `bytes`, all the rest is copied.
pub(super) fn decode(
    protocol: Protocol,
    header: Header,
    bytes: &Bytes,
) -> Result<Publish, Violation> {
    let dup = header.first & 0b1000 != 0;
    let qos = match (header.first >> 1) & 0b11 {
        0 if dup => return Err(Violation::DupAtQoS0),
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        2 => QoS::ExactlyOnce,
        _ => return Err(Violation::QoS),
    };
    let mut body = Cursor::new(bytes, header.len);
    let mut publish = Publish {
        dup,
        qos,
        retain: header.first & 1 != 0,
        ..Publish::new(body.string()?, Bytes::new())
    };
    if qos > QoS::AtMostOnce {
        publish.packet_id = Some(body.packet_id()?);
    }
    if protocol == Protocol::V5 {
        read_properties(&mut body, &mut publish)?;
    }
    publish.payload = bytes.slice(body.at()..);
    Ok(publish)
}

fn read_properties(body: &mut Cursor<'_>, publish: &mut Publish) -> Result<(), Violation> {
    // on the heap only when there is one
    let mut own = MessageProperties::default();
    properties::read(Place::Publish, body, |id, value| match (id, value) {
        (properties::TOPIC_ALIAS, Value::Number(alias)) => {
            publish.topic_alias = u16::try_from(alias).ok().and_then(NonZeroU16::new);
        }
        (properties::SUBSCRIPTION_ID, Value::Number(id)) => {
            publish.subscription_ids.extend(NonZeroU32::new(id));
        }
        (id, value) => own.read(id, value),
    })?;
    publish.properties = own.shared();
    Ok(())
}

impl MessageProperties {
    /// A property that belongs to the message.
    fn read(&mut self, id: u8, value: Value<'_>) {
        match (id, value) {
            (properties::PAYLOAD_FORMAT, Value::Number(format)) => {
                self.payload_format = Some(match format {
                    0 => PayloadFormat::Bytes,
                    _ => PayloadFormat::Utf8,
                });
            }
            (properties::EXPIRY, Value::Number(seconds)) => self.expiry = Some(seconds),
            (properties::CONTENT_TYPE, Value::Text(text)) => self.content_type = Some(text.into()),
            (properties::RESPONSE_TOPIC, Value::Text(text)) => {
                self.response_topic = Some(text.into());
            }
            (properties::CORRELATION_DATA, Value::Binary(data)) => {
                self.correlation_data = Some(Bytes::copy_from_slice(data));
            }
            (properties::USER, Value::Pair(name, value)) => {
                self.user.push((name.into(), value.into()));
            }
            _ => {}
        }
    }

    /// `None` when there is nothing in it.
    pub(super) fn shared(self) -> Option<Arc<Self>> {
        (self != Self::default()).then(|| Arc::new(self))
    }
}

/// Appends the packet; nothing is appended on an error.
pub(super) fn encode(
    protocol: Protocol,
    publish: &Publish,
    out: &mut BytesMut,
) -> Result<(), EncodeError> {
    let list = (protocol == Protocol::V5).then(|| properties_len(publish));
    let list = list.transpose()?;
    let id = publish.qos > QoS::AtMostOnce;
    let remaining = field_len(publish.topic.len())?
        + if id { 2 } else { 0 }
        + list.map_or(0, |len| len + frame::length_len(len))
        + publish.payload.len();
    if remaining > frame::MAX_REMAINING {
        return Err(EncodeError::TooLarge);
    }
    let packet_id = match publish.packet_id {
        _ if !id => None,
        Some(packet_id) => Some(packet_id),
        None => return Err(EncodeError::NoPacketId),
    };
    out.reserve(5 + remaining);
    out.put_u8(
        frame::PUBLISH
            | u8::from(publish.dup) << 3
            | (publish.qos as u8) << 1
            | u8::from(publish.retain),
    );
    frame::put_length(remaining, out);
    put_field(publish.topic.as_bytes(), out);
    if let Some(packet_id) = packet_id {
        out.put_u16(packet_id.get());
    }
    if let Some(list) = list {
        frame::put_length(list, out);
        put_properties(publish, out);
    }
    out.put_slice(&publish.payload);
    Ok(())
}

fn properties_len(publish: &Publish) -> Result<usize, EncodeError> {
    let mut len = if publish.topic_alias.is_some() { 3 } else { 0 };
    for id in &publish.subscription_ids {
        len += 1 + frame::length_len(id.get() as usize);
    }
    let Some(own) = publish.properties.as_deref() else {
        return Ok(len);
    };
    len += if own.payload_format.is_some() { 2 } else { 0 };
    len += if own.expiry.is_some() { 5 } else { 0 };
    let text = |text: &Option<Arc<str>>| text.as_ref().map(|text| text.len());
    let fields = [
        text(&own.content_type),
        text(&own.response_topic),
        own.correlation_data.as_ref().map(Bytes::len),
    ];
    for field in fields.into_iter().flatten() {
        len += 1 + field_len(field)?;
    }
    for (name, value) in &own.user {
        len += 1 + field_len(name.len())? + field_len(value.len())?;
    }
    Ok(len)
}

fn put_properties(publish: &Publish, out: &mut BytesMut) {
    if let Some(alias) = publish.topic_alias {
        out.put_u8(properties::TOPIC_ALIAS);
        out.put_u16(alias.get());
    }
    for id in &publish.subscription_ids {
        out.put_u8(properties::SUBSCRIPTION_ID);
        frame::put_length(id.get() as usize, out);
    }
    let Some(own) = publish.properties.as_deref() else {
        return;
    };
    if let Some(format) = own.payload_format {
        out.put_slice(&[properties::PAYLOAD_FORMAT, format as u8]);
    }
    if let Some(seconds) = own.expiry {
        out.put_u8(properties::EXPIRY);
        out.put_u32(seconds);
    }
    let fields = [
        (
            properties::CONTENT_TYPE,
            own.content_type.as_ref().map(|text| text.as_bytes()),
        ),
        (
            properties::RESPONSE_TOPIC,
            own.response_topic.as_ref().map(|text| text.as_bytes()),
        ),
        (
            properties::CORRELATION_DATA,
            own.correlation_data.as_deref(),
        ),
    ];
    for (id, field) in fields {
        if let Some(field) = field {
            out.put_u8(id);
            put_field(field, out);
        }
    }
    for (name, value) in &own.user {
        out.put_u8(properties::USER);
        put_field(name.as_bytes(), out);
        put_field(value.as_bytes(), out);
    }
}

/// Of a field behind a length of two bytes.
fn field_len(len: usize) -> Result<usize, EncodeError> {
    match u16::try_from(len) {
        Ok(_) => Ok(2 + len),
        Err(_) => Err(EncodeError::FieldTooLong),
    }
}

/// Its length has been checked.
fn put_field(field: &[u8], out: &mut BytesMut) {
    out.put_u16(u16::try_from(field.len()).unwrap_or(u16::MAX));
    out.put_slice(field);
}
