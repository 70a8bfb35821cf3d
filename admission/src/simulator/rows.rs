//! The herds that the law was chosen by, and the laws that it was chosen against.

use std::time::Duration;

use super::scenario::{Fault, Law, Mishap, Scenario, When, Whose};

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    pub name: &'static str,
    /// Under this library's law.
    pub scenario: Scenario,
    /// The law keeps within so many percent of the ideal time.
    pub within_percent: u64,
}

/// Everybody's column, with its name.
pub const LAWS: [(&str, Law); 5] = [
    ("this law", Law::Staged),
    ("constant 64", Law::Constant(64)),
    ("constant 512", Law::Constant(512)),
    (
        "AIMD on a 20 ms queue",
        Law::Aimd(Duration::from_millis(20)),
    ),
    ("open", Law::Open),
];
/// What the law keeps within, where nothing gets slower under way.
const WITHIN_PERCENT: u64 = 110;
/// Three times slower for 20 s of 84 costs 113 by itself.
const SLOW_WITHIN_PERCENT: u64 = 120;

/// A row's name, what it keeps within, and what it changes in the founding herd.
type Change = (&'static str, u64, fn(&mut Scenario));

const CHANGES: [Change; 11] = [
    ("founding", WITHIN_PERCENT, |_| ()),
    ("login 1.7 ms", WITHIN_PERCENT, |it| {
        it.capacity.login = Duration::from_micros(1_700);
    }),
    ("20,000 clients, login 0.2 ms", WITHIN_PERCENT, |it| {
        it.herd.clients = 20_000;
        it.capacity.login = Duration::from_micros(200);
    }),
    (
        "SUBSCRIBEs five times as costly, login 0.1 ms",
        WITHIN_PERCENT,
        |it| {
            it.capacity.subscribe = Duration::from_micros(125);
            it.capacity.login = Duration::from_micros(100);
        },
    ),
    ("round trips 100 ms", WITHIN_PERCENT, |it| {
        it.herd.round_trip = Duration::from_millis(100);
    }),
    ("round trips 2 ms", WITHIN_PERCENT, |it| {
        it.herd.round_trip = Duration::from_millis(2);
    }),
    (
        "three times slower for 20 s in the middle",
        SLOW_WITHIN_PERCENT,
        |it| {
            it.faults = vec![Fault {
                when: When::At(Duration::from_secs(30)),
                lasting: Duration::from_secs(20),
                mishap: Mishap::Slow {
                    whose: Whose::All,
                    percent: 300,
                },
            }];
        },
    ),
    ("login 50 ms, 2,000 clients", WITHIN_PERCENT, |it| {
        it.herd.clients = 2_000;
        it.capacity.login = Duration::from_millis(50);
    }),
    ("nine of ten clients never return", WITHIN_PERCENT, |it| {
        it.herd.clients = 70_000;
        it.herd.never_return_percent = 90;
    }),
    ("patience 2 s", WITHIN_PERCENT, |it| {
        it.herd.patience = Duration::from_secs(2);
    }),
    ("patience 20 s", WITHIN_PERCENT, |it| {
        it.herd.patience = Duration::from_secs(20);
    }),
];

/// The whole table.
pub fn rows() -> Vec<Row> {
    CHANGES
        .map(|(name, within_percent, change)| row(name, within_percent, change))
        .into()
}

fn row(name: &'static str, within_percent: u64, change: fn(&mut Scenario)) -> Row {
    let mut scenario = Scenario::founding();
    name.clone_into(&mut scenario.name);
    change(&mut scenario);
    Row {
        name,
        scenario,
        within_percent,
    }
}
