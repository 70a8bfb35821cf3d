//! The command line.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use tokio::runtime;
use tokio::task::LocalSet;

use crate::outcome::Results;
use crate::scenario::Scenario;
use crate::subject::Kind;
use crate::{machine, report, rounds};

/// Measures the broker against its peers.
#[derive(Debug, Parser)]
#[command(name = "herdgate-bench", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure, and print the report.
    Run(Run),
    /// Print one report of several runs' JSON files.
    Report {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print the ratio of two subjects in the rounds of a scenario, with its confidence interval.
    Pairs(Pairs),
}

#[derive(Debug, Args)]
struct Pairs {
    #[arg(long)]
    scenario: Scenario,
    /// Whose figures are divided, such as standalone-staged.
    #[arg(long)]
    of: String,
    /// By whose.
    #[arg(long)]
    by: String,
    /// Runs' JSON files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Our binary, built for release.
    #[arg(long, value_name = "PATH")]
    pub(crate) broker: PathBuf,
    /// An older build of it, to be measured in the same run.
    #[arg(long, value_name = "PATH")]
    pub(crate) parent: Option<PathBuf>,
    /// Where `scripts/bench-peers.sh` puts peers that it builds.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) peer_folder: Option<PathBuf>,
    /// Which of ours.
    #[arg(long, value_delimiter = ',', default_value = "standalone,split")]
    pub(crate) ours: Vec<String>,
    /// Which peers; `none` for none.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "mosquitto,haproxy,nats,rumqttd,rmqtt"
    )]
    pub(crate) peers: Vec<String>,
    /// Which scenarios; all of them by default.
    #[arg(long, value_delimiter = ',')]
    pub(crate) scenarios: Vec<Scenario>,
    /// Times that everything is measured.
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: u32,
    /// A tenth of the load and two rounds: to see that it works, not to quote.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Write the results as JSON, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the report into a file, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,
}

impl Run {
    /// Whom to measure, in the order of the report.
    pub(crate) fn kinds(&self) -> anyhow::Result<Vec<Kind>> {
        let mut names: Vec<String> = self.ours.iter().chain(&self.peers).cloned().collect();
        names.retain(|name| name != "none");
        if self.parent.is_some() {
            names.extend(self.ours.iter().map(|name| format!("parent-{name}")));
        }
        names.iter().map(|name| Kind::named(name)).collect()
    }
}

impl Cli {
    pub fn execute(self) -> anyhow::Result<()> {
        match self.command {
            Command::Run(run) => measure(&run),
            Command::Report { files } => {
                let results = files
                    .iter()
                    .map(|file| read(file))
                    .collect::<anyhow::Result<Vec<_>>>()?;
                print!("{}", report::text(&Results::merged(results)));
                Ok(())
            }
            Command::Pairs(pairs) => {
                let results = pairs
                    .files
                    .iter()
                    .map(|file| read(file))
                    .collect::<anyhow::Result<Vec<_>>>()?;
                let Pairs {
                    scenario, of, by, ..
                } = &pairs;
                let merged = Results::merged(results);
                println!("{}", report::pairs(&merged, *scenario, of, by)?);
                Ok(())
            }
        }
    }
}

fn measure(run: &Run) -> anyhow::Result<()> {
    machine::raise_file_limit()?;
    machine::take_load_core()?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start")?;
    let results = LocalSet::new().block_on(&runtime, rounds::run(run))?;
    let text = report::text(&results);
    print!("{text}");
    if let Some(path) = &run.text {
        fs::write(path, &text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(path) = &run.json {
        let json = serde_json::to_string_pretty(&results)?;
        fs::write(path, json).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Results> {
    let text =
        fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("failed to understand {}", path.display()))
}
