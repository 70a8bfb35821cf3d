//! The broker against its peers: the same load, the same machine, one run.
//!
//! The load generator is this process, one thread on a core of its own; the broker under measurement has the other.
#![forbid(unsafe_code)]

mod cli;
mod load;
mod machine;
mod outcome;
mod procfs;
mod report;
mod rounds;
mod scenario;
mod statistics;
mod subject;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cli::Cli::parse().execute() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("herdgate-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
