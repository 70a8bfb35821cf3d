//! What clients send.

use proptest::prelude::*;

use super::frame;
use crate::websocket::{Close, CloseCode, Decoder, Ending};

const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
const FINAL: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Messages' bytes, pings and the end, from `parts` that come one after another.
fn decode(parts: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>, Option<Ending>) {
    let mut decoder = Decoder::default();
    let (mut messages, mut pings) = (Vec::new(), Vec::new());
    for part in parts {
        let mut bytes = part.to_vec();
        let found = decoder.decode(&mut bytes);
        messages.extend_from_slice(&bytes[..found.bytes]);
        pings.extend(found.ping);
        if found.ending.is_some() {
            return (messages, pings, found.ending);
        }
    }
    (messages, pings, None)
}

fn fails(bytes: &[u8]) -> Option<u16> {
    match decode(&[bytes]).2 {
        Some(Ending::Failed(code)) => Some(code.get()),
        _ => None,
    }
}

#[test]
fn packets_cross_frames_and_frames_hold_several() {
    let bytes = [
        frame(BINARY, b"one, tw", MASK),
        frame(FINAL | PING, b"are you there?", MASK),
        frame(CONTINUATION, b"", MASK),
        frame(FINAL, b"o, three", MASK),
        frame(FINAL | PONG, b"nobody asked", MASK),
        frame(FINAL | BINARY, b", four", [0; 4]),
        frame(FINAL | BINARY, b"", MASK),
    ]
    .concat();
    let (messages, pings, ending) = decode(&[&bytes]);
    assert_eq!(messages, b"one, two, three, four");
    assert_eq!(pings, [b"are you there?"]);
    assert_eq!(ending, None);
}

#[test]
fn lengths_of_each_size_are_read() {
    for length in [125, 126, 65_535, 65_536, 100_000] {
        let body = vec![7; length];
        assert_eq!(decode(&[&frame(FINAL | BINARY, &body, MASK)]).0, body);
    }
}

#[test]
fn of_several_pings_the_last_is_to_be_answered() {
    let pings = [b"1", b"2"]
        .map(|body| frame(FINAL | PING, body, MASK))
        .concat();
    assert_eq!(decode(&[&pings]).1, [b"2"]);
}

#[test]
fn a_close_frame_ends_and_is_answered_with_its_code() {
    let close = |body: &[u8]| decode(&[&frame(FINAL | CLOSE, body, MASK), b"more"]).2;
    assert_eq!(close(b""), Some(Ending::Closed(Close(None))));
    assert_eq!(
        close(&[0x03, 0xE8, b'b', b'y', b'e']),
        Some(Ending::Closed(CloseCode::NORMAL.into()))
    );
    let code = |code: u16| match close(&code.to_be_bytes()) {
        Some(Ending::Closed(Close(Some(code))) | Ending::Failed(code)) => code.get(),
        other => panic!("{other:?}"),
    };
    for good in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999] {
        assert_eq!(code(good), good);
    }
    for bad in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        assert_eq!(code(bad), 1002, "{bad}");
    }
    assert_eq!(fails(&frame(FINAL | CLOSE, &[3], MASK)), Some(1002));
    assert_eq!(
        fails(&frame(FINAL | CLOSE, &[3, 0xE8, 0xFF], MASK)),
        Some(1007)
    );
}

#[test]
fn broken_rules_are_told_by_their_code() {
    let unmasked = [FINAL | BINARY, 1, 0];
    let begun = frame(BINARY, b"a", MASK);
    let long = |length: u64| [&[FINAL | BINARY, 0xFF][..], &length.to_be_bytes(), &MASK].concat();
    for (bytes, code, what) in [
        (unmasked.to_vec(), 1002, "unmasked"),
        (frame(FINAL | TEXT, b"a", MASK), 1003, "text"),
        (frame(TEXT, b"a", MASK), 1003, "text, in pieces"),
        (frame(0x40 | FINAL | BINARY, b"a", MASK), 1002, "RSV1"),
        (frame(0x20 | FINAL | BINARY, b"a", MASK), 1002, "RSV2"),
        (frame(0x10 | FINAL | BINARY, b"a", MASK), 1002, "RSV3"),
        (frame(FINAL | 0x3, b"a", MASK), 1002, "reserved opcode"),
        (
            frame(FINAL | 0xB, b"a", MASK),
            1002,
            "reserved control opcode",
        ),
        (frame(PING, b"a", MASK), 1002, "a ping in pieces"),
        (frame(FINAL | PING, &[0; 126], MASK), 1002, "a large ping"),
        (
            frame(FINAL | CONTINUATION, b"a", MASK),
            1002,
            "nothing to continue",
        ),
        (
            [begun.clone(), begun].concat(),
            1002,
            "a message within another",
        ),
        (long(1 << 63), 1002, "a negative length"),
        (long(65_535), 1002, "a length in more bytes than it needs"),
        (
            vec![FINAL | BINARY, 0xFE, 0, 125, 0, 0, 0, 0],
            1002,
            "the same, of two bytes",
        ),
        (long(268_435_461), 1009, "longer than any MQTT packet"),
    ] {
        assert_eq!(fails(&bytes), Some(code), "{what}");
    }
    assert_eq!(fails(&long(268_435_460)), None);
}

#[test]
fn what_came_before_a_broken_rule_counts() {
    let bytes = [
        frame(FINAL | BINARY, b"good", MASK),
        frame(FINAL | TEXT, b"bad", MASK),
    ]
    .concat();
    assert_eq!(decode(&[&bytes]).0, b"good");
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop::sample::select(vec![0_u8, 2, 0x80, 0x82, 0x82, 0x89, 0x8A]);
    (
        opcode,
        prop::collection::vec(any::<u8>(), 0..120),
        any::<[u8; 4]>(),
    )
        .prop_map(|(first, body, mask)| frame(first, &body, mask))
}

/// `bytes` in pieces that end at `cuts`.
fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut begin = 0;
    let pieces = ends.into_iter().map(|end| {
        let piece = &bytes[begin..end];
        begin = end;
        piece
    });
    pieces.collect()
}

proptest! {
    #[test]
    fn it_does_not_matter_how_bytes_are_cut(
        frames in prop::collection::vec(any_frame(), 0..12),
        noise in prop::collection::vec(any::<u8>(), 0..40),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes = [frames.concat(), noise].concat();
        let (messages, _, ending) = decode(&[&bytes]);
        let (again, _, same) = decode(&cut(&bytes, &cuts));
        prop_assert_eq!(messages, again);
        prop_assert_eq!(ending, same);
    }

    #[test]
    fn messages_come_out_as_they_went_in(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..8),
        mask: [u8; 4],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        // One message in as many frames as there are bodies, a ping before each.
        let last = bodies.len() - 1;
        let frames = bodies.iter().enumerate().flat_map(|(at, body)| {
            let opcode = if at == 0 { BINARY } else { CONTINUATION };
            let first = if at == last { FINAL | opcode } else { opcode };
            [frame(FINAL | PING, b"?", mask), frame(first, body, mask)].concat()
        });
        let bytes: Vec<u8> = frames.collect();
        let (messages, pings, ending) = decode(&cut(&bytes, &cuts));
        prop_assert_eq!(messages, bodies.concat());
        prop_assert!(!pings.is_empty());
        prop_assert_eq!(ending, None);
    }
}
