use std::collections::BTreeSet;

use ipnet::IpNet;
use proptest::prelude::*;

use super::*;
use crate::census::Census;

mod census;

fn named(name: &str, cidrs: &[&str]) -> NamedRange {
    let cidrs = cidrs.iter().map(|cidr| cidr.parse().unwrap()).collect();
    NamedRange {
        name: name.to_owned(),
        cidrs,
    }
}

fn list(ranges: Vec<NamedRange>) -> Slicing {
    Slicing::CidrList {
        ranges,
        prefix: PrefixLengths::default(),
    }
}

fn three_ranges() -> Slicing {
    list(vec![
        named("north", &["198.18.0.0/17"]),
        named("east", &["198.18.128.0/18", "2001:db8:e::/48"]),
        named("west", &["198.19.0.0/16"]),
    ])
}

fn by_prefix() -> Slicing {
    Slicing::PrefixHash(PrefixLengths::default())
}

fn table(slices: u32, slicing: &Slicing, number: u64) -> SliceTable {
    SlicePlan::new(slices, slicing)
        .unwrap()
        .table(Seed::new("herdgate", ReopeningNumber(number)))
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn by_address(table: &SliceTable, address: IpAddr) -> u32 {
    table.slice_of(address).slice().unwrap()
}

fn slice(table: &SliceTable, address: &str) -> u32 {
    by_address(table, ip(address))
}

fn messages(slices: u32, slicing: &Slicing) -> Vec<String> {
    SlicePlan::new(slices, slicing)
        .unwrap_err()
        .0
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Fixed for ever: two versions that run side by side must cut the same slices.
#[test]
fn slices_never_change_between_versions() {
    let hashed = table(256, &by_prefix(), 1);
    let ranged = table(256, &three_ranges(), 7);
    let addresses = [
        "198.18.5.7",
        "198.18.200.1",
        "198.19.1.1",
        "10.0.0.1",
        "2001:db8:e:1::1",
    ];
    let slices = |table: &SliceTable| addresses.map(|address| slice(table, address));
    assert_eq!(slices(&hashed), [165, 79, 80, 115, 247]);
    assert_eq!(slices(&ranged), [14, 220, 151, 212, 67]);
    assert_eq!(hashed.table_hash(), 0xe9c5_6f0a_569b_c0f9);
    assert_eq!(ranged.table_hash(), 0x4fb8_7ded_3fbd_70f3);
}

#[test]
fn named_ranges_follow_each_other_in_order_and_the_rest_comes_last() {
    let table = table(256, &three_ranges(), 3);
    let names: Vec<_> = (0..256)
        .map(|slice| table.range_name(slice).unwrap())
        .collect();
    let mut order = names.clone();
    order.dedup();
    assert_eq!(order, ["north", "east", "west", OTHERS]);
    for name in order {
        assert_eq!(names.iter().filter(|other| **other == name).count(), 64);
    }
    for (address, range) in [
        ("198.18.1.1", "north"),
        ("198.18.130.1", "east"),
        ("2001:db8:e:1::1", "east"),
        ("198.19.7.7", "west"),
        ("203.0.113.9", OTHERS),
        ("2001:db8:f::1", OTHERS),
    ] {
        assert_eq!(
            table.range_name(slice(&table, address)),
            Some(range),
            "{address}"
        );
    }
}

#[test]
fn as_many_ranges_as_slices_allow_get_one_each() {
    let ranges: Vec<_> = (0..3)
        .map(|n| named(&format!("r{n}"), &[&format!("10.{n}.0.0/16")]))
        .collect();
    let table = table(4, &list(ranges), 1);
    assert_eq!(
        (0..4)
            .map(|n| slice(&table, &format!("10.{n}.3.4")))
            .collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
}

#[test]
fn without_ranges_a_slice_has_no_name() {
    assert_eq!(table(16, &by_prefix(), 1).range_name(3), None);
    assert_eq!(table(256, &three_ranges(), 1).range_name(256), None);
}

#[test]
fn neighbours_share_a_slice_and_a_mapped_address_is_the_address() {
    let table = table(65_536, &by_prefix(), 1);
    assert_eq!(slice(&table, "198.18.5.7"), slice(&table, "198.18.5.200"));
    assert_ne!(slice(&table, "198.18.5.7"), slice(&table, "198.18.6.7"));
    assert_eq!(
        slice(&table, "2001:db8:0:17::1"),
        slice(&table, "2001:db8:0:18::1")
    );
    assert_ne!(
        slice(&table, "2001:db8:0:17::1"),
        slice(&table, "2001:db8:0:117::1")
    );
    assert_eq!(
        slice(&table, "::ffff:198.18.5.7"),
        slice(&table, "198.18.5.7")
    );
}

#[test]
fn prefix_lengths_at_their_ends_work() {
    for (v4, v6) in [(1, 1), (32, 128)] {
        let table = table(256, &Slicing::PrefixHash(PrefixLengths { v4, v6 }), 1);
        assert!(slice(&table, "255.255.255.255") < 256);
        assert!(slice(&table, "ffff::ffff") < 256);
    }
}

#[test]
fn every_reopening_deals_anew_and_equally() {
    let orders: BTreeSet<Vec<u32>> = (1..20)
        .map(|number| {
            let table = table(256, &by_prefix(), number);
            (0..8)
                .map(|n| slice(&table, &format!("10.0.{n}.1")))
                .collect()
        })
        .collect();
    assert_eq!(orders.len(), 19);
    let table = table(256, &by_prefix(), 1);
    let mut clients = [0_u32; 256];
    for prefix in 0..25_600_u32 {
        clients[by_address(&table, IpAddr::V4((prefix << 8).into())) as usize] += 1;
    }
    // 100 each on average; six standard deviations either way.
    assert!(
        clients.iter().all(|count| (40..=160).contains(count)),
        "{clients:?}"
    );
}

#[test]
fn the_table_hash_tells_tables_apart() {
    let other_prefix = PrefixLengths { v4: 25, v6: 56 };
    let mut reordered = vec![named("a", &["10.0.0.0/8"]), named("b", &["11.0.0.0/8"])];
    let ordered = list(reordered.clone());
    reordered.reverse();
    let tables = [
        table(256, &by_prefix(), 1),
        table(256, &by_prefix(), 2),
        table(512, &by_prefix(), 1),
        table(256, &Slicing::PrefixHash(other_prefix), 1),
        table(256, &ordered, 1),
        table(256, &list(reordered), 1),
    ];
    let hashes: BTreeSet<u64> = tables.iter().map(SliceTable::table_hash).collect();
    assert_eq!(hashes.len(), tables.len());
    assert_eq!(
        table(256, &ordered, 1).table_hash(),
        table(256, &ordered, 1).table_hash()
    );
}

#[test]
fn all_mistakes_are_told_at_once_with_their_fields() {
    let slicing = Slicing::CidrList {
        ranges: vec![
            named("north", &["10.0.0.0/8"]),
            named("north", &["10.1.0.0/16", "11.0.0.0/8"]),
            named("", &[]),
            named(OTHERS, &["::ffff:10.9.0.0/112"]),
        ],
        prefix: PrefixLengths { v4: 33, v6: 0 },
    };
    assert_eq!(
        messages(3, &slicing),
        [
            "slices: 3 is not a power of two from 1 to 65536",
            "slicing.prefixLengthV4: 33 is not from 1 to 32",
            "slicing.prefixLengthV6: 0 is not from 1 to 128",
            "slicing.ranges: 4 ranges and the addresses that match none need a slice each, but slices is 3",
            "slicing.ranges[1].name: \"north\" is taken by another range or by the addresses that match none",
            "slicing.ranges[2].name: must not be empty",
            "slicing.ranges[2].cidrs: range \"\" needs at least one CIDR",
            "slicing.ranges[3].name: \"others\" is taken by another range or by the addresses that match none",
            "slicing.ranges[1].cidrs: range \"north\" overlaps range \"north\"",
            "slicing.ranges[3].cidrs: range \"others\" overlaps range \"north\"",
        ]
    );
}

#[test]
fn single_mistakes() {
    assert_eq!(
        messages(0, &by_prefix()),
        ["slices: 0 is not a power of two from 1 to 65536"]
    );
    assert_eq!(
        messages(131_072, &by_prefix()),
        ["slices: 131072 is not a power of two from 1 to 65536"]
    );
    assert_eq!(
        messages(256, &list(vec![])),
        ["slicing.ranges: a CIDRList needs at least one range"]
    );
    let full = list(vec![named("all", &["0.0.0.0/0"])]);
    assert!(messages(1, &full)[0].starts_with("slicing.ranges: 1 ranges"));
    assert!(SlicePlan::new(2, &full).is_ok());
    let error = SlicePlan::new(0, &list(vec![])).unwrap_err().to_string();
    assert!(
        error.starts_with("failed to cut the address space: slices: 0")
            && error.contains("; slicing.ranges")
    );
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())),
        any::<u128>().prop_map(|bits| IpAddr::V6(bits.into())),
        // Near the edges of the three ranges.
        (0xC612_0000_u32..0xC614_0000).prop_map(|bits| IpAddr::V4(bits.into())),
    ]
}

proptest! {
    #[test]
    fn every_address_has_a_slice_of_its_range(address in any_address(), number: u64, bits in 2_u32..=16) {
        let table = table(1 << bits, &three_ranges(), number);
        let slice = by_address(&table, address);
        prop_assert!(slice < 1 << bits);
        let within = |cidr: &str| cidr.parse::<IpNet>().unwrap().contains(&address.to_canonical());
        let expected = if within("198.18.0.0/17") {
            "north"
        } else if within("198.18.128.0/18") || within("2001:db8:e::/48") {
            "east"
        } else if within("198.19.0.0/16") {
            "west"
        } else {
            OTHERS
        };
        prop_assert_eq!(table.range_name(slice), Some(expected));
    }

    #[test]
    fn ranges_cover_all_slices(ranges in 1_u8..=40, bits in 6_u32..=10) {
        let ranges: Vec<_> = (0..ranges).map(|n| named(&format!("r{n}"), &[&format!("10.{n}.0.0/16")])).collect();
        let names: Vec<_> = ranges.iter().map(|range| range.name.clone()).collect();
        let table = table(1 << bits, &list(ranges), 1);
        let mut order: Vec<_> = (0..1 << bits).map(|slice| table.range_name(slice).unwrap().to_owned()).collect();
        order.dedup();
        prop_assert_eq!(order.len(), names.len() + 1);
        prop_assert_eq!(&order[..names.len()], &names[..]);
    }
}
