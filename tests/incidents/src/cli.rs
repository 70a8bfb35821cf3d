//! The command line.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use tokio::task::LocalSet;

use crate::incident::{self, Incident};
use crate::record::{Key, Record};
use crate::subject::Contender;
use crate::{round, table};
use herdgate_bench::machine;

/// Exit code of a run whose expectations were not met.
pub(crate) const UNMET: u8 = 3;

/// Plays incidents and prints one table of them.
#[derive(Debug, Parser)]
#[command(name = "herdgate-incidents", version)]
pub(crate) struct Cli {
    /// Our binary, built for release.
    #[arg(long, value_name = "PATH")]
    pub(crate) broker: PathBuf,
    /// The fleet's binary.
    #[arg(long, value_name = "PATH")]
    pub(crate) swarm: PathBuf,
    /// Where results are kept; what is there already is not run again.
    #[arg(long, value_name = "FOLDER", default_value = "target/incidents")]
    pub(crate) results: PathBuf,
    /// Which incidents; all of them by default.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Which contenders.
    #[arg(long, value_delimiter = ',', default_value = "peer,open,staged")]
    pub(crate) subjects: Vec<Contender>,
    /// The size of the fleet, instead of each incident's own.
    #[arg(long)]
    pub(crate) gateways: Option<u32>,
    /// Seconds that a herd may take to be back.
    #[arg(long, default_value_t = 300)]
    pub(crate) cap: u32,
    /// Run again what is there already.
    #[arg(long)]
    pub(crate) again: bool,
    /// Only print the table of what is there.
    #[arg(long)]
    pub(crate) table: bool,
}

impl Cli {
    /// Whether every expectation was met.
    pub(crate) fn execute(&self) -> anyhow::Result<bool> {
        machine::raise_file_limit()?;
        let incidents = incident::chosen(&self.only)?;
        std::fs::create_dir_all(&self.results)
            .with_context(|| format!("failed to create {}", self.results.display()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("failed to start")?;
        let (mut records, mut failed) = (Vec::new(), Vec::new());
        for incident in &incidents {
            let play = self.play(incident, &mut failed);
            let found = LocalSet::new().block_on(&runtime, play)?;
            records.extend(found);
        }
        let text = table::text(&records, &failed);
        println!("{text}");
        let json = serde_json::to_string_pretty(&records)?;
        for (name, content) in [("table.txt", text), ("table.json", json)] {
            let path = self.results.join(name);
            std::fs::write(&path, content)
                .with_context(|| format!("failed to write {}", path.display()))?;
        }
        let met = records.iter().all(|record| record.unmet.is_empty());
        Ok(met && failed.is_empty())
    }

    /// Runs that fail are told, and the others go on: a series takes hours.
    async fn play(
        &self,
        incident: &Incident,
        failed: &mut Vec<String>,
    ) -> anyhow::Result<Vec<Record>> {
        let mut records = Vec::new();
        for &contender in &self.subjects {
            let key = Key {
                incident: incident.name.clone(),
                subject: contender,
                gateways: self.gateways.unwrap_or_else(|| incident.gateways()),
            };
            let known = Record::read(&self.results, &key).filter(|_| !self.again);
            if let Some(known) = known {
                records.push(known);
            } else if !self.table {
                eprintln!(
                    "{}: {} gateways, {}",
                    key.incident,
                    key.gateways,
                    contender.name()
                );
                match round::run(self, incident, &key).await {
                    Ok(record) => {
                        eprintln!("{}", table::line(&record));
                        record.write(&self.results)?;
                        records.push(record);
                    }
                    Err(error) => {
                        let (incident, subject) = (&key.incident, contender.name());
                        let line = format!("FAILED {incident}, {subject}: {error:#}");
                        eprintln!("{line}");
                        failed.push(line);
                    }
                }
            }
        }
        // what is expected of the gate is a ratio to the ideal, which the open run has
        let ideal = records.iter().find_map(|record| record.ideal);
        for record in &mut records {
            record.judge(incident, ideal);
        }
        Ok(records)
    }
}
