//! How many filters a packet names, for whoever does not care which.

use std::num::NonZeroU32;

use super::cursor::Cursor;
use super::{Protocol, Violation, frame};

const SUBSCRIBE: u8 = 8;

/// Of a SUBSCRIBE or an UNSUBSCRIBE. Never 0: a packet that is wrong counts for those before what is wrong, and for one
/// at least; whoever decodes it will refuse it.
pub fn filter_count(protocol: Protocol, packet: &[u8]) -> NonZeroU32 {
    let mut count = 0;
    // what could not be read is not counted
    let _ = walk(protocol, packet, &mut count);
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

fn walk(protocol: Protocol, packet: &[u8], count: &mut u32) -> Result<(), Violation> {
    let header = frame::header(packet)
        .map_err(|_| Violation::LengthEncoding)?
        .ok_or(Violation::TooShort)?;
    let mut body = Cursor::new(packet, header.len);
    body.u16()?;
    if protocol == Protocol::V5 {
        body.part()?;
    }
    while !body.is_empty() {
        body.binary()?;
        if header.first >> 4 == SUBSCRIBE {
            body.u8()?;
        }
        *count = count.saturating_add(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{
        Packet, PacketId, QoS, Subscribe, Subscription, Unsubscribe, UserProperties, encode,
    };

    fn packets(filters: u32) -> [Packet; 2] {
        let names = || (0..filters).map(|at| format!("gateway/{at}"));
        let subscriptions = names().map(|name| Subscription::new(&*name, QoS::AtMostOnce));
        [
            Packet::Subscribe(Subscribe {
                packet_id: PacketId::MIN,
                subscription_id: NonZeroU32::new(200),
                filters: subscriptions.collect(),
                user: UserProperties::default(),
            }),
            Packet::Unsubscribe(Unsubscribe {
                packet_id: PacketId::MIN,
                filters: names().map(Into::into).collect(),
                user: UserProperties::default(),
            }),
        ]
    }

    #[test]
    fn filters_are_counted_in_both_packets_and_protocols() {
        for protocol in [Protocol::V311, Protocol::V5] {
            for count in [1, 2, 10_000] {
                for packet in packets(count) {
                    let bytes = encode(protocol, &packet).unwrap();
                    assert_eq!(filter_count(protocol, &bytes).get(), count);
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_counts_for_one_at_least() {
        for packet in packets(3) {
            let bytes = encode(Protocol::V5, &packet).unwrap();
            for cut in 0..bytes.len() {
                let count = filter_count(Protocol::V5, &bytes[..cut]).get();
                assert!((1..=3).contains(&count), "{cut}: {count}");
            }
        }
        assert_eq!(filter_count(Protocol::V5, &[0x82, 2, 0, 1]).get(), 1);
    }
}
