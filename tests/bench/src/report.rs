//! The report as text: a table per scenario, then who was measured.

use std::fmt::Write as _;

use anyhow::Context as _;
use clap::ValueEnum as _;

use crate::outcome::{Outcome, Record, Results};
use crate::scenario::Scenario;
use crate::statistics::{Interval, Spread};

/// Whom all are compared with.
const REFERENCES: [&str; 3] = ["mosquitto", "haproxy", "parent"];

pub(crate) fn text(results: &Results) -> String {
    let mut out = String::new();
    head(&mut out, results);
    for scenario in Scenario::value_variants() {
        table(&mut out, results, *scenario);
    }
    peers(&mut out, results);
    out
}

// writing into a String does not fail
fn head(out: &mut String, results: &Results) {
    for command in &results.commands {
        let _ = writeln!(out, "$ {command}");
    }
    for machine in &results.machines {
        let _ = writeln!(out, "{machine}");
    }
    let _ = writeln!(
        out,
        "median [least..most] of the rounds; x: ratio to a peer in the same round, median [least..most]"
    );
    if results.quick {
        let _ = writeln!(out, "QUICK: a tenth of the load; not to be quoted");
    }
    for (name, why) in &results.missing {
        let _ = writeln!(out, "SKIPPED {name}: {why}");
    }
}

fn table(out: &mut String, results: &Results, scenario: Scenario) {
    let runs: Vec<_> = results
        .runs
        .iter()
        .filter(|run| run.scenario == scenario)
        .collect();
    let mut names: Vec<&str> = Vec::new();
    for about in &results.subjects {
        if runs.iter().any(|run| run.subject == about.name) {
            names.push(&about.name);
        }
    }
    if runs.is_empty() {
        return;
    }
    names.sort_by_key(|name| order(name));
    let _ = writeln!(out, "\n## {}\n", scenario.name());
    let mut rows = vec![heading(scenario)];
    rows.extend(names.iter().map(|name| row(&runs, scenario, name)));
    for (at, row) in rows.iter().enumerate() {
        let _ = writeln!(out, "| {} |", row.join(" | "));
        if at == 0 {
            let _ = writeln!(out, "|{}", "---|".repeat(row.len()));
        }
    }
    remarks(out, &runs);
}

/// Ours first, whatever the order of the first round was.
fn order(name: &str) -> usize {
    const ORDER: [&str; 11] = [
        "standalone",
        "split",
        "standalone-staged",
        "split-staged",
        "parent-standalone",
        "parent-split",
        "mosquitto",
        "haproxy",
        "nats",
        "rumqttd",
        "rmqtt",
    ];
    ORDER
        .iter()
        .position(|known| *known == name)
        .unwrap_or(ORDER.len())
}

fn heading(scenario: Scenario) -> Vec<String> {
    let figures = scenario
        .figures()
        .iter()
        .map(|figure| figure.name.to_owned());
    let ratios = REFERENCES.map(|name| format!("x {name}"));
    [String::new(), "rounds".to_owned()]
        .into_iter()
        .chain(figures)
        .chain(ratios)
        .collect()
}

fn row(runs: &[&Record], scenario: Scenario, name: &str) -> Vec<String> {
    let counted = runs
        .iter()
        .filter(|run| run.subject == name && matches!(run.outcome, Outcome::Measured(_)))
        .count();
    let figures = scenario.figures().iter().map(|figure| {
        let values = runs
            .iter()
            .filter(|run| run.subject == name)
            .filter_map(|run| value(run, figure.name));
        spread(Spread::of(values), figure.digits)
    });
    let ratios = REFERENCES.map(|reference| {
        // A build is compared with its parent in the same form.
        let reference = if reference == "parent" {
            format!("parent-{name}")
        } else {
            reference.to_owned()
        };
        spread(ratio(runs, scenario, name, &reference), 2)
    });
    [name.to_owned(), counted.to_string()]
        .into_iter()
        .chain(figures)
        .chain(ratios)
        .collect()
}

/// Of the headline figure, round by round.
fn ratio(runs: &[&Record], scenario: Scenario, name: &str, reference: &str) -> Option<Spread> {
    Spread::of(ratios(runs, scenario, name, reference))
}

fn ratios(runs: &[&Record], scenario: Scenario, name: &str, reference: &str) -> Vec<f64> {
    let Some(headline) = scenario.figures().first().map(|figure| figure.name) else {
        return Vec::new();
    };
    if name == reference {
        return Vec::new();
    }
    let of = |subject: &str, round| {
        runs.iter()
            .find(|run| run.subject == subject && run.round == round)
            .and_then(|run| value(run, headline))
    };
    let rounds = runs
        .iter()
        .filter(|run| run.subject == name)
        .map(|run| run.round);
    rounds
        .filter_map(|round| Some(of(name, round)? / of(reference, round)?))
        .collect()
}

/// The ratio of two subjects' headline figure, where it lies 19 times in 20.
pub(crate) fn pairs(
    results: &Results,
    scenario: Scenario,
    of: &str,
    by: &str,
) -> anyhow::Result<String> {
    let runs = results.runs.iter().filter(|run| run.scenario == scenario);
    let ratios = ratios(&runs.collect::<Vec<_>>(), scenario, of, by);
    let Interval { mean, from, to } = Interval::of(&ratios)
        .with_context(|| format!("failed to find two rounds of {of} and {by}"))?;
    let (scenario, pairs) = (scenario.name(), ratios.len());
    Ok(format!(
        "{scenario}: {of} ÷ {by} is {mean:.3}, 95 % [{from:.3}..{to:.3}], {pairs} pairs"
    ))
}

fn value(run: &Record, figure: &str) -> Option<f64> {
    match &run.outcome {
        Outcome::Measured(figures) => figures.get(figure).copied(),
        Outcome::Void(_) | Outcome::Failed(_) => None,
    }
}

fn spread(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or_else(
        || "-".to_owned(),
        |it| {
            format!(
                "{:.digits$} [{:.digits$}..{:.digits$}]",
                it.median, it.least, it.most
            )
        },
    )
}

fn remarks(out: &mut String, runs: &[&Record]) {
    for run in runs {
        let (subject, round) = (&run.subject, run.round + 1);
        match &run.outcome {
            Outcome::Measured(_) => {}
            Outcome::Void(_) => {
                let _ = writeln!(
                    out,
                    "\nVOID {subject} round {round}: the load generator was saturated"
                );
            }
            Outcome::Failed(why) => {
                let _ = writeln!(out, "\nFAILED {subject} round {round}: {why}");
            }
        }
    }
}

fn peers(out: &mut String, results: &Results) {
    let _ = writeln!(out, "\n## Who was measured");
    for about in &results.subjects {
        let _ = writeln!(
            out,
            "\n### {}\n\n{}\n\nDurability: {}.\n",
            about.name, about.version, about.durability
        );
        for command in &about.commands {
            let _ = writeln!(out, "    $ {command}");
        }
        for (name, content) in &about.files {
            let _ = writeln!(out, "    # {name}");
            for line in content.lines() {
                let _ = writeln!(out, "    {line}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::subject::About;

    fn about(name: &str) -> About {
        About {
            name: name.to_owned(),
            version: format!("{name} 1.0"),
            durability: "memory".to_owned(),
            files: vec![("a.conf".to_owned(), "listener 1\nuser root\n".to_owned())],
            commands: vec![format!("{name} -c ./a.conf")],
        }
    }

    fn run(subject: &str, round: u32, cpu: f64) -> Record {
        let figures = BTreeMap::from([
            ("CPU s".to_owned(), cpu),
            ("wall s".to_owned(), 2.0 * cpu),
            ("client p99 ms".to_owned(), 100.0),
            ("load core".to_owned(), 0.5),
        ]);
        Record {
            scenario: Scenario::Storm,
            subject: subject.to_owned(),
            round,
            outcome: Outcome::Measured(figures),
        }
    }

    #[test]
    fn pairs_are_those_of_the_same_round() {
        let results = Results {
            commands: Vec::new(),
            machines: Vec::new(),
            quick: false,
            subjects: Vec::new(),
            missing: BTreeMap::new(),
            runs: vec![
                run("split-staged", 0, 1.1),
                run("split", 0, 1.0),
                run("split", 1, 2.0),
                run("split-staged", 1, 2.2),
                run("split", 2, 9.0),
            ],
        };
        let line = pairs(&results, Scenario::Storm, "split-staged", "split").unwrap();
        assert_eq!(
            line,
            "storm: split-staged ÷ split is 1.100, 95 % [1.100..1.100], 2 pairs"
        );
        assert!(pairs(&results, Scenario::Storm, "split", "nats").is_err());
    }

    #[test]
    fn medians_ratios_and_what_does_not_count() {
        let mut void = run("split", 1, 9.0);
        if let Outcome::Measured(figures) = void.outcome {
            void.outcome = Outcome::Void(figures);
        }
        let failed = Record {
            outcome: Outcome::Failed("failed to read".to_owned()),
            ..run("split", 2, 0.0)
        };
        let results = Results {
            commands: vec!["herdgate-bench run".to_owned()],
            machines: Vec::new(),
            quick: true,
            subjects: vec![about("mosquitto"), about("split")],
            missing: BTreeMap::from([("nats".to_owned(), "failed to run nats-server".to_owned())]),
            runs: vec![
                run("mosquitto", 0, 2.0),
                run("split", 0, 1.5),
                void,
                run("mosquitto", 1, 2.0),
                run("mosquitto", 2, 3.0),
                failed,
                run("split", 3, 1.0),
                run("mosquitto", 3, 1.0),
            ],
        };
        insta::assert_snapshot!(text(&results));
    }
}
