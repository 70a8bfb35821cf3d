//! What a census, and the lack of one, does to a reopening.

use super::*;
use crate::slicing::Where;

/// Of 3,000 clients, 1,500 at one address.
fn behind_one_address() -> Scenario {
    let mut scenario = founding(3_000);
    scenario.herd.behind_carriers = 1_500;
    scenario.herd.clients_per_carrier = 1_500;
    scenario.herd.census_percent = 100;
    scenario
}

#[test]
fn a_crowded_address_passes_the_gate_and_is_held_by_client_id() {
    let scenario = behind_one_address();
    let known = run(&scenario);
    assert!(known.percent_of_ideal() <= 130, "{:?}", brief(&known));
    assert!(known.by_client_id >= 1_500, "{:?}", brief(&known));
    let mut unknown = scenario.clone();
    unknown.herd.census_percent = 0;
    let unknown = run(&unknown);
    assert!(
        unknown.is_complete() && unknown.by_client_id == 0,
        "{:?}",
        brief(&unknown)
    );
    // each of them costs a handshake for each time that it is held
    assert!(known.handshakes > unknown.handshakes, "{:?}", brief(&known));
}

/// Whoever has shaken hands by then is told to come again; the rest of the crowd waits before TLS.
#[test]
fn a_crowd_that_nobody_has_room_for_is_held_before_tls() {
    let mut scenario = behind_one_address();
    scenario.capacity.client_hold_budget = 100;
    let outcome = run(&scenario);
    assert!(
        outcome.percent_of_ideal() <= 150 && outcome.busy > 1_000,
        "{:?}",
        brief(&outcome)
    );
}

/// As many flap as come back, and only their ids tell.
#[test]
fn the_last_class_is_known_by_client_id_too() {
    let mut scenario = founding(1_000);
    scenario.slicing = SlicingType::ClientIdHash;
    scenario.herd.flapping = 1_000;
    let outcome = run(&scenario);
    assert!(
        outcome.is_complete() && outcome.seen.last_class_above_share == 0,
        "{:?}",
        brief(&outcome)
    );
}

#[test]
fn the_census_has_so_many_and_their_neighbours_are_new() {
    let mut scenario = founding(1_000);
    scenario.herd.census_percent = 70;
    let known = |client: &u32| scenario.is_known(*client);
    assert_eq!((0..1_000).filter(known).count(), 700);
    let prefix = |client: u32| match scenario.address_of(client) {
        std::net::IpAddr::V4(address) => address.to_bits() >> 8,
        std::net::IpAddr::V6(_) => panic!("all are IPv4"),
    };
    let prefixes: std::collections::BTreeSet<_> = (0..1_000).filter(known).map(prefix).collect();
    let beside = (0..1_000).filter(|client| !known(client) && prefixes.contains(&prefix(*client)));
    assert!((140..=160).contains(&beside.count()));
}

#[test]
fn growth_comes_back_whatever_the_slices_are_cut_by() {
    for slicing in [
        SlicingType::PrefixHash,
        SlicingType::Ranges,
        SlicingType::CidrList,
        SlicingType::ClientIdHash,
    ] {
        let mut scenario = founding(2_000);
        scenario.slicing = slicing;
        scenario.herd.census_percent = 60;
        let by_id = slicing == SlicingType::ClientIdHash;
        // handshakes of those who are held after them are work beside the ideal
        let percent = if by_id { 140 } else { 110 };
        let outcome = run(&scenario);
        assert!(
            outcome.percent_of_ideal() <= percent && outcome.level == outcome.slices,
            "{slicing:?}: {:?}",
            brief(&outcome)
        );
        assert_eq!(outcome.by_client_id > 0, by_id, "{slicing:?}");
    }
}

/// A census that nobody can trust cuts by client id.
#[test]
fn behind_few_peers_all_are_held_by_client_id() {
    let mut scenario = behind_one_address();
    scenario.herd.behind_carriers = 3_000;
    let spec = scenario.spec().unwrap().unwrap();
    assert!(!spec.is_trusted());
    let table = spec.table(crate::slicing::Seed(1));
    let anybody = "203.0.113.7".parse().unwrap();
    assert_eq!(table.slice_of(anybody), Where::ByClientId);
    assert!(run(&scenario).is_complete());
}

/// The next reopening is cut by the same census.
#[test]
fn a_second_reopening_has_the_census_too() {
    let mut scenario = behind_one_address();
    scenario.faults = vec![Fault {
        when: When::Level(50),
        lasting: ms(2_000),
        mishap: Mishap::ShardKilled { shard: 0 },
    }];
    let outcome = run(&scenario);
    assert!(
        outcome.is_complete() && outcome.reopening == 2 && outcome.by_client_id > 1_500,
        "{:?}",
        brief(&outcome)
    );
}
