//! One passage: up, kill -9, back.

use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::broker::{Broker, Home};
use super::cores::Cores;
use super::outcome::{Measured, Outcome};
use super::site::Site;
use super::usage::{self, Usage};
use super::{Mode, Options};
use crate::fleet::{Fleet, Snapshot};
use crate::scenario::{self, Restart, Scenario};
use crate::status::{self, ASK, Status};
use crate::view::{View, say};

/// After the last gateway is back the level has this long to reach its end.
const LEVEL_PATIENCE: Duration = Duration::from_secs(15);

/// Runs one mode and writes its report.
pub(super) async fn run(
    options: &Options,
    mode: Mode,
    site: &Site,
    cores: &Cores,
) -> anyhow::Result<Outcome> {
    let folder = site.mode_folder(mode)?;
    let home = Home {
        binary: &options.broker,
        config: folder.join("herdgate.yaml"),
        ready_file: folder.join("ready.json"),
        log: folder.join("broker.log"),
    };
    site.write_config(&home.config, mode, 0)?;
    let broker = Broker::start(&home, *cores).await?;
    let scenario = scenario(&folder, options, site, &broker.listener)?;
    let port = port(&broker.listener)?;
    let fleet = Fleet::start(Rc::clone(&scenario)).await?;

    say(&format!(
        "{}: {} gateways dial {}",
        mode.name(),
        scenario.gateways(),
        broker.listener
    ));
    bring_up(&fleet, &broker).await?;
    say("all are up; kill -9");
    // the port is the same again, as a Service's would be
    site.write_config(&home.config, mode, port)?;
    fleet.restarted();
    broker.kill().await?;
    let mut broker = Broker::start(&home, *cores).await?;
    let before = usage(&broker, *cores);
    reopen(&fleet, &scenario, &broker).await?;
    let usage = before
        .zip(usage(&broker, *cores))
        .map(|(from, to)| Usage::between(from, to));
    broker.must_run()?;
    let measured = Measured {
        swarm: fleet.report(),
        edge: final_status(&broker).await?,
        usage,
    };
    let outcome = Outcome::new(mode, measured, cores.are_shared());
    outcome.write(&folder)?;
    Ok(outcome)
}

fn usage(broker: &Broker, cores: Cores) -> Option<usage::Reading> {
    usage::read(cores.broker(), broker.id()?)
}

fn scenario(
    folder: &Path,
    options: &Options,
    site: &Site,
    target: &str,
) -> anyhow::Result<Rc<Scenario>> {
    let path = folder.join("scenario.yaml");
    site.write_scenario(&path, options, target)?;
    Ok(Rc::new(scenario::load(&path, &[])?))
}

fn port(address: &str) -> anyhow::Result<u16> {
    let address: std::net::SocketAddr = address
        .parse()
        .with_context(|| format!("failed to understand the listener's address {address}"))?;
    Ok(address.port())
}

async fn bring_up(fleet: &Fleet, broker: &Broker) -> anyhow::Result<()> {
    fleet.follow(&broker.admin);
    let mut view = View::new("up");
    let result = fleet.bring_up(&mut |snapshot| view.show(snapshot)).await;
    view.finish();
    Ok(result?)
}

async fn reopen(fleet: &Fleet, scenario: &Scenario, broker: &Broker) -> anyhow::Result<bool> {
    let Restart { timeout, quiet, .. } = scenario
        .restart
        .clone()
        .context("failed to find how long the reopening may take")?;
    fleet.follow(&broker.admin);
    let mut view = View::new("back");
    let mut watch = |snapshot: &Snapshot<'_>| view.show(snapshot);
    let complete = fleet.reopened(timeout, quiet, &mut watch).await?;
    view.finish();
    Ok(complete)
}

/// The level may still be on its way when the last gateway is back: empty slices open, too.
async fn final_status(broker: &Broker) -> anyhow::Result<Status> {
    let until = Instant::now() + LEVEL_PATIENCE;
    loop {
        let status = status::status(&broker.admin).await;
        match status {
            Ok(status) if status.is_fully_open() || Instant::now() >= until => return Ok(status),
            Err(error) if Instant::now() >= until => return Err(error),
            _ => tokio::time::sleep(ASK).await,
        }
    }
}
