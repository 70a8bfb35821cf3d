//! `herdgate-bench`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use herdgate_bench::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().execute() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("herdgate-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
