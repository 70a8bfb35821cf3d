use proptest::prelude::*;

use super::*;
use crate::allow::AllowList;
use crate::bytes::Reader;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn tally(addresses: &[(&str, u32)]) -> Tally {
    let mut tally = Tally::default();
    for (address, clients) in addresses {
        for _ in 0..*clients {
            tally.enter(ip(address), 0);
        }
    }
    tally
}

fn counted(addresses: &[(&str, u32)]) -> Census {
    tally(addresses).census(PrefixLengths::default(), &AllowList::default())
}

fn shown(census: &Census) -> Vec<(String, u32)> {
    let buckets = census.buckets();
    buckets
        .map(|(net, clients)| (net.to_string(), clients))
        .collect()
}

fn encoded(census: &Census) -> Vec<u8> {
    let mut out = Vec::new();
    census.put(&mut out);
    out
}

#[test]
fn clients_are_counted_by_bucket_until_they_leave() {
    let mut tally = tally(&[
        ("198.18.5.7", 1),
        ("198.18.5.8", 2),
        ("198.18.6.1", 1),
        ("2001:db8:0:17::1", 1),
    ]);
    tally.enter(ip("::ffff:198.18.5.9"), 1);
    tally.leave(ip("198.18.6.1"), 0);
    let census = tally.census(PrefixLengths::default(), &AllowList::default());
    assert_eq!(
        shown(&census),
        [
            ("198.18.5.0/24".to_owned(), 4),
            ("2001:db8::/56".to_owned(), 1)
        ]
    );
    assert_eq!(census.clients(), 5);
    assert_eq!(*census.shards(), [(0, 4), (1, 1)].into());
    tally.leave(ip("198.18.5.9"), 1);
    let census = tally.census(PrefixLengths::default(), &AllowList::default());
    assert_eq!(*census.shards(), [(0, 4)].into(), "nobody is left at 1");
}

#[test]
fn a_crowd_that_is_spread_over_edges_is_seen_in_their_sum() {
    let one = counted(&[("198.18.0.1", 20), ("198.18.0.2", 1)]);
    let sum = Census::sum([&one, &one]);
    assert_eq!(one.crowded(32), []);
    assert_eq!(sum.crowded(32), [(ip("198.18.0.1"), 40)]);
    assert_eq!(sum.clients(), 42);
    let uncrowded: Vec<_> = sum.uncrowded(32).into_values().collect();
    assert_eq!(uncrowded, [2]);
    assert!(
        counted(&[("198.18.0.1", 40)]).uncrowded(32).is_empty(),
        "a bucket of one crowd has nobody else"
    );
}

#[test]
fn who_comes_from_within_is_counted() {
    let inside = AllowList::new(&["10.0.0.0/8".parse().unwrap()]);
    let tally = tally(&[("10.1.2.3", 3), ("198.18.0.1", 2)]);
    let census = tally.census(PrefixLengths::default(), &inside);
    assert_eq!(census.inside(), 3);
}

#[test]
fn above_the_bound_buckets_grow_and_nobody_is_lost() {
    let mut tally = Tally::default();
    let clients = u32::try_from(MOST_BUCKETS).unwrap() + 1;
    for bucket in 0..clients {
        tally.enter(IpAddr::V4((bucket << 8).into()), 0);
    }
    let census = tally.census(PrefixLengths::default(), &AllowList::default());
    assert_eq!(census.clients(), u64::from(clients));
    assert_eq!(census.lengths(), PrefixLengths { v4: 20, v6: 52 });
    assert!(encoded(&census).len() < 64 << 10);
    let fine = counted(&[("198.18.5.7", 1)]);
    let sum = Census::sum([&fine, &census]);
    assert_eq!(
        sum,
        Census::sum([&census, &fine]),
        "whichever is heard first"
    );
    assert_eq!(sum.clients(), u64::from(clients) + 1);
}

#[test]
fn the_most_crowded_addresses_are_kept() {
    let mut tally = Tally::default();
    for address in 0..u32::try_from(MOST_CROWDED).unwrap() + 10 {
        for _ in 0..5 + u32::from(address >= 10) {
            tally.enter(IpAddr::V4(address.into()), 0);
        }
    }
    let census = tally.census(PrefixLengths::default(), &AllowList::default());
    let crowded = census.crowded(0);
    assert_eq!(crowded.len(), MOST_CROWDED);
    assert!(crowded.iter().all(|(_, clients)| *clients == 6));
}

#[test]
fn the_sum_of_nothing_is_nobody() {
    assert!(Census::sum([]).is_empty());
    assert_eq!(Census::sum([&counted(&[("10.0.0.1", 1)])]).clients(), 1);
}

fn any_census() -> impl Strategy<Value = Census> {
    let address = prop_oneof![
        (0xC612_0000_u32..0xC613_0000).prop_map(|bits| IpAddr::V4(bits.into())),
        any::<IpAddr>()
    ];
    let who = prop::collection::vec((address, 1_u32..60, 0_u32..3), 0..40);
    (who, 1_u8..=32, 1_u8..=128).prop_map(|(who, v4, v6)| {
        let mut tally = Tally::default();
        for (address, clients, shard) in who {
            for _ in 0..clients {
                tally.enter(address, shard);
            }
        }
        tally.census(PrefixLengths { v4, v6 }, &AllowList::default())
    })
}

proptest! {
    #[test]
    fn bytes_bring_the_same_census(census in any_census()) {
        let bytes = encoded(&census);
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(Census::read(&mut reader), Ok(census));
        prop_assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn sums_lose_nobody_and_have_no_order(parts in prop::collection::vec(any_census(), 0..5)) {
        let sum = Census::sum(&parts);
        let backwards: Vec<_> = parts.iter().rev().collect();
        prop_assert_eq!(&sum, &Census::sum(backwards));
        prop_assert_eq!(sum.clients(), parts.iter().map(Census::clients).sum::<u64>());
    }

    #[test]
    fn damaged_bytes_never_panic(census in any_census(), at: prop::sample::Index, bit in 0_u8..8) {
        let mut bytes = encoded(&census);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(read) = Census::read(&mut Reader::new(&bytes)) {
            prop_assert!(read.buckets.len() <= MOST_BUCKETS);
        }
    }
}
