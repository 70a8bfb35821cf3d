//! `herdgate edge`: client sockets, and links to shards elsewhere.

use std::sync::Arc;

use herdgate_admission::report::EdgeId;

use super::RunOptions;
use super::running::{Running, block_on, drain_edge};
use crate::config::{Edge, Role, TokenUse};
use crate::edge::{EdgeControl, EdgeParts, EdgeValve, EdgeWorker, OwnHealth, status};
use crate::link::{LinkTarget, TcpLink, TokenFile};
use crate::metrics::Metrics;
use crate::process::{Allowances, Clock};

/// Runs until it is told to end.
pub fn run(config: Edge, metrics: Metrics, options: &RunOptions) -> anyhow::Result<()> {
    block_on(start(config, metrics, options))
}

async fn start(config: Edge, metrics: Metrics, options: &RunOptions) -> anyhow::Result<()> {
    let clock = Clock::start();
    let mut running = Running::new(&config.common, &metrics, &["listeners"]).await?;
    let token = TokenFile::start(TokenUse::Link, &config.links.token_file)?;
    let name = EdgeId(config.edge.id.clone());
    let cluster = &config.common.cluster;
    let edge = EdgeParts::build(cluster, config.edge, clock, &metrics, &mut running.bound)?;
    let (control, wires) = EdgeControl::new(
        Arc::clone(&edge.shared),
        edge.admission,
        config.links.shards.len(),
    );
    for (index, sockets) in edge.sockets.into_iter().enumerate() {
        let link = |address: &String| {
            LinkTarget::Tcp(TcpLink {
                address: address.clone(),
                token: token.clone(),
                edge: name.clone(),
                worker: u16::try_from(index).unwrap_or(u16::MAX),
                metrics: metrics.link.clone(),
            })
        };
        let worker = EdgeWorker {
            index,
            shared: Arc::clone(&edge.shared),
            sockets,
            links: config.links.shards.iter().map(link).collect(),
            wires: wires.workers.clone(),
        };
        running
            .threads
            .spawn(&format!("edge-{index}"), move || run_worker(worker))?;
    }
    let health = edge.shared.settings.admission.tuning.health;
    let own_health = OwnHealth::new(Allowances::find(), health, clock.now());
    let control = control.looking_at(own_health);
    running.tasks.spawn("control", control.run());
    running.tasks.watch(edge.shared.lives());
    running.tasks.watch([token.life()]);

    let (shown, snapshot) = (Arc::clone(&edge.shared), Arc::clone(&wires.snapshot));
    let valve = EdgeValve::new(&shown, &wires);
    running.serve_admin(
        metrics,
        Arc::new(move || status(Role::Edge, &shown, &snapshot)),
        Arc::new(valve),
    )?;
    let looked_at = Arc::clone(&edge.shared);
    running.on_hangup(move || {
        looked_at.look_at_files();
        token.poke();
    })?;
    running.ready("listeners", options)?;
    running
        .until_told(drain_edge(&edge.shared, &wires.drain))
        .await
}

async fn run_worker(worker: EdgeWorker) {
    let Err(error) = worker.run().await;
    tracing::error!(%error, "edge worker failed");
}
