//! Strings, properties and reason codes: what they may hold, and what a v5 client is told of those that may not.

use bytes::Bytes;

use super::rejected::{connect, verdict};
use crate::codec::{Protocol, Violation, decode};

use Violation as V;

/// A PUBLISH of MQTT 5 with this property list.
fn with_properties(properties: &[u8]) -> Vec<u8> {
    let list = u8::try_from(properties.len()).unwrap();
    let head = [0x30, 4 + list, 0x00, 0x01, b'a', list];
    [&head[..], properties].concat()
}

#[test]
fn strings_are_utf8() {
    for (what, topic, violation) in [
        ("a byte too few", &[0xC3, 0x28][..], Some(V::NotUtf8)),
        ("a surrogate", &[0xED, 0xA0, 0x80], Some(V::NotUtf8)),
        ("an overlong form", &[0xC0, 0xAF], Some(V::NotUtf8)),
        (
            "beyond U+10FFFF",
            &[0xF4, 0x90, 0x80, 0x80],
            Some(V::NotUtf8),
        ),
        // [MQTT-1.5.4-3]; and what senders should avoid
        ("U+FEFF", &[0xEF, 0xBB, 0xBF, b'a'], None),
        ("a control character", &[0x01, b'a'], None),
        ("a non-character", &[0xEF, 0xBF, 0xBF], None),
    ] {
        let len = u8::try_from(topic.len()).unwrap();
        let v3 = [&[0x30, 2 + len, 0, len][..], topic].concat();
        assert_eq!(verdict(Protocol::V311, &v3), violation, "{what}");
        let v5 = [&[0x30, 3 + len, 0, len][..], topic, &[0]].concat();
        assert_eq!(verdict(Protocol::V5, &v5), violation, "{what}");
    }
    let property = with_properties(&[0x03, 0x00, 0x01, 0xFF]);
    assert_eq!(verdict(Protocol::V5, &property), Some(V::NotUtf8));
}

#[test]
fn properties_of_a_publish() {
    for (what, properties, violation) in [
        (
            "a format twice",
            &[1, 0, 1, 0][..],
            Some(V::RepeatedProperty),
        ),
        (
            "a receive maximum",
            &[0x21, 0, 1],
            Some(V::MisplacedProperty),
        ),
        ("a reason string", &[0x1F, 0, 0], Some(V::MisplacedProperty)),
        (
            "an id without a meaning",
            &[0x7F, 0],
            Some(V::UnknownProperty),
        ),
        ("topic alias 0", &[0x23, 0, 0], Some(V::TopicAliasZero)),
        (
            "an alias twice",
            &[0x23, 0, 1, 0x23, 0, 1],
            Some(V::RepeatedProperty),
        ),
        ("subscription id 0", &[0x0B, 0], Some(V::PropertyValue)),
        ("payload format 2", &[1, 2], Some(V::PropertyValue)),
        ("two subscription ids", &[0x0B, 1, 0x0B, 2], None),
        (
            "two user properties",
            &[0x26, 0, 0, 0, 0, 0x26, 0, 0, 0, 0],
            None,
        ),
        ("an expiry of 0", &[2, 0, 0, 0, 0], None),
    ] {
        let bytes = with_properties(properties);
        assert_eq!(verdict(Protocol::V5, &bytes), violation, "{what}");
    }
}

#[test]
fn properties_of_connect_and_its_will() {
    let rest = |list: &[u8]| {
        let mut rest = vec![u8::try_from(list.len()).unwrap()];
        rest.extend(list);
        rest.extend([0x00, 0x01, b'c']);
        rest
    };
    for (what, list, violation) in [
        (
            "receive maximum 0",
            &[0x21, 0, 0][..],
            Some(V::PropertyValue),
        ),
        ("packet size 0", &[0x27, 0, 0, 0, 0], Some(V::PropertyValue)),
        ("problem information 2", &[0x17, 2], Some(V::PropertyValue)),
        ("response information 2", &[0x19, 2], Some(V::PropertyValue)),
        (
            "problem information twice",
            &[0x17, 1, 0x17, 1],
            Some(V::RepeatedProperty),
        ),
        ("a topic alias", &[0x23, 0, 1], Some(V::MisplacedProperty)),
        (
            "a will delay",
            &[0x18, 0, 0, 0, 1],
            Some(V::MisplacedProperty),
        ),
        ("an alias maximum", &[0x22, 0, 0], None),
    ] {
        let bytes = connect(5, 0x02, &rest(list));
        assert_eq!(verdict(Protocol::V5, &bytes), violation, "{what}");
    }
    let will = |list: &[u8]| {
        let mut rest = vec![0x00, 0x00, 0x01, b'c', u8::try_from(list.len()).unwrap()];
        rest.extend(list);
        rest.extend([0x00, 0x01, b'w', 0x00, 0x00]);
        rest
    };
    for (what, list, violation) in [
        ("a delay", &[0x18, 0, 0, 0, 1][..], None),
        ("an expiry of 0", &[2, 0, 0, 0, 0], None),
        (
            "a delay twice",
            &[0x18, 0, 0, 0, 1, 0x18, 0, 0, 0, 1],
            Some(V::RepeatedProperty),
        ),
        (
            "a session expiry",
            &[0x11, 0, 0, 0, 1],
            Some(V::MisplacedProperty),
        ),
    ] {
        let bytes = connect(5, 0x06, &will(list));
        assert_eq!(verdict(Protocol::V5, &bytes), violation, "{what}");
    }
}

#[test]
fn properties_of_other_packets() {
    for (what, bytes, violation) in [
        (
            "SUBSCRIBE with subscription id 0",
            &[0x82, 0x09, 0, 1, 2, 0x0B, 0, 0, 1, b'a', 0][..],
            V::PropertyValue,
        ),
        (
            "SUBSCRIBE with two subscription ids",
            &[0x82, 0x0B, 0, 1, 4, 0x0B, 1, 0x0B, 2, 0, 1, b'a', 0],
            V::RepeatedProperty,
        ),
        (
            "SUBSCRIBE with QoS 3",
            &[0x82, 0x07, 0, 1, 0, 0, 1, b'a', 0x03],
            V::SubscriptionQoS,
        ),
        (
            "UNSUBSCRIBE with a subscription id",
            &[0xA2, 0x08, 0, 1, 2, 0x0B, 1, 0, 1, b'a'],
            V::MisplacedProperty,
        ),
        (
            "PUBACK with a content type",
            &[0x40, 0x07, 0, 1, 0, 3, 3, 0, 0],
            V::MisplacedProperty,
        ),
        (
            "DISCONNECT with two session expiries",
            &[0xE0, 0x0C, 0, 10, 0x11, 0, 0, 0, 1, 0x11, 0, 0, 0, 1],
            V::RepeatedProperty,
        ),
        (
            "AUTH with data alone",
            &[0xF0, 5, 0x18, 3, 0x16, 0, 0],
            V::AuthenticationDataWithoutMethod,
        ),
        (
            "PUBACK with SUBACK's code",
            &[0x40, 3, 0, 1, 1],
            V::ReasonCode,
        ),
        (
            "PUBREL with PUBACK's code",
            &[0x62, 3, 0, 1, 0x10],
            V::ReasonCode,
        ),
        (
            "DISCONNECT with PUBACK's code",
            &[0xE0, 1, 0x10],
            V::ReasonCode,
        ),
        ("AUTH with CONNACK's code", &[0xF0, 1, 0x80], V::ReasonCode),
    ] {
        assert_eq!(verdict(Protocol::V5, bytes), Some(violation), "{what}");
    }
}

/// Section 1.2 tells a malformed packet from a protocol error; what a v5 client is told follows from it.
#[test]
fn codes() {
    for (what, bytes, code) in [
        ("type 0", vec![0x00, 0x00], 0x81),
        ("reserved flags", vec![0xC1, 0x00], 0x81),
        ("QoS 3", vec![0x36, 0x06, 0, 1, b'a', 0, 1, 0], 0x81),
        ("no UTF-8", vec![0x30, 0x04, 0, 1, 0xFF, 0], 0x81),
        ("a misplaced property", with_properties(&[0x21, 0, 1]), 0x81),
        ("an unknown property", with_properties(&[0x7F, 0]), 0x81),
        ("a repeated property", with_properties(&[1, 0, 1, 0]), 0x82),
        ("a value that may not be", with_properties(&[1, 2]), 0x82),
        ("topic alias 0", with_properties(&[0x23, 0, 0]), 0x94),
        ("packet id 0", vec![0x32, 0x06, 0, 1, b'a', 0, 0, 0], 0x82),
        ("no filters", vec![0x82, 0x03, 0, 1, 0], 0x82),
        (
            "a subscription's QoS 3",
            vec![0x82, 7, 0, 1, 0, 0, 1, b'a', 3],
            0x82,
        ),
        (
            "a reserved option",
            vec![0x82, 7, 0, 1, 0, 0, 1, b'a', 0x40],
            0x81,
        ),
        ("another packet's code", vec![0xE0, 1, 0x10], 0x82),
        ("will QoS 3", connect(5, 0x1E, &[0, 0, 1, b'c']), 0x81),
        (
            "receive maximum 0",
            connect(5, 2, &[3, 0x21, 0, 0, 0, 1, b'c']),
            0x82,
        ),
    ] {
        let error = decode(Protocol::V5, &Bytes::from(bytes)).unwrap_err();
        assert_eq!(error.reason().0, code, "{what}: {error}");
    }
}
