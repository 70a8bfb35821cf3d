//! `herdgate-swarm run`: a scenario against a server that somebody else runs.

use std::process::ExitCode;
use std::rc::Rc;

use anyhow::Context as _;

use crate::cli::Run;
use crate::events::{At, Events};
use crate::fleet::Fleet;
use crate::process;
use crate::scenario::{self, Restart};
use crate::tally::{Report, render};
use crate::timeline;
use crate::view::{View, say};

/// Exit code of a run whose figures may not be believed.
const VOID: u8 = 2;
/// Exit code of a run that the scenario expects more of.
const UNMET: u8 = 3;

pub(crate) async fn execute(run: Run) -> anyhow::Result<ExitCode> {
    let scenario = Rc::new(scenario::load(&run.scenario, &assignments(&run))?);
    process::raise_file_limit(scenario.gateways())?;
    let events = Events::to(run.events.as_deref())?;
    let fleet = Fleet::start(Rc::clone(&scenario)).await?;
    bring_up(&fleet, &events).await?;
    let complete = match &scenario.restart {
        Some(restart) => measure(&fleet, restart, &events).await?,
        None => true,
    };
    fleet.finish().await?;
    let report = fleet.report();
    write(&run, &report)?;
    Ok(match (complete, report.is_void()) {
        (false, _) => ExitCode::FAILURE,
        (true, true) => VOID.into(),
        (true, false) if !report.unmet.is_empty() => UNMET.into(),
        (true, false) => ExitCode::SUCCESS,
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

async fn bring_up(fleet: &Fleet, events: &Events) -> anyhow::Result<()> {
    let mut view = View::new("up");
    let result = fleet
        .bring_up(&mut |snapshot| {
            events.note(At::BringUp, snapshot);
            view.show(snapshot);
        })
        .await;
    view.finish();
    Ok(result?)
}

async fn measure(fleet: &Fleet, restart: &Restart, events: &Events) -> anyhow::Result<bool> {
    begin(fleet, restart, events).await?;
    let mut view = View::new("back");
    let complete = fleet
        .reopened(restart.timeout, restart.quiet, &mut |snapshot| {
            let back = snapshot.settled == snapshot.gateways && snapshot.has_begun;
            events.note(if back { At::Back } else { At::Ramp }, snapshot);
            view.show(snapshot);
        })
        .await?;
    view.finish();
    let last = if complete { At::Back } else { At::GivenUp };
    events.note(last, &fleet.snapshot());
    Ok(complete)
}

/// The restart, or what the scenario has in its place.
async fn begin(fleet: &Fleet, restart: &Restart, events: &Events) -> anyhow::Result<()> {
    if restart.cut {
        say("all are up; cutting them off");
        fleet.cut();
    } else if let Some((program, arguments)) = restart.command.split_first() {
        let line = restart.command.join(" ");
        say(&format!("all are up; running {line}"));
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
        let mut view = View::new("waiting");
        fleet
            .await_restart(restart.wait, &mut |snapshot| {
                events.note(At::Up, snapshot);
                view.show(snapshot);
            })
            .await?;
        view.finish();
    }
    Ok(())
}

fn write(run: &Run, report: &Report) -> anyhow::Result<()> {
    let page = render(report);
    say(&page);
    if let Some(path) = &run.text {
        std::fs::write(path, &page)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(path) = &run.svg {
        let picture = timeline::draw(&report.title(), report.gateways, &report.timeline);
        std::fs::write(path, picture)
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    if let Some(path) = &run.json {
        let json = serde_json::to_string_pretty(report)?;
        std::fs::write(path, json + "\n")
            .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}
