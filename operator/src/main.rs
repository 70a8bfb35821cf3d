//! `herdgate-operator`: turns `MqttCluster` objects into edges and shards, and tells how they are.

use std::process::ExitCode;

use clap::Parser;

mod admin;
mod args;
mod backoff;
mod calls;
mod cluster;
mod controller;
mod events;
mod fill;
mod leader;
mod metrics;
mod process;

/// Everything of ours carries this as its manager of fields. Never renamed: fields would be orphaned.
const FIELD_MANAGER: &str = "herdgate-operator";

#[tokio::main]
async fn main() -> ExitCode {
    let args = args::Args::parse();
    if let Err(error) = process::init(&args) {
        eprintln!("herdgate-operator: {error:#}");
        return ExitCode::from(64);
    }
    match process::run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "ended");
            ExitCode::FAILURE
        }
    }
}
