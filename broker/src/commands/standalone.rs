//! `herdgate standalone`: edge and shard workers in one process, one thread each for a pair of them.

use std::sync::Arc;

use herdgate_admission::keeper::CensusReport;
use herdgate_admission::report::{EdgeReport, ShardReport};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::RunOptions;
use super::running::{Running, block_on, boot_epoch, drain_edge};
use super::valve::StandaloneValve;
use crate::config::{Role, Standalone};
use crate::edge::control::{ControlMail, EdgeControlWires};
use crate::edge::{Censuses, EdgeControl, EdgeParts, EdgeValve, EdgeWorker, Shared, status};
use crate::link::{LinkTarget, MemoryLink};
use crate::metrics::Metrics;
use crate::process::{Clock, Tasks};
use crate::shard::control::ControlWires;
use crate::shard::{LinkIds, ShardParts, ShardValve, ShardWorker, Tables};

/// Runs until it is told to end.
pub fn run(config: Standalone, metrics: Metrics, options: &RunOptions) -> anyhow::Result<()> {
    block_on(start(config, metrics, options))
}

async fn start(config: Standalone, metrics: Metrics, options: &RunOptions) -> anyhow::Result<()> {
    let clock = Clock::start();
    let mut running = Running::new(&config.common, &metrics, &["listeners"]).await?;
    let cluster = &config.common.cluster;
    let edge = EdgeParts::build(cluster, config.edge, clock, &metrics, &mut running.bound)?;
    let shard = ShardParts::build(&config.shard, boot_epoch(), clock, &metrics);
    let (control, wires) = EdgeControl::new(Arc::clone(&edge.shared), edge.admission, 1);

    let links = LinkIds::default();
    let mut edge_workers = edge
        .sockets
        .into_iter()
        .enumerate()
        .map(|(index, sockets)| EdgeWorker {
            index,
            shared: Arc::clone(&edge.shared),
            sockets,
            links: vec![LinkTarget::Memory(MemoryLink {
                link: links.next(),
                workers: shard.mailboxes.clone(),
            })],
            wires: wires.workers.clone(),
        });
    let mut shard_workers = shard.workers.into_iter();
    for index in 0.. {
        let (edge, shard) = (edge_workers.next(), shard_workers.next());
        if edge.is_none() && shard.is_none() {
            break;
        }
        running
            .threads
            .spawn(&format!("worker-{index}"), move || pair(edge, shard))?;
    }
    let tasks = &mut running.tasks;
    tasks.spawn("shard-control", shard.control.run());
    tasks.spawn("edge-control", control.run());
    let (latest, steers) = (shard.wires.latest.clone(), shard.wires.steers.clone());
    let census = Arc::clone(&shard.wires.census);
    if let Some(state) = shard.state {
        tasks.spawn("state", state.run(shard.wires.states.clone()));
    }
    connect(tasks, shard.wires, &wires);
    tasks.watch(edge.shared.lives());

    let shown = ShardValve {
        mode: edge.shared.settings.admission.mode,
        latest,
        workers: shard.mailboxes,
        census,
        steers,
    };
    show(&mut running, metrics, &edge.shared, &wires, shown)?;
    let looked_at = Arc::clone(&edge.shared);
    running.on_hangup(move || looked_at.look_at_files())?;
    running.ready("listeners", options)?;
    running
        .until_told(drain_edge(&edge.shared, &wires.drain))
        .await
}

/// The controls of both sides, without a link.
fn connect(tasks: &mut Tasks, shard: ControlWires, edge: &EdgeControlWires) {
    let control = || edge.control.clone();
    tasks.spawn("reports-to-edge", to_edge(shard.report, control()));
    tasks.spawn(
        "reports-to-shard",
        to_shard(edge.workers.report.clone(), shard.edges),
    );
    tasks.spawn("tables-to-edge", tables_to_edge(shard.tables, control()));
    tasks.spawn(
        "census-to-shard",
        census_to_shard(edge.workers.census.clone(), shard.censuses),
    );
}

fn show(
    running: &mut Running,
    metrics: Metrics,
    shared: &Arc<Shared>,
    wires: &EdgeControlWires,
    sessions: ShardValve,
) -> anyhow::Result<()> {
    let edge = EdgeValve::new(shared, wires);
    let (shown, snapshot) = (Arc::clone(shared), Arc::clone(&wires.snapshot));
    running.serve_admin(
        metrics,
        Arc::new(move || status(Role::Standalone, &shown, &snapshot)),
        Arc::new(StandaloneValve {
            edge,
            shard: sessions,
        }),
    )
}

/// Ends when either does: half a pair serves nobody.
async fn pair(edge: Option<EdgeWorker>, shard: Option<ShardWorker>) {
    let edge = async {
        match edge {
            Some(edge) => edge.run().await,
            None => std::future::pending().await,
        }
    };
    let shard = async {
        match shard {
            Some(shard) => tokio::task::spawn_local(shard.run()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = edge => {
            let Err(error) = ended;
            tracing::error!(%error, "edge worker failed");
        }
        ended = shard => tracing::error!(?ended, "shard worker ended"),
    }
}

/// The shard's reports reach the edge's control without a link,
async fn to_edge(
    mut reports: watch::Receiver<Option<Arc<ShardReport>>>,
    control: UnboundedSender<ControlMail>,
) {
    while reports.changed().await.is_ok() {
        let report = reports.borrow_and_update().clone();
        let mail = report.map(|report| ControlMail::Shard {
            link: 0,
            report: Box::new((*report).clone()),
        });
        if mail.is_some_and(|mail| control.send(mail).is_err()) {
            return;
        }
    }
}

/// and the edge's the shard's.
async fn to_shard(
    mut reports: watch::Receiver<Option<Arc<EdgeReport>>>,
    edges: UnboundedSender<EdgeReport>,
) {
    reports.mark_changed();
    while reports.changed().await.is_ok() {
        let report = reports.borrow_and_update().clone();
        if report.is_some_and(|report| edges.send((*report).clone()).is_err()) {
            return;
        }
    }
}

/// Tables, too,
async fn tables_to_edge(mut tables: Tables, control: UnboundedSender<ControlMail>) {
    tables.mark_changed();
    while tables.changed().await.is_ok() {
        let table = tables.borrow_and_update().clone();
        if table.is_some_and(|table| control.send(ControlMail::Table(table)).is_err()) {
            return;
        }
    }
}

/// and counts.
async fn census_to_shard(mut censuses: Censuses, shard: UnboundedSender<CensusReport>) {
    while censuses.changed().await.is_ok() {
        let report = censuses.borrow_and_update().clone();
        if report.is_some_and(|report| shard.send(Arc::unwrap_or_clone(report)).is_err()) {
            return;
        }
    }
}
