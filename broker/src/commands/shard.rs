//! `herdgate shard`: sessions and topics, and links from edges elsewhere.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use arc_swap::ArcSwapOption;
use herdgate_admission::progress::{Phase, Trigger};
use herdgate_admission::report::ShardReport;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{interval, sleep, timeout};

use super::RunOptions;
use super::running::{LAST_WORDS, Running, block_on, boot_epoch};
use crate::admin::{HandshakeStatus, ShardStatus, Status};
use crate::config::{Drain, Mode, Role, Shard, TokenUse};
use crate::link::{LinkServer, TokenFile};
use crate::metrics::Metrics;
use crate::process::Clock;
use crate::shard::{LinkIds, Mail, Mailboxes, ShardParts, ShardValve, ShardWorker};

/// How often some clients are closed in a drain.
const DRAIN_STEP: Duration = Duration::from_millis(50);
/// Counts of clients are two reports old at most: from worker to control, from control to all.
const FRESH_AFTER: Duration = Duration::from_millis(3 * 250);
/// Out of file descriptors or memory: what is there must go first.
const BREATH: Duration = Duration::from_millis(50);

type Sockets = UnboundedReceiver<std::net::TcpStream>;

/// Runs until it is told to end.
pub fn run(config: Shard, metrics: Metrics, options: &RunOptions) -> anyhow::Result<()> {
    block_on(start(config, metrics, options))
}

async fn start(config: Shard, metrics: Metrics, options: &RunOptions) -> anyhow::Result<()> {
    let clock = Clock::start();
    let mut running = Running::new(&config.common, &metrics, &["links"]).await?;
    let token = TokenFile::start(TokenUse::Link, &config.link.token_file)?;
    let address = config.link.address;
    let listener = TcpListener::bind(address).await;
    let listener =
        listener.with_context(|| format!("failed to listen on shard.linkAddress {address}"))?;
    running.bound.link = Some(listener.local_addr()?);

    let shard = ShardParts::build(&config.shard, boot_epoch(), clock, &metrics);
    let server = link_server(config.shard.ordinal, &shard, token.clone(), clock, &metrics);
    let mut threads = Vec::new();
    for worker in shard.workers {
        // A link's socket is handed over at once; as many wait as the kernel lets through.
        let (sender, sockets) = unbounded_channel();
        threads.push(sender);
        let server = server.clone();
        let name = format!("shard-{}", worker.index.0);
        running
            .threads
            .spawn(&name, move || run_worker(worker, server, sockets))?;
    }
    running.tasks.spawn("control", shard.control.run());
    if let Some(state) = shard.state {
        running.tasks.spawn("state", state.run(shard.wires.states));
    }
    running.tasks.spawn("accept", accept(listener, threads));
    running.tasks.watch([token.life()]);

    let (mode, latest) = (config.shard.mode, Arc::clone(&shard.wires.latest));
    let valve = ShardValve {
        census: shard.wires.census,
        mode,
        latest: Arc::clone(&latest),
        workers: shard.mailboxes.clone(),
        steers: shard.wires.steers.clone(),
    };
    running.serve_admin(
        metrics,
        Arc::new(move || status(mode, latest.load_full().as_deref())),
        Arc::new(valve),
    )?;
    running.on_hangup(move || token.poke())?;
    running.ready("links", options)?;
    running
        .until_told(drain(
            config.shard.drain,
            &shard.mailboxes,
            &shard.wires.latest,
            &shard.wires.draining,
        ))
        .await
}

fn link_server(
    ordinal: u32,
    shard: &ShardParts,
    token: TokenFile,
    clock: Clock,
    metrics: &Metrics,
) -> LinkServer {
    let wires = shard.wires.clone();
    LinkServer {
        shard: ordinal,
        boot_epoch: shard.boot_epoch,
        token,
        clock,
        links: LinkIds::default(),
        workers: shard.mailboxes.clone(),
        edges: wires.edges,
        report: wires.report,
        censuses: wires.censuses,
        tables: wires.tables,
        metrics: metrics.link.clone(),
    }
}

async fn run_worker(worker: ShardWorker, server: LinkServer, sockets: Sockets) {
    // Without its links a worker is as good as ended, and the other way around.
    tokio::select! {
        _ = tokio::task::spawn_local(server.run(sockets)) => {}
        _ = tokio::task::spawn_local(worker.run()) => {}
    }
}

/// Deals links out to the workers' threads in turn: they are few and long-lived, so that chance would be uneven.
async fn accept(listener: TcpListener, threads: Vec<UnboundedSender<std::net::TcpStream>>) {
    for thread in threads.iter().cycle() {
        let socket = loop {
            match listener
                .accept()
                .await
                .and_then(|(socket, _)| socket.into_std())
            {
                Ok(socket) => break socket,
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a link");
                    sleep(BREATH).await;
                }
            }
        };
        if thread.send(socket).is_err() {
            return;
        }
    }
}

/// Closes clients at a pace until none is left.
async fn drain(
    drain: Drain,
    workers: &Mailboxes,
    latest: &ArcSwapOption<ShardReport>,
    draining: &watch::Sender<bool>,
) {
    // Whoever came in now would be put out again.
    draining.send_replace(true);
    sleep(drain.delay).await;
    let connected = || latest.load().as_ref().map_or(0, |report| report.connected);
    let rate = drain.clients_per_second.get();
    // Chance gives some workers a few more clients than others, and each goes at the same pace.
    let clients = connected();
    let needed = Duration::from_secs(u64::from((clients + clients / 8) / rate));
    let per_step = (f64::from(rate) * DRAIN_STEP.as_secs_f64() / f64::from(workers.len())).ceil();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // a small whole number, never negative
    let clients = per_step as usize;
    let fresh = Instant::now() + FRESH_AFTER;
    let closing = async {
        let mut steps = interval(DRAIN_STEP);
        while connected() > 0 || Instant::now() < fresh {
            steps.tick().await;
            for worker in workers.iter() {
                worker.send(Mail::Shutdown { clients });
            }
        }
    };
    if timeout(needed + LAST_WORDS, closing).await.is_err() {
        tracing::warn!(left = connected(), "ending with clients connected");
    }
}

fn status(mode: Mode, report: Option<&ShardReport>) -> Status {
    Status {
        role: Role::Shard,
        mode,
        reopening: report.map_or(0, |report| report.reopening.0),
        phase: Phase::None,
        trigger: report.map_or(Trigger::None, |report| report.trigger),
        paused: report.is_some_and(|report| report.steering.paused),
        level: report.map_or(0, |report| report.level),
        slices: 0,
        patience_ms: report.map_or(0, |report| report.patience_ms.into()),
        entering: 0,
        entering_limit: 0,
        settling: report.map_or(0, |report| report.settling),
        settle_limit: report.map_or(0, |report| report.settle_limit),
        held: 0,
        door: 0,
        connected: report.map_or(0, |report| report.connected),
        limiting_signal: report.and_then(|report| report.signal.clone()),
        client_addresses: report.map_or_else(Default::default, |report| report.addresses),
        stalled: false,
        handshakes: HandshakeStatus::default(),
        shards: report.into_iter().map(ShardStatus::from).collect(),
    }
}
