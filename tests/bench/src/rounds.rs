//! Round after round, each subject in turn, each time freshly started.

use std::collections::BTreeMap;

use clap::ValueEnum as _;

use crate::cli::Run;
use crate::machine::{self, Machine};
use crate::outcome::{Outcome, Record, Results};
use crate::scenario::{Scale, Scenario, idle};
use crate::subject::{Binaries, Running, Subject};

/// Rounds of a quick run.
const QUICK_ROUNDS: u32 = 2;
/// Descriptors of ours that are no clients.
const RESERVE: usize = 500;

pub(crate) async fn run(run: &Run) -> anyhow::Result<Results> {
    let mut bench = Bench::new(run)?;
    let scenarios = if run.scenarios.is_empty() {
        Scenario::value_variants()
    } else {
        &run.scenarios[..]
    };
    let rounds = if run.quick {
        QUICK_ROUNDS.min(run.rounds)
    } else {
        run.rounds
    };
    for scenario in scenarios {
        for round in 0..rounds {
            bench.round(*scenario, round).await;
        }
    }
    for machine in &mut bench.results.machines {
        machine.look_again();
    }
    Ok(bench.results)
}

async fn start(subject: &Subject) -> anyhow::Result<Running> {
    let wishes = subject.kind.wishes();
    let running = Running::start(subject, &wishes).await?;
    running.until_open(wishes.mode).await?;
    Ok(running)
}

struct Bench {
    subjects: Vec<Subject>,
    scale: Scale,
    results: Results,
}

impl Bench {
    fn new(run: &Run) -> anyhow::Result<Self> {
        let binaries = Binaries {
            broker: run.broker.clone(),
            parent: run.parent.clone(),
            peer_folder: run.peer_folder.clone(),
        };
        let mut missing = BTreeMap::new();
        let mut subjects = Vec::new();
        for kind in run.kinds()? {
            match Subject::find(kind, &binaries) {
                Ok(subject) => subjects.push(subject),
                Err(error) => {
                    eprintln!("SKIP {}: {error:#}", kind.name());
                    missing.insert(kind.name().to_owned(), format!("{error:#}"));
                }
            }
        }
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        Ok(Self {
            subjects,
            scale: if run.quick { Scale::QUICK } else { Scale::FULL },
            results: Results {
                commands: vec![format!("herdgate-bench {}", arguments.join(" "))],
                machines: vec![Machine::look()],
                quick: run.quick,
                subjects: Vec::new(),
                missing,
                runs: Vec::new(),
            },
        })
    }

    async fn round(&mut self, scenario: Scenario, round: u32) {
        let mut subjects: Vec<_> = self
            .subjects
            .iter()
            .filter(|subject| scenario.suits(subject))
            .cloned()
            .collect();
        if round % 2 == 1 {
            subjects.reverse();
        }
        if scenario.is_idle() {
            self.idle(scenario, round, &subjects).await;
            return;
        }
        for subject in &subjects {
            let outcome = match start(subject).await {
                Ok(running) => {
                    self.know(&running);
                    let outcome = scenario.run(&running, &self.scale).await;
                    if matches!(outcome, Outcome::Failed(_)) {
                        eprintln!("{}", running.logs());
                    }
                    outcome
                }
                Err(error) => Outcome::Failed(format!("{error:#}")),
            };
            self.record(scenario, subject, round, outcome);
        }
    }

    /// All at once.
    async fn idle(&mut self, scenario: Scenario, round: u32, subjects: &[Subject]) {
        let files = machine::file_limit();
        let share = files.saturating_sub(RESERVE) / subjects.len().max(1);
        let most = subjects.iter().map(|subject| subject.most_clients(files));
        let clients = most.fold(self.scale.idle_clients.min(share), usize::min);
        let (mut started, mut all) = (Vec::new(), Vec::new());
        for subject in subjects {
            match start(subject).await {
                Ok(running) => {
                    self.know(&running);
                    started.push(subject);
                    all.push(running);
                }
                Err(error) => {
                    self.record(
                        scenario,
                        subject,
                        round,
                        Outcome::Failed(format!("{error:#}")),
                    );
                }
            }
        }
        let outcomes = idle::run(scenario, &all, &self.scale, clients).await;
        for (subject, outcome) in started.into_iter().zip(outcomes) {
            self.record(scenario, subject, round, outcome);
        }
    }

    fn know(&mut self, running: &Running) {
        let known = &mut self.results.subjects;
        if !known.iter().any(|about| about.name == running.about.name) {
            known.push(running.about.clone());
        }
    }

    fn record(&mut self, scenario: Scenario, subject: &Subject, round: u32, outcome: Outcome) {
        eprintln!(
            "{} round {} {}: {outcome:.2?}",
            scenario.name(),
            round + 1,
            subject.name()
        );
        self.results.runs.push(Record {
            scenario,
            subject: subject.name().to_owned(),
            round,
            outcome,
        });
    }
}
