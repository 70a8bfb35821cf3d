use std::net::IpAddr;

use super::*;
use crate::allow::AllowList;
use crate::census::Tally;
use crate::slicing::{PrefixLengths, Slicing};

fn settings() -> KeeperSettings {
    KeeperSettings::default()
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

fn counted(slices: u32, address: u32, clients: u32) -> TableSpec {
    let mut tally = Tally::default();
    for _ in 0..clients {
        tally.enter(IpAddr::V4(address.into()), 0);
    }
    let prefix = PrefixLengths::default();
    let census = tally.census(prefix, &AllowList::default());
    let plan = SlicePlan::new(slices, &Slicing::PrefixHash(prefix)).unwrap();
    plan.spec(census, true)
}

fn report(edge: &str, reopening: u64, is_open: bool, counted: TableSpec) -> CensusReport {
    CensusReport {
        edge: EdgeId(edge.to_owned()),
        reopening: ReopeningNumber(reopening),
        is_open,
        counted,
        table: None,
    }
}

/// Edges `a` and `b` count `clients` each, every minute from `from` to `to`.
fn run(
    keeper: &mut Keeper,
    reopening: u64,
    is_open: bool,
    clients: u32,
    from: u64,
    to: u64,
) -> Changed {
    let mut all = Changed::default();
    for minute in from..=to {
        for (edge, address) in [("a", 0x0A00_0001), ("b", 0x0B00_0001)] {
            let report = report(edge, reopening, is_open, counted(64, address, clients));
            keeper.hear(report, minutes(minute));
        }
        let level = if is_open { 64 } else { 3 };
        let changed = keeper.think(ReopeningNumber(reopening), level, minutes(minute));
        all.table |= changed.table;
        all.stored |= changed.stored;
    }
    all
}

#[test]
fn ten_quiet_minutes_replace_the_census_by_the_sum_of_the_edges() {
    let mut keeper = Keeper::new(settings(), &Stored::default());
    run(&mut keeper, 1, true, 20, 0, 9);
    assert_eq!(keeper.next(), None);
    let changed = run(&mut keeper, 1, true, 20, 10, 10);
    assert_eq!((changed.stored, changed.table), (true, false));
    assert_eq!(keeper.next().unwrap().census().clients(), 40);
    assert_eq!(keeper.table(), None, "the present one goes on as it began");
}

#[test]
fn a_reopening_freezes_the_census_and_is_cut_by_it() {
    let mut keeper = Keeper::new(settings(), &Stored::default());
    run(&mut keeper, 1, true, 20, 0, 10);
    let before = keeper.next().cloned().unwrap();
    let changed = keeper.think(ReopeningNumber(2), 0, minutes(11));
    assert!(changed.table && changed.stored && keeper.is_frozen());
    assert_eq!(keeper.table().unwrap().reopening, ReopeningNumber(2));
    assert_eq!(keeper.table().unwrap().spec, before);
    run(&mut keeper, 2, false, 1, 11, 60);
    assert_eq!(keeper.next(), Some(&before), "half the fleet is away");
    run(&mut keeper, 2, true, 15, 61, 71);
    assert_eq!(keeper.next().unwrap().census().clients(), 30);
    assert_eq!(keeper.table().unwrap().spec, before);
}

#[test]
fn who_joins_a_reopening_that_has_moved_on_does_not_cut_it_anew() {
    let stored = Stored {
        next: Some(counted(64, 1, 20)),
        reopening: ReopeningNumber(4),
        ..Stored::default()
    };
    let mut keeper = Keeper::new(settings(), &stored);
    assert!(!keeper.think(ReopeningNumber(5), 3, minutes(0)).table);
    let table = TableFor {
        reopening: ReopeningNumber(5),
        spec: counted(128, 1, 20),
    };
    let mut told = report("a", 5, false, counted(64, 1, 1));
    told.table = Some(table.clone());
    assert!(keeper.hear(told, minutes(0)).table);
    assert_eq!(keeper.table(), Some(&table));
}

#[test]
fn nobody_connected_and_silent_edges_replace_nothing() {
    let mut keeper = Keeper::new(settings(), &Stored::default());
    run(&mut keeper, 1, true, 20, 0, 10);
    let before = keeper.next().cloned();
    run(&mut keeper, 1, true, 0, 11, 40);
    assert_eq!(keeper.next(), before.as_ref());
    for minute in 41..80 {
        assert!(!keeper.think(ReopeningNumber(1), 64, minutes(minute)).stored);
    }
    assert!(keeper.is_frozen(), "nobody counts");
}

#[test]
fn what_is_stored_is_taken_up_by_the_next_start() {
    let mut keeper = Keeper::new(settings(), &Stored::default());
    run(&mut keeper, 7, true, 200, 0, 10);
    assert_eq!(keeper.addresses().trust, AddressTrust::FewPeers);
    assert!(!keeper.next().unwrap().is_trusted());
    let mut stored = Stored::default();
    keeper.store(&mut stored);
    assert_eq!(stored.reopening, ReopeningNumber(7));
    let mut again = Keeper::new(settings(), &Stored::decode(&stored.encode()).unwrap());
    assert!(again.think(ReopeningNumber(8), 0, minutes(0)).table);
    assert_eq!(again.table().map(|table| &table.spec), keeper.next());
    assert_eq!(again.addresses().trust, AddressTrust::FewPeers);
}

#[test]
fn reports_go_there_and_back() {
    let mut told = report("edge-0", 5, true, counted(64, 1, 20));
    assert_eq!(CensusReport::decode(&told.encode()), Ok(told.clone()));
    told.table = Some(TableFor {
        reopening: ReopeningNumber(5),
        spec: counted(128, 1, 20),
    });
    let bytes = told.encode();
    assert_eq!(CensusReport::decode(&bytes), Ok(told));
    for cut in [0, 3, 20, bytes.len() - 1] {
        assert!(CensusReport::decode(&bytes[..cut]).is_err());
    }
    assert!(CensusReport::decode(&vec![0; MOST_REPORT_BYTES + 1]).is_err());
}
