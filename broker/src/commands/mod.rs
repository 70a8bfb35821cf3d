//! What each subcommand of `herdgate` does.

mod arguments;
mod check_config;
pub mod edge;
mod failure;
mod logging;
mod passwd;
mod replace;
mod running;
pub mod shard;
pub mod standalone;
mod terminal;
mod valve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::config::{Config, Role, Sources, load};
use crate::metrics::Metrics;
use arguments::{Cli, Command, ConfigArguments, RunArguments};
use failure::Failure;

/// What a running role is told besides its configuration.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Where the bound addresses are written once the process is ready.
    pub ready_file: Option<PathBuf>,
}

/// The whole program: flags in, exit code out.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match dispatch(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("{failure}");
            failure.code()
        }
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    // nobody is left to tell when the terminal itself is gone
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(failure::USAGE),
    }
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Standalone(arguments) => run(&arguments, Role::Standalone, false),
        Command::Edge(arguments) => run(&arguments, Role::Edge, false),
        Command::Shard {
            run: arguments,
            ordinal_from_hostname,
        } => run(&arguments, Role::Shard, ordinal_from_hostname),
        Command::CheckConfig(arguments) => check_config::run(&arguments),
        Command::Passwd(arguments) => passwd::run(&arguments),
    }
}

fn run(arguments: &RunArguments, role: Role, ordinal_from_hostname: bool) -> Result<(), Failure> {
    let mut sources = sources(&arguments.config);
    if ordinal_from_hostname {
        set_ordinal(&mut sources)?;
    }
    let config = load(&sources, role)?;
    logging::start(&config.common().log).map_err(Failure::run)?;
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| {
            Failure::run(anyhow::anyhow!(
                "failed to install the TLS provider: another is installed"
            ))
        })?;
    let metrics = Metrics::new();
    let options = RunOptions {
        ready_file: arguments.ready_file.clone(),
    };
    match config {
        Config::Standalone(config) => standalone::run(config, metrics, &options),
        Config::Edge(config) => edge::run(config, metrics, &options),
        Config::Shard(config) => shard::run(config, metrics, &options),
    }
    .map_err(Failure::run)
}

fn sources(arguments: &ConfigArguments) -> Sources {
    Sources::of_process(arguments.config.clone(), arguments.set())
}

/// Over everything else: a pod that asks for this has no other way to know who it is.
fn set_ordinal(sources: &mut Sources) -> Result<(), Failure> {
    let host = &sources.host;
    let ordinal = host.ordinal().ok_or_else(|| {
        Failure::Usage(format!(
            "--ordinal-from-hostname: the host name {} does not end in a dash and a number, such as shard-0",
            host.name
        ))
    })?;
    sources.set.push(format!("shard.ordinal={ordinal}"));
    Ok(())
}
