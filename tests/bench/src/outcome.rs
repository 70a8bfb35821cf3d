//! What a run left behind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::scenario::Scenario;
use crate::subject::About;

/// Everything that the report is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) commands: Vec<String>,
    pub(crate) machines: Vec<Machine>,
    /// Runs of a tenth of the load are not to be quoted.
    pub(crate) quick: bool,
    pub(crate) subjects: Vec<About>,
    /// Wanted and not installed, and why.
    pub(crate) missing: BTreeMap<String, String>,
    pub(crate) runs: Vec<Record>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) scenario: Scenario,
    pub(crate) subject: String,
    pub(crate) round: u32,
    pub(crate) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    /// By the names of `Scenario::figures`.
    Measured(BTreeMap<String, f64>),
    /// The load generator was the one that could not go faster.
    Void(BTreeMap<String, f64>),
    Failed(String),
}

impl Results {
    /// Several runs as one: rounds of the same scenario in two runs are not the same rounds.
    pub(crate) fn merged(all: Vec<Self>) -> Self {
        let mut merged = Self {
            commands: Vec::new(),
            machines: Vec::new(),
            quick: false,
            subjects: Vec::new(),
            missing: BTreeMap::new(),
            runs: Vec::new(),
        };
        let mut first_round = 0;
        for results in all {
            let rounds = results.runs.iter().map(|run| run.round + 1).max();
            merged.commands.extend(results.commands);
            merged.machines.extend(results.machines);
            merged.quick |= results.quick;
            for about in results.subjects {
                if !merged.subjects.iter().any(|known| known.name == about.name) {
                    merged.subjects.push(about);
                }
            }
            merged.missing.extend(results.missing);
            merged
                .runs
                .extend(results.runs.into_iter().map(|run| Record {
                    round: run.round + first_round,
                    ..run
                }));
            first_round += rounds.unwrap_or_default();
        }
        merged
    }
}
