//! What stands between a client that is limited, or that uses topic aliases, and its shard. Most clients have none.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};

use super::aliases;
use super::rate::TokenBucket;
use super::read_ahead::{ReadAhead, Share};
use crate::codec::{Protocol, ReasonCode, filter_count, frame};
use crate::config::Listener;
use crate::metrics::EdgeLimit;

/// A client that sends faster than it may is read this far ahead, so that its PINGREQs are seen; then no further.
const MOST_HELD: usize = 16 * 1024;

/// Packets in order, let through as fast as the client may send.
#[derive(Debug)]
pub(super) struct Regulator {
    protocol: Protocol,
    publishes: Option<TokenBucket>,
    subscribes: Option<TokenBucket>,
    /// Whole packets that wait.
    held: BytesMut,
    read_ahead: Share,
    aliases: aliases::Inbound,
}

/// Why no more packets were let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// There are none.
    Empty,
    /// The shard takes no more.
    NoCredit,
    /// The client has sent too many; there will be a token then.
    TooFast(EdgeLimit, Duration),
    /// The client's connection ends.
    Refused(ReasonCode),
}

impl Regulator {
    pub(super) fn new(listener: &Listener, protocol: Protocol, read_ahead: &ReadAhead) -> Self {
        Self {
            protocol,
            publishes: listener.publish_rate.map(TokenBucket::new),
            subscribes: listener.subscribe_rate.map(TokenBucket::new),
            held: BytesMut::new(),
            read_ahead: Share::of(read_ahead),
            aliases: aliases::Inbound::new(listener.topic_alias_maximum),
        }
    }

    /// Whole packets that the client sent.
    pub(super) fn hold(&mut self, packets: &Bytes) {
        self.held.extend_from_slice(packets);
        self.read_ahead.set(self.held.len());
    }

    /// The client is not read any more.
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= MOST_HELD || self.read_ahead.is_over()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Appends what may go to the shard, which takes `credit` bytes and the end of the packet that overdraws them.
    pub(super) fn release(&mut self, credit: i64, now: Duration, out: &mut BytesMut) -> Stop {
        let stop = self.let_through(credit, now, out);
        self.read_ahead.set(self.held.len());
        stop
    }

    fn let_through(&mut self, credit: i64, now: Duration, out: &mut BytesMut) -> Stop {
        let start = out.len();
        let spent = |out: &BytesMut| i64::try_from(out.len() - start).unwrap_or(i64::MAX);
        while let Ok(Some(len)) = frame::packet_len(&self.held, usize::MAX) {
            if spent(out) >= credit {
                return Stop::NoCredit;
            }
            let len = len.min(self.held.len());
            if let Err(stop) = self.take_tokens(len, now) {
                return stop;
            }
            if let Err(code) = self.aliases.resolve(&self.held[..len], out) {
                return Stop::Refused(code);
            }
            self.held.advance(len);
        }
        // nothing is kept while nothing waits
        self.held = BytesMut::new();
        Stop::Empty
    }

    /// For the packet of that length at the front: one for a PUBLISH, one for each filter, since that is what costs a
    /// shard.
    fn take_tokens(&mut self, len: usize, now: Duration) -> Result<(), Stop> {
        let packet = &self.held[..len];
        let (limit, bucket) = match packet.first().map_or(0, |first| first >> 4) {
            3 => (EdgeLimit::PublishRate, &mut self.publishes),
            8 | 10 => (EdgeLimit::SubscribeRate, &mut self.subscribes),
            _ => return Ok(()),
        };
        let Some(bucket) = bucket else {
            return Ok(());
        };
        let tokens = match limit {
            EdgeLimit::SubscribeRate => filter_count(self.protocol, packet),
            _ => NonZeroU32::MIN,
        };
        bucket
            .take(tokens, now)
            .map_err(|at| Stop::TooFast(limit, at))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use prometheus_client::metrics::gauge::Gauge;

    use super::*;
    use crate::codec::{Packet, Publish, encode};

    fn regulator(publishes: u32, subscribes: u32) -> Regulator {
        Regulator {
            protocol: Protocol::V311,
            publishes: NonZeroU32::new(publishes).map(TokenBucket::new),
            subscribes: NonZeroU32::new(subscribes).map(TokenBucket::new),
            held: BytesMut::new(),
            read_ahead: Share::of(&ReadAhead::new(Gauge::default())),
            aliases: aliases::Inbound::new(4),
        }
    }

    fn publish(topic: &str, alias: u16) -> Bytes {
        let publish = Publish {
            topic_alias: NonZeroU16::new(alias),
            ..Publish::new(topic, &b"x"[..])
        };
        encode(Protocol::V5, &Packet::Publish(publish)).unwrap()
    }

    const PUBACK: [u8; 4] = [0x40, 2, 0, 1];
    const PLENTY: i64 = 1 << 20;

    fn released(regulator: &mut Regulator, credit: i64, now: Duration) -> (usize, Stop) {
        let mut out = BytesMut::new();
        let stop = regulator.release(credit, now, &mut out);
        (frame::packets(out.freeze()).count(), stop)
    }

    #[test]
    fn each_kind_has_its_rate_and_order_is_kept() {
        let mut regulator = regulator(2, 1);
        let subscribe = Bytes::from_static(&[0x82, 6, 0, 1, 0, 1, b'a', 0]);
        for _ in 0..3 {
            regulator.hold(&publish("t", 0));
            regulator.hold(&Bytes::from_static(&PUBACK));
        }
        regulator.hold(&subscribe);
        regulator.hold(&subscribe);
        let half = Duration::from_millis(500);
        let (count, stop) = released(&mut regulator, PLENTY, Duration::ZERO);
        assert_eq!(
            (count, stop),
            (4, Stop::TooFast(EdgeLimit::PublishRate, half))
        );
        let (count, stop) = released(&mut regulator, PLENTY, half);
        let later = half + Duration::from_secs(1);
        assert_eq!(
            (count, stop),
            (3, Stop::TooFast(EdgeLimit::SubscribeRate, later))
        );
        assert_eq!(released(&mut regulator, PLENTY, later), (1, Stop::Empty));
    }

    #[test]
    fn a_subscribe_of_many_filters_goes_through_and_the_next_waits_for_all_of_them() {
        let mut regulator = regulator(0, 2);
        let many = [0x82, 2 + 4 * 20, 0, 1].into_iter();
        let many: Bytes = many.chain([0, 1, b'a', 0].repeat(20)).collect();
        let one = Bytes::from_static(&[0xA2, 5, 0, 1, 0, 1, b'a']);
        regulator.hold(&many);
        regulator.hold(&one);
        let (count, stop) = released(&mut regulator, PLENTY, Duration::ZERO);
        let later = Duration::from_millis(9_500);
        assert_eq!(
            (count, stop),
            (1, Stop::TooFast(EdgeLimit::SubscribeRate, later))
        );
        assert_eq!(released(&mut regulator, PLENTY, later), (1, Stop::Empty));
    }

    #[test]
    fn credit_is_overdrawn_by_one_packet_and_counts_what_aliases_stand_for() {
        let mut regulator = regulator(0, 0);
        let topic = "t".repeat(1000);
        regulator.hold(&publish(&topic, 1));
        for _ in 0..5 {
            regulator.hold(&publish("", 1));
        }
        assert_eq!(
            released(&mut regulator, 1500, Duration::ZERO),
            (2, Stop::NoCredit)
        );
        assert_eq!(
            released(&mut regulator, 0, Duration::ZERO),
            (0, Stop::NoCredit)
        );
        assert_eq!(
            released(&mut regulator, 3500, Duration::ZERO),
            (4, Stop::Empty)
        );
        assert!(regulator.is_empty());
    }

    #[test]
    fn what_comes_before_a_bad_alias_goes_on() {
        let mut regulator = regulator(0, 0);
        regulator.hold(&publish("t", 0));
        regulator.hold(&publish("t", 5));
        regulator.hold(&publish("t", 0));
        let (count, stop) = released(&mut regulator, PLENTY, Duration::ZERO);
        assert_eq!(
            (count, stop),
            (1, Stop::Refused(ReasonCode::TOPIC_ALIAS_INVALID))
        );
    }
}
