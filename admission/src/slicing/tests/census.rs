//! What a census makes of each slicing.

use super::*;
use crate::allow::AllowList;
use crate::census::Tally;

/// Clients of addresses of their own, in buckets of so many.
fn counted(clients: &[(IpAddr, u32)]) -> Census {
    let mut tally = Tally::default();
    for (address, clients) in clients {
        for _ in 0..*clients {
            tally.enter(*address, 0);
        }
    }
    tally.census(PrefixLengths::default(), &AllowList::default())
}

/// The addresses `first`, `first + step` …, one client each.
fn row(first: &str, step: u32, count: u32) -> Vec<(IpAddr, u32)> {
    let IpAddr::V4(first) = ip(first) else {
        panic!("an IPv4 address")
    };
    let address = |n: u32| IpAddr::V4((first.to_bits() + n * step).into());
    (0..count).map(|n| (address(n), 1)).collect()
}

fn spec(slices: u32, slicing: &Slicing, census: Census) -> TableSpec {
    SlicePlan::new(slices, slicing).unwrap().spec(census, true)
}

fn seed(number: u64) -> Seed {
    Seed::new("herdgate", ReopeningNumber(number))
}

fn every_slicing() -> [Slicing; 4] {
    let prefix = PrefixLengths::default();
    [
        by_prefix(),
        three_ranges(),
        Slicing::Ranges(prefix),
        Slicing::ClientIdHash,
    ]
}

#[test]
fn named_ranges_get_slices_in_proportion_to_their_clients() {
    let clients = [
        row("198.18.0.1", 256, 60),
        row("198.18.128.1", 256, 30),
        row("198.19.0.1", 256, 10),
    ]
    .concat();
    let table = spec(256, &three_ranges(), counted(&clients)).table(seed(1));
    let shares: Vec<_> = (table.ranges().into_iter())
        .map(|range| (range.name, range.clients, range.first_slice, range.slices))
        .collect();
    let expected = [
        ("north".to_owned(), 60, 0, 153),
        ("east".to_owned(), 30, 153, 77),
        ("west".to_owned(), 10, 230, 25),
        (OTHERS.to_owned(), 0, 255, 1),
    ];
    assert_eq!(shares, expected);
}

#[test]
fn a_bucket_across_two_ranges_is_divided_as_its_addresses_are() {
    let halves = list(vec![
        named("low", &["198.18.0.0/25"]),
        named("high", &["198.18.0.128/26"]),
    ]);
    let census = counted(&row("198.18.0.0", 1, 100));
    let table = spec(256, &halves, census).table(seed(1));
    let clients: Vec<_> = (table.ranges().into_iter())
        .map(|range| range.clients)
        .collect();
    assert_eq!(clients, [50, 25, 25]);
}

#[test]
fn many_clients_make_more_slices_and_the_configured_number_is_the_least() {
    for (slices, clients, expected) in [
        (256, 0, 256),
        (256, 8_192, 256),
        (256, 8_193, 512),
        (16, 100, 16),
        (16, 7_000, 256),
        (1_024, 7_000, 1_024),
        (256, 10_000_000, MAX_SLICES),
    ] {
        let mut census = Census::default();
        census.add(ip("10.0.0.1"), clients);
        assert_eq!(spec(slices, &by_prefix(), census).slices(), expected);
    }
}

#[test]
fn ranges_put_equal_numbers_into_slices_and_keep_neighbours_together() {
    let clients = row("10.0.0.1", 64, 25_600);
    let table = spec(
        256,
        &Slicing::Ranges(PrefixLengths::default()),
        counted(&clients),
    )
    .table(seed(1));
    assert_eq!(table.slices(), 1_024);
    let mut counts = vec![0_u32; 1_024];
    let mut changes = 0;
    let mut last = None;
    for (address, _) in &clients {
        let slice = by_address(&table, *address);
        counts[slice as usize] += 1;
        changes += u32::from(last != Some(slice));
        last = Some(slice);
    }
    // 25 each, in buckets of 4
    assert!(counts.iter().all(|count| (21..=29).contains(count)));
    assert_eq!(changes, 1_024, "each slice is one range of addresses");
    for (slice, count) in (0..).zip(counts) {
        assert_eq!(table.expected(slice), count);
    }
    let other = spec(
        256,
        &Slicing::Ranges(PrefixLengths::default()),
        counted(&clients),
    )
    .table(seed(2));
    let moved = (clients.iter())
        .filter(|(address, _)| by_address(&table, *address) != by_address(&other, *address));
    assert!(moved.count() > 25_000, "another order for each reopening");
}

#[test]
fn ranges_divide_what_is_too_large_for_a_slice() {
    // One bucket of 200 addresses, beside 200 single ones.
    let mut clients = row("10.0.0.1", 1, 200);
    clients.extend(row("11.0.0.1", 256, 200));
    let slicing = Slicing::Ranges(PrefixLengths::default());
    let table = spec(16, &slicing, counted(&clients)).table(seed(1));
    let mut counts = [0_u32; 16];
    for (address, _) in &clients {
        counts[by_address(&table, *address) as usize] += 1;
    }
    // 25 each; the large bucket is dealt out by chance, six deviations wide.
    assert!(
        counts.iter().all(|count| (1..=55).contains(count)),
        "{counts:?}"
    );
    let expected: Vec<_> = (0..16).map(|slice| table.expected(slice)).collect();
    assert!(
        expected.iter().all(|count| (24..=26).contains(count)),
        "{expected:?}"
    );
}

#[test]
fn ranges_without_a_census_are_prefix_hash() {
    let ranges = table(256, &Slicing::Ranges(PrefixLengths::default()), 1);
    let hashed = table(256, &by_prefix(), 1);
    for n in 0..100 {
        let address = format!("10.0.{n}.1");
        assert_eq!(slice(&ranges, &address), slice(&hashed, &address));
    }
}

#[test]
fn a_crowded_address_is_sliced_by_client_id_and_its_neighbours_are_not() {
    let clients = [(ip("198.18.0.1"), 33), (ip("198.18.0.2"), 32)];
    for slicing in &every_slicing()[..3] {
        let table = spec(256, slicing, counted(&clients)).table(seed(1));
        assert_eq!(table.slice_of(ip("198.18.0.1")), Where::ByClientId);
        assert_eq!(table.slice_of(ip("::ffff:198.18.0.1")), Where::ByClientId);
        assert!(table.slice_of(ip("198.18.0.2")).slice().is_some());
    }
    let plan = SlicePlan::new(256, &by_prefix()).unwrap().with_crowd(31);
    let table = plan.spec(counted(&clients), true).table(seed(1));
    assert_eq!(table.slice_of(ip("198.18.0.2")), Where::ByClientId);
}

#[test]
fn addresses_that_are_not_trusted_are_not_looked_at() {
    for slicing in every_slicing() {
        let plan = SlicePlan::new(256, &slicing).unwrap();
        let table = plan.spec(Census::default(), false).table(seed(1));
        assert_eq!(table.slice_of(ip("198.18.0.1")), Where::ByClientId);
        assert!(table.is_by_client_id() && table.ranges().is_empty());
    }
}

#[test]
fn client_ids_are_spread_evenly_and_anew_each_time() {
    let (one, two) = (
        table(64, &Slicing::ClientIdHash, 1),
        table(64, &Slicing::ClientIdHash, 2),
    );
    let mut counts = [0_u32; 64];
    let mut moved = 0;
    for n in 0..6_400 {
        let id = format!("gw-{n}");
        let slice = one.slice_of_client(&id);
        counts[slice as usize] += 1;
        moved += u32::from(two.slice_of_client(&id) != slice);
    }
    // 100 each; six deviations either way
    assert!(counts.iter().all(|count| (40..=160).contains(count)));
    assert!(moved > 6_000);
}

/// Fixed for ever: two versions that run side by side must cut the same slices.
#[test]
fn slices_by_a_census_never_change_between_versions() {
    let clients = row("198.18.0.1", 97, 2_000);
    let slices = |slicing: &Slicing| {
        let spec = spec(64, slicing, counted(&clients));
        let table = spec.table(seed(7));
        let some = ["198.18.0.9", "198.18.77.1", "198.20.0.1"];
        let some = some.map(|address| table.slice_of(ip(address)).slice());
        (some, table.slice_of_client("gw-7"), spec.hash())
    };
    assert_eq!(
        every_slicing().map(|slicing| slices(&slicing)),
        [
            (
                [Some(0x32), Some(0x2c), Some(0x1f)],
                10,
                0xb8db_827c_8675_3380
            ),
            ([Some(8), Some(7), Some(0x32)], 10, 0x8c53_46ad_f364_4957),
            ([Some(6), Some(0x11), Some(0x16)], 10, 0xdcdc_a4c2_8e24_ed9b),
            ([None, None, None], 10, 0x0bc8_dac5_1862_52e1),
        ]
    );
}

#[test]
fn the_greater_of_two_tables_wins_whichever_is_heard_first() {
    let of = |reopening, slices| TableFor {
        reopening: ReopeningNumber(reopening),
        spec: spec(slices, &by_prefix(), Census::default()),
    };
    let (old, one, two) = (of(1, 64), of(2, 128), of(2, 256));
    let winner = if one.spec.hash() > two.spec.hash() {
        &one
    } else {
        &two
    };
    for order in [[&old, &one, &two], [&two, &one, &old], [&one, &old, &two]] {
        let mut current = None;
        for table in order {
            TableFor::adopt(&mut current, table);
        }
        assert_eq!(current.as_ref(), Some(winner));
        assert!(
            !TableFor::adopt(&mut current, winner),
            "the same is nothing new"
        );
    }
}

#[test]
fn a_spec_that_is_wrong_is_told_with_its_field() {
    let good = spec(256, &three_ranges(), counted(&row("198.18.0.1", 7, 90)));
    let bytes = good.encode();
    let told = |bytes: &[u8]| {
        let error = TableSpec::decode(bytes).unwrap_err();
        let source = std::error::Error::source(&error);
        format!(
            "{error}: {}",
            source.map(ToString::to_string).unwrap_or_default()
        )
    };
    assert_eq!(
        told(&[9]),
        "failed to read a slice table: format 9 is unknown: "
    );
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(told(&longer).contains("1 bytes follow"));
    let mut no_power = bytes.clone();
    // 256 as two bytes
    no_power[1] |= 1;
    assert!(told(&no_power).contains("slices: 257 is not a power of two"));
    assert!(told(&vec![1; MOST_SPEC_BYTES + 1]).contains("are over the limit"));
}

fn any_census() -> impl Strategy<Value = Census> {
    let address = prop_oneof![
        (0xC612_0000_u32..0xC614_0000).prop_map(|bits| IpAddr::V4(bits.into())),
        (0_u128..1 << 90).prop_map(|bits| IpAddr::V6((0x2001_0db8_u128 << 96 | bits << 40).into())),
    ];
    prop::collection::vec((address, 1_u32..80), 0..60).prop_map(|all| counted(&all))
}

fn any_slicing() -> impl Strategy<Value = Slicing> {
    prop::sample::select(every_slicing().to_vec())
}

proptest! {
    #[test]
    fn every_client_has_exactly_one_slice_and_the_same_in_two_processes(
        census in any_census(), slicing in any_slicing(), trusted: bool, number: u64,
        addresses in prop::collection::vec(any_address(), 20), id: String, bits in 2_u32..=10,
    ) {
        let plan = SlicePlan::new(1 << bits, &slicing).unwrap();
        let spec = plan.spec(census, trusted);
        let here = spec.table(seed(number));
        let there = TableSpec::decode(&spec.encode()).unwrap().table(seed(number));
        prop_assert_eq!(here.table_hash(), there.table_hash());
        prop_assert!(here.slice_of_client(&id) < here.slices());
        prop_assert_eq!(here.slice_of_client(&id), there.slice_of_client(&id));
        for address in addresses {
            let found = here.slice_of(address);
            prop_assert_eq!(found, there.slice_of(address));
            if let Where::Slice(slice) = found {
                prop_assert!(slice < here.slices());
            }
        }
    }

    #[test]
    fn what_is_expected_adds_up_to_the_census(census in any_census(), slicing in any_slicing(), trusted: bool, number: u64) {
        let clients = census.clients();
        let table = SlicePlan::new(64, &slicing).unwrap().spec(census, trusted).table(seed(number));
        let expected: u64 = (0..table.slices()).map(|slice| u64::from(table.expected(slice))).sum();
        prop_assert_eq!(expected, clients);
    }

    #[test]
    fn a_hashed_client_is_expected_where_it_is(census in any_census(), ranged: bool, number: u64) {
        let slicing = if ranged { three_ranges() } else { by_prefix() };
        let table = SlicePlan::new(64, &slicing).unwrap().spec(census.clone(), true).table(seed(number));
        for (bucket, _) in census.buckets() {
            // Of a bucket with a crowd, the others may be none.
            if let Some(slice) = table.slice_of(bucket.network()).slice()
                && census.crowded(32).iter().all(|(address, _)| !bucket.contains(address))
            {
                prop_assert!(table.expected(slice) > 0);
            }
        }
    }

    #[test]
    fn bytes_bring_the_same_spec(census in any_census(), slicing in any_slicing(), trusted: bool, crowd: u32) {
        let plan = SlicePlan::new(64, &slicing).unwrap().with_crowd(crowd);
        let spec = plan.spec(census, trusted);
        let bytes = spec.encode();
        let read = TableSpec::decode(&bytes).unwrap();
        prop_assert_eq!(&read, &spec);
        prop_assert_eq!(read.hash(), spec.hash());
        prop_assert_eq!(read.encode(), bytes, "one form only");
        let table = TableFor { reopening: ReopeningNumber(7), spec };
        prop_assert_eq!(TableFor::decode(&table.encode()).unwrap(), table);
    }

    #[test]
    fn damaged_specs_are_refused_or_another_and_never_panic(
        census in any_census(), slicing in any_slicing(), at: prop::sample::Index, bit in 0_u8..8, cut: prop::sample::Index,
    ) {
        let spec = SlicePlan::new(64, &slicing).unwrap().spec(census, true);
        let mut bytes = spec.encode();
        prop_assert!(TableSpec::decode(&bytes[..cut.index(bytes.len())]).is_err());
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(read) = TableSpec::decode(&bytes) {
            prop_assert_ne!(read, spec);
        }
    }
}
