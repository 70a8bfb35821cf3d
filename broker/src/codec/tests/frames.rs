//! Framing and sniffing.

use bytes::{Bytes, BytesMut};

use crate::codec::frame::{self, FrameError, Header};
use crate::codec::{Protocol, SniffError, sniff};

#[test]
fn headers_of_every_length() {
    for (bytes, remaining) in [
        (&[0x30, 0x00][..], 0),
        (&[0x30, 0x7F], 127),
        (&[0x30, 0x80, 0x01], 128),
        (&[0x30, 0xFF, 0xFF, 0x7F], 2_097_151),
        (&[0x30, 0xFF, 0xFF, 0xFF, 0x7F], 268_435_455),
    ] {
        assert_eq!(
            frame::header(bytes),
            Ok(Some(Header {
                first: 0x30,
                len: bytes.len(),
                remaining
            }))
        );
    }
}

#[test]
fn a_header_that_is_cut_off_asks_for_more() {
    for bytes in [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x80, 0x80, 0x80]] {
        assert_eq!(frame::header(bytes), Ok(None), "{bytes:x?}");
    }
}

#[test]
fn bad_lengths_are_refused() {
    assert_eq!(
        frame::header(&[0x30, 0x80, 0x80, 0x80, 0x80]),
        Err(FrameError::LengthTooLong)
    );
    assert_eq!(
        frame::header(&[0x30, 0x81, 0x00]),
        Err(FrameError::LengthEncoding)
    );
}

#[test]
fn the_limit_counts_the_whole_packet() {
    let packet = [0x30, 0x03, 0x00, 0x01, b'a'];
    assert_eq!(frame::packet_len(&packet, 5), Ok(Some(5)));
    assert_eq!(
        frame::packet_len(&packet, 4),
        Err(FrameError::TooLarge { size: 5, limit: 4 })
    );
    // before a byte of its body has come
    assert_eq!(
        frame::packet_len(&packet[..2], 4),
        Err(FrameError::TooLarge { size: 5, limit: 4 })
    );
}

#[test]
fn the_first_packet_is_connect_from_its_first_byte() {
    assert_eq!(
        frame::first_packet_len(&[0x16], 100),
        Err(FrameError::NotConnect)
    );
    assert_eq!(frame::first_packet_len(&[0x10], 100), Ok(None));
    assert_eq!(frame::first_packet_len(&[0x10, 0x0C], 100), Ok(Some(14)));
}

#[test]
fn a_buffer_is_split_packet_by_packet() {
    let mut buffer = BytesMut::from(&[0xC0, 0x00, 0x40, 0x02, 0x00, 0x01, 0x30][..]);
    assert_eq!(
        frame::split(&mut buffer, 100),
        Ok(Some(Bytes::from_static(&[0xC0, 0x00])))
    );
    assert_eq!(
        frame::split(&mut buffer, 100),
        Ok(Some(Bytes::from_static(&[0x40, 0x02, 0x00, 0x01])))
    );
    assert_eq!(frame::split(&mut buffer, 100), Ok(None));
    assert_eq!(&buffer[..], [0x30]);
}

#[test]
fn data_is_split_into_its_packets() {
    let data = Bytes::from_static(&[0xC0, 0x00, 0xD0, 0x00]);
    let packets: Result<Vec<Bytes>, FrameError> = frame::packets(data).collect();
    assert_eq!(
        packets,
        Ok(vec![
            Bytes::from_static(&[0xC0, 0x00]),
            Bytes::from_static(&[0xD0, 0x00])
        ])
    );
    let broken = Bytes::from_static(&[0xC0, 0x80, 0x00]);
    assert_eq!(
        frame::packets(broken).collect::<Vec<_>>(),
        [Err(FrameError::LengthEncoding)]
    );
}

#[test]
fn the_protocol_is_sniffed() {
    let connect = |name: &[u8], level| {
        [
            &[0x10, 0x20, 0x00, u8::try_from(name.len()).unwrap()][..],
            name,
            &[level],
        ]
        .concat()
    };
    assert_eq!(sniff(&connect(b"MQTT", 4)), Ok(Protocol::V311));
    assert_eq!(sniff(&connect(b"MQTT", 5)), Ok(Protocol::V5));
    for (name, level) in [
        (&b"MQIsdp"[..], 3),
        (b"MQTT", 3),
        (b"MQTT", 6),
        (b"MQTT", 0x84),
    ] {
        let error = sniff(&connect(name, level)).unwrap_err();
        assert_eq!(error, SniffError::UnsupportedLevel { level });
        assert_eq!(
            error.reply().as_deref(),
            Some(&[0x20, 0x02, 0x00, 0x01][..])
        );
    }
    for garbage in [
        &connect(b"HTTP", 4)[..],
        &[0x30, 0x00],
        &[],
        &[0x10, 0x02, 0x00, 0x04],
        &[0x10, 0x80, 0x00],
    ] {
        assert_eq!(sniff(garbage), Err(SniffError::NotConnect), "{garbage:x?}");
    }
}
