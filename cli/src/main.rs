//! `kubectl herdgate`: who is back, who waits and why, when it will be over; and a hand on the valve.

mod args;
mod render;
mod source;
mod steer;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Args, Command};
use source::{Source, Subject};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    let source = Source::open(&args.target).await?;
    match args.command {
        Command::Status => print!("{}", render::status(&source.progress(false).await?)),
        Command::Watch => watch::run(&source).await?,
        Command::Reopen => steer::reopen(&source).await?,
        Command::Pause => steer::steer(&source, steer::Action::Pause).await?,
        Command::Resume => steer::steer(&source, steer::Action::Resume).await?,
        Command::Skip => steer::steer(&source, steer::Action::Skip).await?,
        Command::Stop => steer::steer(&source, steer::Action::Stop).await?,
        Command::Census { top } => print!("{}", render::census(&source.census(top).await?)),
        Command::Explain { subject } => {
            let subject = Subject::of(&subject);
            print!("{}", render::explain(&source.explain(&subject).await?));
        }
    }
    Ok(())
}
