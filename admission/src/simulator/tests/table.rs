//! Section by section, what the law was chosen by.

use super::*;
use crate::simulator::rows::{LAWS, Row, rows};

/// Of 100 handshakes, two may be for nothing.
const HANDSHAKES: u64 = 102;
/// A rival that keeps within what this law keeps within is no worse in that row; in so many rows it must be.
const ROWS_LOST: usize = 7;

/// Whether a law is as good as this one promises to be.
fn is_tame(row: &Row, outcome: &Outcome) -> bool {
    let in_time = outcome.percent_of_ideal() <= row.within_percent;
    outcome.is_complete() && in_time && outcome.handshakes_per_hundred() <= HANDSHAKES
}

/// All rows side by side, as many as there are cores to run them.
fn outcomes(law: Law) -> Vec<(Row, Outcome)> {
    std::thread::scope(|scope| {
        let runs: Vec<_> = rows()
            .into_iter()
            .map(|row| {
                scope.spawn(move || {
                    let mut scenario = row.scenario.clone();
                    scenario.law = law;
                    // whoever takes longer has lost
                    scenario.at_most = scenario.ideal() * 5 / 4;
                    let outcome = run(&scenario);
                    (row, outcome)
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

#[test]
fn this_law_is_tame_in_every_row() {
    let wild: Vec<_> = outcomes(Law::Staged)
        .into_iter()
        .filter(|(row, outcome)| !is_tame(row, outcome) || outcome.level != outcome.slices)
        .map(|(row, outcome)| (row.name, outcome.percent_of_ideal(), brief(&outcome)))
        .collect();
    assert!(wild.is_empty(), "{wild:#?}");
}

#[test]
fn every_other_law_is_worse_in_most_rows() {
    for (name, law) in LAWS.into_iter().filter(|(_, law)| *law != Law::Staged) {
        let lost = outcomes(law)
            .into_iter()
            .filter(|(row, outcome)| !is_tame(row, outcome))
            .count();
        assert!(lost >= ROWS_LOST, "{name} lost {lost}");
    }
}

/// What the whole crate is for.
#[test]
fn with_an_open_door_the_founding_herd_never_comes_back() {
    let open = Scenario {
        law: Law::Open,
        at_most: Duration::from_secs(200),
        ..Scenario::founding()
    };
    let outcome = run(&open);
    assert!(
        outcome.back < 100 && outcome.handshakes > 5 * 7_000,
        "{:?}",
        brief(&outcome)
    );
}
