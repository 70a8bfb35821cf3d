//! Frames of the link. The first byte says which kind of them follows.

use bytes::{Buf as _, Bytes, BytesMut};
use herdgate::link::wire::{self, Frame, Greeting, MAX_FRAME, MAX_GREETING};
use herdgate::link::{ToEdge, ToShard};

/// Bytes that come at a time, so that frames come in pieces.
const PIECES: [usize; 3] = [usize::MAX, 1, 7];

pub(crate) fn run(data: &[u8]) {
    match data.split_first() {
        Some((0, stream)) => frames::<ToShard>(stream, MAX_FRAME),
        Some((1, stream)) => frames::<ToEdge>(stream, MAX_FRAME),
        Some((2, stream)) => frames::<Greeting>(stream, MAX_GREETING),
        _ => {}
    }
}

fn frames<F: Frame + std::fmt::Debug>(stream: &[u8], limit: usize) {
    let [whole, bytes, pieces] = PIECES.map(|size| read::<F>(stream, size, limit));
    assert_eq!(whole, bytes, "frames differ when they come byte by byte");
    assert_eq!(whole, pieces, "frames differ when they come in pieces");
    // past a length that does not fit
    let mut left = Bytes::copy_from_slice(stream);
    left.advance(whole.taken);
    if left.len() > 4 {
        left.advance(4);
        let kind = left.get_u8();
        if let Ok(frame) = F::decode(kind, left) {
            written(&frame);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Read {
    frames: Vec<Bytes>,
    /// Bytes of those frames.
    taken: usize,
    error: Option<String>,
}

fn read<F: Frame + std::fmt::Debug>(stream: &[u8], size: usize, limit: usize) -> Read {
    let mut read = Read {
        frames: Vec::new(),
        taken: 0,
        error: None,
    };
    let mut buffer = BytesMut::new();
    for piece in stream.chunks(size.min(stream.len().max(1))) {
        buffer.extend_from_slice(piece);
        loop {
            let before = buffer.len();
            match wire::next::<F>(&mut buffer, limit) {
                Ok(Some(frame)) => {
                    read.taken += before - buffer.len();
                    read.frames.push(written(&frame));
                }
                Ok(None) => break,
                Err(error) => {
                    read.error = Some(format!("{error:?}"));
                    return read;
                }
            }
        }
    }
    read
}

/// A frame's bytes, which must say the same.
fn written<F: Frame + std::fmt::Debug>(frame: &F) -> Bytes {
    let bytes = encoded(frame);
    let mut buffer = BytesMut::from(&bytes[..]);
    let again = wire::next::<F>(&mut buffer, usize::MAX);
    let again = again.map(|again| again.map(|again| (format!("{again:?}"), encoded(&again))));
    assert_eq!(again, Ok(Some((format!("{frame:?}"), bytes.clone()))));
    assert!(buffer.is_empty(), "bytes are left over");
    bytes
}

fn encoded(frame: &impl Frame) -> Bytes {
    let mut out = BytesMut::new();
    frame.encode(&mut out);
    out.freeze()
}
