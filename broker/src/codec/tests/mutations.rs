//! Whatever the bytes, decoding returns.

use bytes::Bytes;
use proptest::prelude::*;

use super::round_trips::all;
use crate::codec::{Protocol, decode, encode, frame, sniff};

fn seeds() -> Vec<(Protocol, Vec<u8>)> {
    let mut seeds = Vec::new();
    for protocol in [Protocol::V311, Protocol::V5] {
        seeds.extend(
            all(protocol)
                .iter()
                .map(|packet| (protocol, encode(protocol, packet).unwrap().to_vec())),
        );
    }
    seeds
}

/// Repairs the remaining length, so that mutations reach deeper than the frame.
fn reframed(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = frame::header(bytes).ok()??;
    let body = bytes.get(header.len..)?;
    let low = u8::try_from(body.len() & 0x7F).ok()?;
    let high = u8::try_from(body.len() >> 7).ok()?;
    let length = if high > 0 {
        vec![low | 0x80, high]
    } else {
        vec![low]
    };
    Some([&[header.first][..], &length, body].concat())
}

fn decode_all(bytes: &[u8]) {
    let _ = sniff(bytes);
    let _ = frame::packets(Bytes::copy_from_slice(bytes)).count();
    for protocol in [Protocol::V311, Protocol::V5] {
        let _ = decode(protocol, &Bytes::copy_from_slice(bytes));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_frames_do_not_panic(
        seed in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let seeds = seeds();
        let mut bytes = seed.get(&seeds).1.clone();
        for (at, value, kind) in edits {
            match kind {
                0 if !bytes.is_empty() => { let at = at.index(bytes.len()); bytes[at] = value; }
                1 if !bytes.is_empty() => { bytes.remove(at.index(bytes.len())); }
                _ => bytes.insert(at.index(bytes.len() + 1), value),
            }
        }
        decode_all(&bytes);
        if let Some(bytes) = reframed(&bytes) {
            decode_all(&bytes);
        }
    }

    #[test]
    fn noise_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        decode_all(&bytes);
        if let Some(bytes) = reframed(&bytes) {
            decode_all(&bytes);
        }
    }

    /// What decodes encodes again to something that decodes to the same.
    #[test]
    fn decoded_packets_are_stable(seed in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), value: u8) {
        let seeds = seeds();
        let (protocol, bytes) = seed.get(&seeds);
        let mut bytes = bytes.clone();
        let at = at.index(bytes.len());
        bytes[at] = value;
        if let Ok(packet) = decode(*protocol, &Bytes::from(bytes)) {
            let again = encode(*protocol, &packet).unwrap();
            prop_assert_eq!(decode(*protocol, &again), Ok(packet));
        }
    }
}
