//! The founding day on one machine: a broker on one core, its fleet on another, and a kill -9.

mod broker;
mod cores;
mod outcome;
mod passage;
mod password;
mod site;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::process;
use crate::view::say;
use cores::Cores;
use outcome::Outcome;
use site::Site;

/// The same for `demo` and `demo-compare`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The herdgate binary.
    #[arg(long, value_name = "PATH")]
    broker: PathBuf,
    /// How the broker lets its clients in; demo-compare runs both.
    #[arg(long, value_enum, default_value_t = Mode::Staged)]
    mode: Mode,
    /// Size of the fleet.
    #[arg(long, default_value_t = 7_000, value_parser = clap::value_parser!(u32).range(4..=100_000))]
    gateways: u32,
    /// SUBSCRIBE packets of each gateway.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    topics: u16,
    /// PBKDF2 rounds of each password: the cost of a login.
    #[arg(long, default_value_t = 2_500, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rounds: u32,
    /// Seconds until all must be back.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// Folder for the report, the configuration and the broker's log.
    #[arg(long, value_name = "DIR", default_value = "target/demo")]
    report: PathBuf,
}

/// Admission of the broker, as its configuration names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "PascalCase")]
pub(crate) enum Mode {
    Open,
    Staged,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Staged => "Staged",
        }
    }
}

/// `herdgate-swarm demo`.
pub(crate) async fn demo(options: Options) -> anyhow::Result<ExitCode> {
    let (site, cores) = prepare(&options).await?;
    let outcome = passage::run(&options, options.mode, &site, &cores).await?;
    outcome.explain();
    say(&format!("demo: {}", outcome.line()));
    Ok(exit_code(outcome.is_success()))
}

/// `herdgate-swarm demo-compare`: the gate must let everyone back; what happens without it is told, whatever it is.
pub(crate) async fn compare(options: Options) -> anyhow::Result<ExitCode> {
    let (site, cores) = prepare(&options).await?;
    let mut outcomes = Vec::new();
    for mode in [Mode::Open, Mode::Staged] {
        let outcome = passage::run(&options, mode, &site, &cores).await?;
        outcome.explain();
        outcomes.push(outcome);
    }
    for outcome in &outcomes {
        say(&format!(
            "demo-compare {:6}: {}",
            outcome.mode().name(),
            outcome.line()
        ));
        say(&format!("                     {}", outcome.price()));
    }
    let valid = !outcomes.iter().any(Outcome::is_void);
    Ok(exit_code(
        valid && outcomes.last().is_some_and(Outcome::is_success),
    ))
}

async fn prepare(options: &Options) -> anyhow::Result<(Site, Cores)> {
    process::raise_file_limit(options.gateways)?;
    let cores = Cores::choose()?;
    say(&cores.describe());
    say(&format!(
        "writing certificates and {} passwords of {} rounds to {}",
        options.gateways,
        options.rounds,
        options.report.display()
    ));
    let options = options.clone();
    // hashing takes a while, and Ctrl-C is heard meanwhile
    let site = tokio::task::spawn_blocking(move || Site::write(&options)).await??;
    Ok((site, cores))
}

fn exit_code(success: bool) -> ExitCode {
    if success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
