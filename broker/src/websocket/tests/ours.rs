//! What we send.

use std::io::IoSlice;

use proptest::prelude::*;

use crate::websocket::{Close, CloseCode, ControlFrames, Encoder};

fn joined(slices: &[IoSlice<'_>]) -> Vec<u8> {
    slices.iter().flat_map(|slice| slice.to_vec()).collect()
}

/// Writes `message` through an encoder into a socket that takes `most` bytes at a time.
fn write(encoder: &mut Encoder, message: &[&[u8]], most: usize) -> Vec<u8> {
    let mut left = message.concat();
    let mut wire = Vec::new();
    while !left.is_empty() {
        let slices = [IoSlice::new(&left)];
        let mut out = [IoSlice::new(&[]); 2];
        let filled = encoder.lay_out(&slices, &mut out);
        let bytes = joined(&out[..filled]);
        let taken = bytes.len().min(most);
        wire.extend_from_slice(&bytes[..taken]);
        let taken = encoder.written(taken);
        left.drain(..taken);
    }
    wire
}

#[test]
fn what_is_written_together_is_one_unmasked_binary_frame() {
    let slices = [b"ab".as_slice(), b"", b"cde"].map(IoSlice::new);
    let mut out = [IoSlice::new(&[]); 4];
    let mut encoder = Encoder::default();
    let filled = encoder.lay_out(&slices, &mut out);
    assert_eq!(joined(&out[..filled]), b"\x82\x05abcde");
    assert_eq!(encoder.written(7), 5);
    assert!(!encoder.is_midway());
}

#[test]
fn headers_are_as_short_as_they_can_be() {
    let header = |length: usize| {
        let wire = write(&mut Encoder::default(), &[&vec![0; length]], usize::MAX);
        wire[..wire.len() - length].to_vec()
    };
    assert_eq!(header(1), [0x82, 1]);
    assert_eq!(header(125), [0x82, 125]);
    assert_eq!(header(126), [0x82, 126, 0, 126]);
    assert_eq!(header(65_535), [0x82, 126, 0xFF, 0xFF]);
    assert_eq!(header(65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
}

#[test]
fn a_frame_grows_until_it_has_begun_and_keeps_its_promise_then() {
    let mut encoder = Encoder::default();
    let lay_out = |encoder: &mut Encoder, message: &[u8]| {
        let slices = [IoSlice::new(message)];
        let mut out = [IoSlice::new(&[]); 2];
        let filled = encoder.lay_out(&slices, &mut out);
        joined(&out[..filled])
    };
    assert_eq!(lay_out(&mut encoder, b"a"), b"\x82\x01a");
    assert_eq!(encoder.written(0), 0);
    assert_eq!(lay_out(&mut encoder, b"abc"), b"\x82\x03abc");
    assert_eq!(encoder.written(1), 0);
    assert!(encoder.is_midway());
    assert_eq!(lay_out(&mut encoder, b"abcdef"), b"\x03abc");
    assert_eq!(encoder.written(3), 2);
    assert_eq!(lay_out(&mut encoder, b"cdef"), b"c");
    assert_eq!(encoder.written(1), 1);
    assert_eq!(lay_out(&mut encoder, b"def"), b"\x82\x03def");
}

/// Everything that waits, written `most` bytes at a time.
fn drain(control: &mut ControlFrames, most: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    loop {
        let next = control.pending();
        if next.is_empty() {
            return wire;
        }
        let taken = next.len().min(most);
        wire.extend_from_slice(&next[..taken]);
        control.written(taken);
    }
}

#[test]
fn a_pong_repeats_the_ping_and_the_newest_wins_unless_one_has_begun() {
    let mut control = ControlFrames::default();
    control.pong(b"old");
    control.pong(b"new");
    assert_eq!(drain(&mut control, 1), b"\x8A\x03new");
    control.pong(b"begun");
    control.pending();
    control.written(1);
    control.pong(b"older");
    control.pong(b"newest");
    assert_eq!(drain(&mut control, usize::MAX), b"\x05begun\x8A\x06newest");
}

#[test]
fn the_close_frame_is_the_last_and_comes_once() {
    let mut control = ControlFrames::default();
    control.close(CloseCode::PROTOCOL_ERROR.into());
    control.close(CloseCode::NORMAL.into());
    control.pong(b"x");
    assert_eq!(drain(&mut control, 1), b"\x8A\x01x\x88\x02\x03\xEA");
    assert_eq!(drain(&mut control, 1), b"");
    let mut control = ControlFrames::default();
    control.close(Close(None));
    assert_eq!(drain(&mut control, 1), b"\x88\x00");
}

proptest! {
    #[test]
    fn partial_writes_change_nothing(
        message in prop::collection::vec(any::<u8>(), 1..300),
        most in 1_usize..20,
    ) {
        let at_once = write(&mut Encoder::default(), &[&message], usize::MAX);
        prop_assert_eq!(write(&mut Encoder::default(), &[&message], most), at_once);
    }
}
