//! `herdgate-swarm run`: a scenario against a server that somebody else runs.

use std::process::ExitCode;
use std::rc::Rc;

use anyhow::Context as _;

use crate::cli::Run;
use crate::fleet::{Fleet, Snapshot};
use crate::process;
use crate::scenario::{self, Restart};
use crate::tally::{Report, render};
use crate::view::{View, say};

/// Exit code of a run whose figures may not be believed.
pub(crate) const VOID: u8 = 2;

pub(crate) async fn execute(run: Run) -> anyhow::Result<ExitCode> {
    let scenario = Rc::new(scenario::load(&run.scenario, &assignments(&run))?);
    process::raise_file_limit(scenario.gateways())?;
    let fleet = Fleet::start(Rc::clone(&scenario)).await?;
    bring_up(&fleet).await?;
    let complete = match &scenario.restart {
        Some(restart) => measure(&fleet, restart).await?,
        None => true,
    };
    let report = fleet.report();
    write(&run, &report)?;
    Ok(match (complete, report.is_void()) {
        (true, false) => ExitCode::SUCCESS,
        (true, true) => VOID.into(),
        (false, _) => ExitCode::FAILURE,
    })
}

/// The named flags are short for assignments.
fn assignments(run: &Run) -> Vec<String> {
    let target = run
        .target
        .iter()
        .map(|target| format!("target.address={target:?}"));
    let server_name = run
        .server_name
        .iter()
        .map(|name| format!("target.serverName={name:?}"));
    run.set
        .iter()
        .cloned()
        .chain(target)
        .chain(server_name)
        .collect()
}

pub(crate) async fn bring_up(fleet: &Fleet) -> anyhow::Result<()> {
    let mut view = View::new("up");
    let mut watch = |snapshot: &Snapshot<'_>| view.show(snapshot, None);
    let result = fleet.bring_up(&mut watch).await;
    view.finish();
    Ok(result?)
}

async fn measure(fleet: &Fleet, restart: &Restart) -> anyhow::Result<bool> {
    let mut view = View::new("waiting");
    if let Some((program, arguments)) = restart.command.split_first() {
        say(&format!(
            "all are up; running {}",
            restart.command.join(" ")
        ));
        fleet.restarted();
        let status = tokio::process::Command::new(program)
            .args(arguments)
            .kill_on_drop(true)
            .status()
            .await
            .with_context(|| format!("failed to run {program}"))?;
        anyhow::ensure!(
            status.success(),
            "failed to restart the server: {program} ended with {status}"
        );
    } else {
        say("all are up; waiting for the restart of the server");
        fleet
            .await_restart(restart.wait, &mut |snapshot| view.show(snapshot, None))
            .await?;
    }
    view.finish();
    let mut view = View::new("back");
    let complete = fleet
        .reopened(restart.timeout, restart.quiet, &mut |snapshot| {
            view.show(snapshot, None);
        })
        .await?;
    view.finish();
    Ok(complete)
}

fn write(run: &Run, report: &Report) -> anyhow::Result<()> {
    let page = render(report);
    say(&page);
    if let Some(path) = &run.text {
        std::fs::write(path, &page)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(path) = &run.json {
        let json = serde_json::to_string_pretty(report)?;
        std::fs::write(path, json + "\n")
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}
