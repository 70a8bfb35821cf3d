//! `herdgate standalone`: edge and shard workers in one process, one thread each for a pair of them.

use std::sync::Arc;

use herdgate_admission::report::ShardReport;
use tokio::sync::watch;

use super::RunOptions;
use super::running::{Running, drain_edge};
use crate::admin::Status;
use crate::config::{Role, Standalone};
use crate::edge::control::ControlMail;
use crate::edge::{EdgeControl, EdgeParts, EdgeWorker, status};
use crate::link::{LinkTarget, MemoryLink};
use crate::metrics::Metrics;
use crate::process::Clock;
use crate::shard::control::ShardControl;
use crate::shard::core::WorkerIndex;
use crate::shard::{LinkIds, Mailboxes, ShardWorker, core_settings};

/// Runs until it is told to end.
pub fn run(config: Standalone, metrics: Metrics, options: &RunOptions) -> anyhow::Result<()> {
    super::running::block_on(start(config, metrics, options))
}

async fn start(config: Standalone, metrics: Metrics, options: &RunOptions) -> anyhow::Result<()> {
    let clock = Clock::start();
    let mut running = Running::new(&config.common, &metrics, &["listeners"]).await?;
    let parts = EdgeParts::build(&config.common.cluster, config.edge, clock, &metrics, &mut running.bound)?;
    let shared = Arc::clone(&parts.shared);

    let core = core_settings(&config.shard);
    let (mailboxes, inboxes) = Mailboxes::new(core.workers);
    let epoch = super::running::boot_epoch();
    let (shard_control, shard) =
        ShardControl::new(config.shard.ordinal, epoch, core.workers, clock, metrics.shard.clone());
    let mut shard_workers = inboxes.into_iter().zip(0..).map(|(inbox, index)| ShardWorker {
        index: WorkerIndex(index),
        settings: core.clone(),
        clock,
        workers: mailboxes.clone(),
        inbox,
        news: shard.news.clone(),
    });

    let (edge_control, edge) = EdgeControl::new(Arc::clone(&shared), parts.admission, 1);
    let links = LinkIds::default();
    let mut edge_workers = parts.sockets.into_iter().enumerate().map(|(index, sockets)| EdgeWorker {
        index,
        shared: Arc::clone(&shared),
        sockets,
        links: vec![LinkTarget::Memory(MemoryLink { link: links.next(), workers: mailboxes.clone() })],
        wires: edge.workers.clone(),
    });

    for index in 0.. {
        let pair = (edge_workers.next(), shard_workers.next());
        if pair.0.is_none() && pair.1.is_none() {
            break;
        }
        running.threads.spawn(&format!("worker-{index}"), move || pair_of_workers(pair.0, pair.1))?;
    }
    tokio::spawn(shard_control.run());
    tokio::spawn(edge_control.run());
    tokio::spawn(to_edge(shard.report, edge.control.clone()));
    tokio::spawn(to_shard(edge.workers.report.clone(), shard.edges));

    let shown = Arc::clone(&shared);
    let snapshot = Arc::clone(&edge.snapshot);
    running.serve_admin(metrics, Arc::new(move || -> Status { status(Role::Standalone, &shown, &snapshot) }));
    running.ready("listeners", options)?;
    running.until_told(drain_edge(&shared, &edge.drain)).await
}

async fn pair_of_workers(edge: Option<EdgeWorker>, shard: Option<ShardWorker>) {
    let shard = shard.map(|shard| tokio::task::spawn_local(shard.run()));
    if let Some(edge) = edge
        && let Err(error) = edge.run().await
    {
        tracing::error!(%error, "edge worker failed");
        return;
    }
    if let Some(shard) = shard {
        let _ = shard.await;
    }
}

/// The shard's reports go to the edge's control without a link.
async fn to_edge(
    mut reports: watch::Receiver<Option<Arc<ShardReport>>>,
    control: tokio::sync::mpsc::UnboundedSender<ControlMail>,
) {
    while reports.changed().await.is_ok() {
        let report = reports.borrow_and_update().clone();
        let Some(report) = report else { continue };
        if control.send(ControlMail::Shard { link: 0, report: Box::new((*report).clone()) }).is_err() {
            return;
        }
    }
}

/// And the edge's to the shard's.
async fn to_shard(
    mut reports: watch::Receiver<Option<Arc<herdgate_admission::report::EdgeReport>>>,
    edges: tokio::sync::mpsc::UnboundedSender<herdgate_admission::report::EdgeReport>,
) {
    reports.mark_changed();
    while reports.changed().await.is_ok() {
        let report = reports.borrow_and_update().clone();
        if report.is_some_and(|report| edges.send((*report).clone()).is_err()) {
            return;
        }
    }
}
