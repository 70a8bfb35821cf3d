//! What a client sent: whole packets for the shard, PINGREQs for us, and the rest for later.

use bytes::{BufMut, Bytes, BytesMut};

use super::exchange::{AUTH, DISCONNECT};
use crate::codec::frame::{FrameError, PINGREQ, packet_len};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Intake {
    /// Whole packets in order, PINGREQs taken out.
    pub(super) packets: Bytes,
    /// How many packets these are, PINGREQs included.
    pub(super) count: u64,
    pub(super) pings: usize,
    /// Whole AUTHs in order, taken out where they are ours to answer.
    pub(super) auths: Vec<Bytes>,
    /// There is a DISCONNECT among the packets.
    pub(super) has_disconnect: bool,
    /// Bytes that were looked at; what follows is the beginning of a packet.
    pub(super) used: usize,
    /// What follows is no packet.
    pub(super) error: Option<FrameError>,
}

/// `limit`: bytes of the largest packet that is taken. `answers_auth`: AUTHs are ours to answer.
pub(super) fn take(bytes: &[u8], limit: usize, answers_auth: bool) -> Intake {
    let mut intake = Intake {
        packets: Bytes::new(),
        count: 0,
        pings: 0,
        auths: Vec::new(),
        has_disconnect: false,
        used: 0,
        error: None,
    };
    // Copied at each packet of ours only; without one, all of it at the end.
    let mut kept = BytesMut::new();
    let mut run = 0;
    loop {
        let rest = &bytes[intake.used..];
        let len = match packet_len(rest, limit) {
            Ok(Some(len)) if len <= rest.len() => len,
            Ok(_) => break,
            Err(error) => {
                intake.error = Some(error);
                break;
            }
        };
        let kind = rest[0] & 0xF0;
        intake.has_disconnect |= kind == DISCONNECT;
        let (ping, auth) = (rest[..len] == PINGREQ, answers_auth && kind == AUTH);
        if ping || auth {
            kept.put_slice(&bytes[run..intake.used]);
            run = intake.used + len;
            intake.pings += usize::from(ping);
        }
        if auth {
            intake.auths.push(Bytes::copy_from_slice(&rest[..len]));
        }
        intake.count += 1;
        intake.used += len;
    }
    let last = &bytes[run..intake.used];
    intake.packets = if kept.is_empty() {
        Bytes::copy_from_slice(last)
    } else {
        kept.put_slice(last);
        kept.freeze()
    };
    intake
}

/// How many packets these are; all are whole.
pub(super) fn count(mut packets: &[u8]) -> u64 {
    let mut count = 0;
    while let Ok(Some(len)) = packet_len(packets, usize::MAX) {
        packets = packets.get(len..).unwrap_or_default();
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBACK: [u8; 4] = [0x40, 2, 0, 1];

    fn stream(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn whole_packets_go_on_and_the_rest_stays() {
        let bytes = stream(&[&PUBACK, &PUBACK, &PUBACK[..3]]);
        let intake = take(&bytes, 100, false);
        assert_eq!(intake.packets, stream(&[&PUBACK, &PUBACK]));
        assert_eq!(
            (intake.count, intake.pings, intake.used, intake.error),
            (2, 0, 8, None)
        );
    }

    #[test]
    fn pings_are_taken_out_wherever_they_are() {
        let bytes = stream(&[&PINGREQ, &PUBACK, &PINGREQ, &PINGREQ, &PUBACK, &PINGREQ]);
        let intake = take(&bytes, 100, false);
        assert_eq!(intake.packets, stream(&[&PUBACK, &PUBACK]));
        assert_eq!(
            (intake.count, intake.pings, intake.used),
            (6, 4, bytes.len())
        );
    }

    #[test]
    fn what_comes_before_an_error_still_counts() {
        let bytes = stream(&[&PUBACK, &[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]]);
        let intake = take(&bytes, 100, false);
        assert_eq!(
            (intake.used, intake.error),
            (4, Some(FrameError::LengthTooLong))
        );
        let too_large = take(&[0x30, 0x7F], 100, false);
        assert_eq!(
            too_large.error,
            Some(FrameError::TooLarge {
                size: 129,
                limit: 100
            })
        );
    }

    #[test]
    fn whole_packets_are_counted() {
        assert_eq!(count(&stream(&[&PUBACK, &PINGREQ, &PUBACK])), 3);
        assert_eq!(count(&[]), 0);
    }

    #[test]
    fn auths_are_taken_out_where_they_are_ours() {
        let auth = [0xF0, 2, 0x19, 0];
        let bytes = stream(&[&PUBACK, &auth, &PINGREQ, &auth, &PUBACK]);
        let intake = take(&bytes, 100, true);
        assert_eq!(intake.packets, stream(&[&PUBACK, &PUBACK]));
        assert_eq!(intake.auths, [&auth[..], &auth]);
        assert_eq!((intake.count, intake.pings), (5, 1));
        let left = take(&bytes, 100, false);
        assert_eq!(left.packets, stream(&[&PUBACK, &auth, &auth, &PUBACK]));
        assert!(left.auths.is_empty());
    }

    #[test]
    fn a_goodbye_is_noticed() {
        assert!(take(&stream(&[&PUBACK, &[0xE0, 0]]), 100, false).has_disconnect);
        assert!(!take(&stream(&[&PUBACK, &[0xE0]]), 100, false).has_disconnect);
    }

    #[test]
    fn a_ping_with_a_body_is_left_to_the_shard_to_refuse() {
        let bytes = [0xC0, 1, 0];
        assert_eq!(take(&bytes, 100, false).packets, &bytes[..]);
    }
}
