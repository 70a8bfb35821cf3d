//! The fleet emulator: thousands of gateways that behave as those in the field, and figures of how they came back.
#![forbid(unsafe_code)]

mod cli;
mod demo;
mod dial;
mod events;
mod fleet;
mod gateway;
mod meter;
mod name;
mod outside;
mod process;
mod run;
mod scenario;
mod status;
mod tally;
mod timeline;
mod view;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // help and version are no mistakes; nothing is left to do when the terminal is gone
            _ = error.print();
            return if error.use_stderr() {
                process::BAD_USAGE.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match process::block_on(cli.execute()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("herdgate-swarm: {error:#}");
            let usage = error
                .chain()
                .any(<dyn std::error::Error + 'static>::is::<scenario::ScenarioError>);
            if usage {
                process::BAD_USAGE.into()
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
