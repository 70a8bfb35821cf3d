//! Whole incidents: a herd, a broker on one core, and what goes wrong on such days. The same for haproxy with mosquitto, for
//! ours without a gate, and for ours with it.
#![forbid(unsafe_code)]

mod backend;
mod certificates;
mod cli;
mod events;
mod fault;
mod incident;
mod record;
mod round;
mod subject;
mod swarm;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cli::Cli::parse().execute() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => cli::UNMET.into(),
        Err(error) => {
            eprintln!("herdgate-incidents: {error:#}");
            ExitCode::FAILURE
        }
    }
}
