//! The simulator's program: reopenings that nobody has to live through, as text, JSON and pictures.
#![forbid(unsafe_code)]

mod calibrate;
mod cli;
mod json;
mod keys;
mod reference;
mod scenario;
mod svg;
mod table;
mod text;

use std::process::ExitCode;

use clap::Parser as _;

/// As sysexits.h has it for a wrong command line.
const BAD_USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // help and version are no mistakes; nothing is left to do when the terminal is gone
            _ = error.print();
            return if error.use_stderr() {
                BAD_USAGE.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match cli.execute() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("herdgate-simulator: {error:#}");
            let wrong_file = error
                .chain()
                .any(<dyn std::error::Error + 'static>::is::<scenario::ScenarioError>);
            if wrong_file {
                BAD_USAGE.into()
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
