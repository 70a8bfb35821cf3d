//! A client's WebSocket stream: the request, then frames in pieces of any size; and our frames, written in pieces.

use std::io::IoSlice;

use herdgate::config::{AllowedOrigins, WebSocket};
use herdgate::websocket::{Decoder, Encoder, Ending, MOST_HEAD_BYTES, upgrade};

const PIECES: [usize; 3] = [1, 3, 64];

pub(crate) fn run(data: &[u8]) {
    let settings = WebSocket {
        path: "/mqtt".to_owned(),
        allowed_origins: AllowedOrigins::OwnAnd(vec!["https://console.example".to_owned()]),
    };
    let frames = if data.starts_with(b"GET") {
        request(data, &settings)
    } else {
        data
    };
    let whole = read(frames, usize::MAX);
    for size in PIECES {
        assert_eq!(
            read(frames, size),
            whole,
            "frames differ in pieces of {size}"
        );
    }
    ours(&whole.message);
}

/// What follows the request.
fn request<'a>(data: &'a [u8], settings: &WebSocket) -> &'a [u8] {
    match upgrade(data, settings) {
        Ok(Some(granted)) => {
            assert!(granted.request_bytes <= data.len().min(MOST_HEAD_BYTES));
            assert!(granted.response.starts_with(b"HTTP/1.1 101 "));
            assert!(granted.response.ends_with(b"\r\n\r\n"));
            for len in (0..granted.request_bytes).step_by(1 + granted.request_bytes / 16) {
                let part = upgrade(&data[..len], settings);
                assert_eq!(part.map(|it| it.is_some()).ok(), Some(false), "{len} bytes");
            }
            &data[granted.request_bytes..]
        }
        Ok(None) => {
            assert!(
                data.len() <= MOST_HEAD_BYTES,
                "more is awaited than is taken"
            );
            &[]
        }
        Err(_) => &[],
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    message: Vec<u8>,
    /// What the last ping said.
    ping: Option<Vec<u8>>,
    ending: Option<Ending>,
}

fn read(frames: &[u8], size: usize) -> Read {
    let mut client = Decoder::default();
    let mut read = Read::default();
    for piece in frames.chunks(size.min(frames.len().max(1))) {
        let mut piece = piece.to_vec();
        let decoded = client.decode(&mut piece);
        assert!(decoded.bytes <= piece.len(), "more comes out than went in");
        read.message.extend_from_slice(&piece[..decoded.bytes]);
        if let Some(ping) = decoded.ping {
            assert!(ping.len() <= 125, "a ping of {} bytes", ping.len());
            read.ping = Some(ping);
        }
        if decoded.ending.is_some() {
            read.ending = decoded.ending;
            break;
        }
    }
    read
}

/// One frame of all of it, however few bytes the socket takes at a time.
fn ours(message: &[u8]) {
    if message.is_empty() {
        return;
    }
    let mut written = Vec::new();
    let mut encoder = Encoder::default();
    let mut left = message;
    while !left.is_empty() {
        let parts = [IoSlice::new(left)];
        let mut out = [IoSlice::new(&[]); 2];
        let filled = encoder.lay_out(&parts, &mut out);
        let laid_out: Vec<u8> = out[..filled]
            .iter()
            .flat_map(|part| part.to_vec())
            .collect();
        let taken = laid_out.len().div_ceil(2);
        written.extend_from_slice(&laid_out[..taken]);
        left = &left[encoder.written(taken)..];
    }
    assert!(!encoder.is_midway());
    assert_eq!(written[0], 0x82, "one whole binary frame");
    let header = match written[1] {
        127 => 10,
        126 => 4,
        _ => 2,
    };
    assert_eq!(&written[header..], message);
}
