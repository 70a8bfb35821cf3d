//! What the standard forbids, byte by byte. `None` in a protocol's column: allowed there.

use bytes::Bytes;

use crate::codec::{DecodeError, Protocol, Violation, decode};

use Violation as V;

pub(super) fn verdict(protocol: Protocol, bytes: &[u8]) -> Option<Violation> {
    match decode(protocol, &Bytes::copy_from_slice(bytes)) {
        Ok(_) => None,
        Err(DecodeError::Malformed { violation, .. } | DecodeError::Protocol { violation, .. }) => {
            Some(violation)
        }
        Err(DecodeError::ClientIdRejected) => Some(V::ClientId),
        Err(DecodeError::Codec { source, .. }) => panic!("{bytes:x?} reached the codec: {source}"),
    }
}

#[test]
fn both_protocols() {
    for (what, bytes, violation) in [
        ("type 0", &[0x00, 0x00][..], V::PacketType),
        ("flags of PINGREQ", &[0xC1, 0x00], V::ReservedFlags),
        (
            "flags of SUBSCRIBE",
            &[0x80, 0x02, 0x00, 0x01],
            V::ReservedFlags,
        ),
        (
            "flags of PUBREL",
            &[0x60, 0x02, 0x00, 0x01],
            V::ReservedFlags,
        ),
        ("PINGREQ with a body", &[0xC0, 0x01, 0x00], V::TrailingBytes),
        ("a frame cut off", &[0x40, 0x02, 0x00], V::FrameLength),
        ("a frame and more", &[0xC0, 0x00, 0xC0], V::FrameLength),
        ("nothing", &[], V::TooShort),
        (
            "PUBLISH with QoS 3",
            &[0x36, 0x05, 0x00, 0x01, b'a', 0x00, 0x01],
            V::QoS,
        ),
        (
            "PUBLISH with DUP at QoS 0",
            &[0x38, 0x03, 0x00, 0x01, b'a'],
            V::DupAtQoS0,
        ),
        (
            "PUBLISH with packet id 0",
            &[0x32, 0x05, 0x00, 0x01, b'a', 0x00, 0x00],
            V::PacketIdZero,
        ),
        (
            "PUBLISH without packet id",
            &[0x32, 0x03, 0x00, 0x01, b'a'],
            V::TooShort,
        ),
        (
            "PUBLISH whose topic is longer than itself",
            &[0x30, 0x03, 0x00, 0x09, b'a'],
            V::TooShort,
        ),
        (
            "PUBLISH without a topic length",
            &[0x30, 0x01, 0x00],
            V::TooShort,
        ),
        (
            "PUBLISH with U+0000",
            &[0x30, 0x04, 0x00, 0x02, b'a', 0x00],
            V::Nul,
        ),
        (
            "PUBACK with packet id 0",
            &[0x40, 0x02, 0x00, 0x00],
            V::PacketIdZero,
        ),
        ("PUBACK cut off", &[0x40, 0x01, 0x00], V::TooShort),
    ] {
        for protocol in [Protocol::V311, Protocol::V5] {
            assert_eq!(
                verdict(protocol, bytes),
                Some(violation),
                "{what}, {protocol:?}"
            );
        }
    }
}

#[test]
fn only_v311() {
    for (what, bytes, violation) in [
        ("AUTH", &[0xF0, 0x00][..], V::PacketType),
        (
            "PUBACK with more",
            &[0x40, 0x03, 0x00, 0x01, 0x00],
            V::TrailingBytes,
        ),
        (
            "DISCONNECT with a code",
            &[0xE0, 0x01, 0x00],
            V::TrailingBytes,
        ),
        (
            "SUBSCRIBE without filters",
            &[0x82, 0x02, 0x00, 0x01],
            V::EmptyList,
        ),
        (
            "SUBSCRIBE with packet id 0",
            &[0x82, 0x06, 0x00, 0x00, 0x00, 0x01, b'a', 0x00],
            V::PacketIdZero,
        ),
        (
            "SUBSCRIBE with reserved option bits",
            &[0x82, 0x06, 0x00, 0x01, 0x00, 0x01, b'a', 0x04],
            V::ReservedFlags,
        ),
        (
            "SUBSCRIBE with QoS 3",
            &[0x82, 0x06, 0x00, 0x01, 0x00, 0x01, b'a', 0x03],
            V::SubscriptionQoS,
        ),
        (
            "SUBSCRIBE without an option byte",
            &[0x82, 0x05, 0x00, 0x01, 0x00, 0x01, b'a'],
            V::TooShort,
        ),
        (
            "SUBSCRIBE with U+0000",
            &[0x82, 0x06, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00],
            V::Nul,
        ),
        (
            "UNSUBSCRIBE without filters",
            &[0xA2, 0x02, 0x00, 0x01],
            V::EmptyList,
        ),
        (
            "UNSUBACK with codes",
            &[0xB0, 0x03, 0x00, 0x01, 0x00],
            V::TrailingBytes,
        ),
        (
            "CONNACK with properties",
            &[0x20, 0x03, 0x00, 0x00, 0x00],
            V::TrailingBytes,
        ),
    ] {
        assert_eq!(verdict(Protocol::V311, bytes), Some(violation), "{what}");
    }
}

#[test]
fn only_v5() {
    for (what, bytes, violation) in [
        (
            "SUBSCRIBE without filters",
            &[0x82, 0x03, 0x00, 0x01, 0x00][..],
            V::EmptyList,
        ),
        (
            "SUBSCRIBE with retain handling 3",
            &[0x82, 0x07, 0, 1, 0, 0, 1, b'a', 0x30],
            V::RetainHandling,
        ),
        (
            "SUBSCRIBE with reserved option bits",
            &[0x82, 0x07, 0, 1, 0, 0, 1, b'a', 0x40],
            V::ReservedFlags,
        ),
        (
            "UNSUBSCRIBE without filters",
            &[0xA2, 0x03, 0x00, 0x01, 0x00],
            V::EmptyList,
        ),
        (
            "PUBLISH without properties",
            &[0x30, 0x03, 0x00, 0x01, b'a'],
            V::TooShort,
        ),
        (
            "properties longer than the packet",
            &[0x30, 0x05, 0x00, 0x01, b'a', 0x09, 0x01],
            V::TooShort,
        ),
        (
            "a property length padded",
            &[0x30, 0x05, 0x00, 0x01, b'a', 0x80, 0x00],
            V::LengthEncoding,
        ),
        (
            "an unknown property",
            &[0x30, 0x06, 0x00, 0x01, b'a', 0x02, 0x7E, 0x00],
            V::UnknownProperty,
        ),
        (
            "a property cut off",
            &[0x30, 0x06, 0x00, 0x01, b'a', 0x02, 0x02, 0x00],
            V::TooShort,
        ),
        (
            "U+0000 in a property",
            &[0x30, 0x08, 0x00, 0x01, b'a', 0x04, 0x03, 0x00, 0x01, 0x00],
            V::Nul,
        ),
        (
            "bytes after the properties",
            &[0xE0, 0x03, 0x00, 0x00, 0x00],
            V::TrailingBytes,
        ),
        (
            "bytes after those of PUBACK",
            &[0x40, 0x05, 0x00, 0x01, 0x00, 0x00, 0x00],
            V::TrailingBytes,
        ),
    ] {
        assert_eq!(verdict(Protocol::V5, bytes), Some(violation), "{what}");
    }
}

pub(super) fn connect(level: u8, flags: u8, rest: &[u8]) -> Vec<u8> {
    let body = [
        &[0x00, 0x04, b'M', b'Q', b'T', b'T', level, flags, 0x00, 0x00][..],
        rest,
    ]
    .concat();
    [&[0x10, u8::try_from(body.len()).unwrap()][..], &body].concat()
}

#[test]
fn connect_fields() {
    let id = &[0x00, 0x01, b'c'][..];
    for (what, level, flags, rest, violation) in [
        ("nothing wrong", 4, 0x02, id, None),
        ("the reserved flag", 4, 0x03, id, Some(V::ReservedFlags)),
        ("will QoS without a will", 4, 0x0A, id, Some(V::WillFlags)),
        (
            "will retain without a will",
            4,
            0x22,
            id,
            Some(V::WillFlags),
        ),
        ("will QoS 3", 4, 0x1E, id, Some(V::QoS)),
        (
            "a password without a user",
            4,
            0x42,
            &[0x00, 0x01, b'c', 0x00, 0x00],
            Some(V::PasswordWithoutUserName),
        ),
        ("a will that is not there", 4, 0x06, id, Some(V::TooShort)),
        (
            "an empty id to be kept",
            4,
            0x00,
            &[0x00, 0x00],
            Some(V::ClientId),
        ),
        ("an empty id", 4, 0x02, &[0x00, 0x00], None),
        (
            "more than announced",
            4,
            0x02,
            &[0x00, 0x01, b'c', 0x00],
            Some(V::TrailingBytes),
        ),
        (
            "U+0000 in the id",
            4,
            0x02,
            &[0x00, 0x01, 0x00],
            Some(V::Nul),
        ),
        ("the other level", 5, 0x02, id, Some(V::ProtocolLevel)),
    ] {
        assert_eq!(
            verdict(Protocol::V311, &connect(level, flags, rest)),
            violation,
            "{what}"
        );
    }
    let v5 = &[0x00, 0x00, 0x01, b'c'][..];
    for (what, flags, rest, violation) in [
        ("nothing wrong", 0x02, v5, None),
        (
            "an empty id to be kept",
            0x00,
            &[0x00, 0x00, 0x00][..],
            None,
        ),
        (
            "a password without a user",
            0x42,
            &[0x00, 0x00, 0x01, b'c', 0x00, 0x00],
            None,
        ),
        (
            "data without a method",
            0x02,
            &[0x03, 0x16, 0x00, 0x00, 0x00, 0x01, b'c'],
            Some(V::AuthenticationDataWithoutMethod),
        ),
    ] {
        assert_eq!(
            verdict(Protocol::V5, &connect(5, flags, rest)),
            violation,
            "{what}"
        );
    }
}
