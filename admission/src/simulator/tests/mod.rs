mod behaviour;
mod census;
mod faults;
mod invariants;
mod patience;
mod table;

use std::time::Duration;

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The founding herd, some of it.
fn founding(clients: u32) -> Scenario {
    let mut scenario = Scenario::founding();
    scenario.herd.clients = clients;
    scenario
}

fn run(scenario: &Scenario) -> Outcome {
    scenario.run().unwrap()
}

/// Without what would fill the screen.
fn brief(outcome: &Outcome) -> Outcome {
    Outcome {
        timeline: Vec::new(),
        ..outcome.clone()
    }
}
