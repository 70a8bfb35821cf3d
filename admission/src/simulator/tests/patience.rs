//! Edges that do not know how patient the fleet is, and learn it.

use super::*;
use crate::simulator::rows::rows;

/// What an edge sees of a wait: without the way there and back, and in steps of a sixteenth.
fn is_near(learned: Duration, truth: Duration) -> bool {
    learned >= truth * 9 / 10 && learned <= truth * 11 / 10
}

/// A fleet that edges take to be patient for 5 s.
fn taken_for_five(patience: Duration) -> Scenario {
    let mut scenario = Scenario::founding();
    scenario.herd.patience = patience;
    scenario.capacity.first_patience = Some(Duration::from_secs(5));
    scenario.capacity.learns_patience = true;
    scenario.capacity.edges = 2;
    scenario
}

#[test]
fn a_shorter_and_a_longer_patience_are_learned() {
    for patience in [2, 12].map(Duration::from_secs) {
        let outcome = run(&taken_for_five(patience));
        assert!(
            is_near(outcome.patience, patience),
            "{patience:?}: {:?}",
            brief(&outcome)
        );
        assert!(outcome.is_complete(), "{:?}", brief(&outcome));
    }
}

/// Nine of ten clients are more patient than what the law goes by.
#[test]
fn of_two_groups_the_less_patient_counts() {
    let mut scenario = taken_for_five(Duration::from_secs(12));
    scenario.herd.other_patience_percent = 50;
    scenario.herd.other_patience = Duration::from_secs(3);
    let outcome = run(&scenario);
    assert!(
        outcome.is_complete() && is_near(outcome.patience, Duration::from_secs(3)),
        "{:?}",
        brief(&outcome)
    );
}

#[test]
fn learning_what_is_known_costs_nothing() {
    for mut row in rows() {
        row.scenario.capacity.learns_patience = true;
        let outcome = run(&row.scenario);
        assert!(
            outcome.percent_of_ideal() <= row.within_percent
                && outcome.handshakes_per_hundred() <= 102,
            "{}: {} {:?}",
            row.name,
            outcome.percent_of_ideal(),
            brief(&outcome)
        );
    }
}

#[test]
fn without_learning_edges_stay_with_what_they_took_it_for() {
    let mut scenario = taken_for_five(Duration::from_secs(2));
    scenario.capacity.learns_patience = false;
    let outcome = run(&scenario);
    assert_eq!(outcome.patience, Duration::from_secs(5));
}
