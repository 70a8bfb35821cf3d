//! MQTT packets of either direction: whatever decodes is written again as bytes that say the same.

use bytes::{BufMut as _, Bytes, BytesMut};
use herdgate::codec::{self, Packet, Protocol, PublishParts, frame};

/// Of one packet, as a listener would have it.
const MOST_PACKET_BYTES: usize = 1 << 20;

pub(crate) fn v3(data: &[u8]) {
    packets(Protocol::V311, data);
}

pub(crate) fn v5(data: &[u8]) {
    packets(Protocol::V5, data);
}

/// What cannot be framed is given a length that fits, so that one wrong length does not hide all that follows.
fn packets(protocol: Protocol, data: &[u8]) {
    let mut left = BytesMut::from(data);
    while let Ok(Some(packet)) = frame::split(&mut left, MOST_PACKET_BYTES) {
        one(protocol, &packet);
    }
    if let Some(packet) = reframed(&left) {
        one(protocol, &packet);
    }
}

fn reframed(bytes: &[u8]) -> Option<Bytes> {
    let (first, rest) = bytes.split_first()?;
    let body = match frame::header(bytes) {
        Ok(Some(header)) => bytes.get(header.len..)?,
        _ => rest,
    };
    let mut packet = BytesMut::new();
    packet.put_u8(*first);
    frame::put_length(body.len(), &mut packet);
    packet.extend_from_slice(body);
    Some(packet.freeze())
}

fn one(protocol: Protocol, packet: &Bytes) {
    let sniffed = codec::sniff(packet);
    let read = match codec::decode(protocol, packet) {
        Ok(read) => read,
        Err(error) => {
            assert!(error.reason().is_error(), "{error:?} is told as a success");
            return;
        }
    };
    if let Packet::Connect(_) = read {
        assert_eq!(
            sniffed,
            Ok(protocol),
            "a CONNECT of another protocol decodes"
        );
    }
    let written = codec::encode(protocol, &read);
    let again = written.as_ref().map(|bytes| codec::decode(protocol, bytes));
    assert_eq!(
        again,
        Ok(Ok(read.clone())),
        "{packet:02x?} changes when it is written again"
    );
    if let Packet::Publish(publish) = &read
        && protocol == Protocol::V5
    {
        without_alias(packet, publish);
    }
}

/// The edge resolves an alias in the bytes; nothing else may change.
fn without_alias(packet: &Bytes, publish: &codec::Publish) {
    let parts = PublishParts::of(packet);
    assert!(parts.is_some(), "a PUBLISH that decodes has no parts");
    let Some(parts) = parts else { return };
    assert_eq!(parts.alias, publish.topic_alias);
    assert_eq!(parts.topic(packet), publish.topic.as_bytes());
    let mut resolved = BytesMut::new();
    parts.rewrite(packet, b"resolved/topic", None, &mut resolved);
    let expected = codec::Publish {
        topic: "resolved/topic".into(),
        topic_alias: None,
        ..publish.clone()
    };
    let read = codec::decode(Protocol::V5, &resolved.freeze());
    assert_eq!(read, Ok(Packet::Publish(expected)));
}
