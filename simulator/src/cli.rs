//! The command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use herdgate_admission::simulator::rows::LAWS;
use herdgate_admission::simulator::{Law, Scenario};

use crate::{calibrate, json, reference, scenario, svg, table, text};

/// Reopenings as a model: herds, what they come back to, and what goes wrong.
#[derive(Debug, Parser)]
#[command(name = "herdgate-simulator", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// One reopening: text on standard output, JSON and a picture if asked.
    Run(Run),
    /// The scenario under this law and its rivals, side by side.
    Compare(From),
    /// The table that the law was chosen by (some minutes of CPU).
    Table,
    /// Find the cost of a login that makes the scenario take as long as a run that was measured.
    Calibrate(Calibrate),
    /// Every key of a scenario file.
    Reference,
}

/// Where the scenario is from; flags win over the file.
#[derive(Debug, Args)]
struct From {
    /// The scenario file (YAML).
    scenario: PathBuf,
    /// Take `capacity` from this file, as calibrate writes it.
    #[arg(long, value_name = "FILE")]
    capacity: Option<PathBuf>,
    /// Change one value of the scenario: path=value, such as herd.retrySeconds=2 or faults[0].atSeconds=10.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    from: From,
    /// Write the outcome as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the timeline.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write the text to a file, too.
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Calibrate {
    /// The report of the swarm or of the demo (JSON).
    report: PathBuf,
    #[command(flatten)]
    from: From,
    /// Where the capacity goes; standard output without it.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Cli {
    pub(crate) fn execute(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Run(options) => run(&options),
            Command::Compare(from) => compare(&from),
            Command::Table => {
                print!("{}", table::markdown()?);
                Ok(ExitCode::SUCCESS)
            }
            Command::Calibrate(options) => calibrate(&options),
            Command::Reference => {
                print!("{}", reference::page());
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl From {
    fn load(&self) -> Result<Scenario, scenario::ScenarioError> {
        scenario::load(&self.scenario, self.capacity.as_deref(), &self.set)
    }
}

/// Whoever is missing at the end makes it a failure.
fn run(options: &Run) -> anyhow::Result<ExitCode> {
    let scenario = options.from.load()?;
    let outcome = scenario.run()?;
    let page = text::page(&scenario, &outcome);
    print!("{page}");
    let report = json::Report::new(&scenario.name, text::law_name(scenario.law), &outcome);
    let json = serde_json::to_string_pretty(&report)? + "\n";
    let drawn = svg::picture(&scenario, &outcome);
    for (path, content) in [
        (&options.json, &json),
        (&options.svg, &drawn),
        (&options.text, &page),
    ] {
        if let Some(path) = path {
            write(path, content)?;
        }
    }
    Ok(if outcome.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn compare(from: &From) -> anyhow::Result<ExitCode> {
    let scenario = from.load()?;
    println!("{}", scenario.name);
    for (name, law) in LAWS {
        let outcome = table::under(&scenario, law).run()?;
        println!("  {name:22} {}", table::cell(&outcome));
    }
    Ok(ExitCode::SUCCESS)
}

fn calibrate(options: &Calibrate) -> anyhow::Result<ExitCode> {
    let measured = calibrate::read(&options.report)?;
    let scenario = Scenario {
        law: Law::Staged,
        ..options.from.load()?
    };
    let fitted = calibrate::fit(&scenario, &measured)?;
    let outcome = fitted.run()?;
    eprintln!(
        "{} clients: measured {:.1} s and {:.2} handshakes per client, simulated {:.1} s and {:.2}",
        measured.gateways,
        measured.seconds.unwrap_or_default(),
        measured.handshakes_per_gateway,
        outcome.took.unwrap_or(outcome.lasted).as_secs_f64(),
        json::per_client(&outcome)
    );
    let source = format!(
        "{} clients in {:.1} s",
        measured.gateways,
        measured.seconds.unwrap_or_default()
    );
    let file = calibrate::capacity_file(&fitted, &source);
    match &options.output {
        Some(path) => write(path, &file)?,
        None => print!("{file}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    std::fs::write(path, content).with_context(|| format!("failed to write {}", path.display()))
}
