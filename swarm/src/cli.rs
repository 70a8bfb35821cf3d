//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::{demo, run};

/// Thousands of MQTT gateways that behave as those in the field.
#[derive(Debug, Parser)]
#[command(name = "herdgate-swarm", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring a fleet up, wait for the restart of its server, and report how it came back.
    Run(Run),
    /// Kill a broker under its fleet on this machine and show the herd coming back.
    Demo(demo::Options),
    /// The demo without the gate (Open) and with it (Staged).
    DemoCompare(demo::Options),
}

/// Flags win over the scenario file.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The scenario file (YAML).
    pub(crate) scenario: PathBuf,
    /// Change one value of the scenario: path=value, such as timing.retrySeconds=2 or ranges[0].gateways=10.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// The server, instead of target.address.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) target: Option<String>,
    /// The name that the server's certificate must prove, instead of target.serverName.
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write the report as text, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) text: Option<PathBuf>,
    /// Draw the timeline as a picture (SVG).
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Write a JSON line for each change and each half second, for programs that watch the run.
    #[arg(long, value_name = "FILE")]
    pub(crate) events: Option<PathBuf>,
}

impl Cli {
    pub(crate) async fn execute(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Run(run) => run::execute(run).await,
            Command::Demo(options) => demo::demo(options).await,
            Command::DemoCompare(options) => demo::compare(options).await,
        }
    }
}
