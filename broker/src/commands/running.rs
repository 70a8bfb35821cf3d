//! What every role does around its workers: limits, admin port, ready file, signals, drain.

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::RunOptions;
use crate::admin::{Admin, Readiness, StatusSource};
use crate::config::Common;
use crate::edge::Shared;
use crate::edge::drain::Stage;
use crate::metrics::Metrics;
use crate::process::{Bound, Hangups, Termination, Threads, raise_open_files, write_ready_file};

/// How often a drain looks whether the last client has gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// For the last clients' last words, after the time that the pace needs.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(5);

/// Runs the control thread's part of a process.
pub(super) fn block_on<F: Future<Output = anyhow::Result<()>>>(main: F) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("failed to start the runtime")?;
    let result = runtime.block_on(main);
    // Whatever still runs ends with the process.
    runtime.shutdown_background();
    result
}

/// Another one at each start of a shard.
pub(super) fn boot_epoch() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) struct Running {
    pub(super) bound: Bound,
    pub(super) threads: Threads,
    readiness: Readiness,
    admin: Option<TcpListener>,
    termination: Termination,
}

impl Running {
    pub(super) async fn new(
        common: &Common,
        metrics: &Metrics,
        checks: &[&'static str],
    ) -> anyhow::Result<Self> {
        let termination = Termination::new().context("failed to listen for signals")?;
        let files = raise_open_files();
        metrics.process.file_limit.set(
            files
                .and_then(|files| i64::try_from(files).ok())
                .unwrap_or(i64::MAX),
        );
        let (admin, address) = bind_admin(common.admin).await?;
        let bound = Bound {
            admin: Some(address),
            ..Bound::default()
        };
        let readiness = Readiness::new(checks);
        Ok(Self {
            bound,
            threads: Threads::default(),
            readiness,
            admin: Some(admin),
            termination,
        })
    }

    pub(super) fn serve_admin(&mut self, metrics: Metrics, status: StatusSource) {
        let Some(listener) = self.admin.take() else {
            return;
        };
        let admin = Admin {
            metrics,
            readiness: self.readiness.clone(),
            status,
        };
        tokio::spawn(async move {
            if let Err(error) = crate::admin::serve(listener, admin, std::future::pending()).await {
                tracing::error!(%error, "admin port failed");
            }
        });
    }

    /// All that this process needs of itself is there.
    pub(super) fn ready(&self, check: &str, options: &RunOptions) -> anyhow::Result<()> {
        if let Some(check) = self.readiness.check(check) {
            check.pass();
        }
        tracing::info!(bound = ?self.bound, "ready");
        if let Some(path) = &options.ready_file {
            write_ready_file(path, &self.bound)
                .with_context(|| format!("failed to write the ready file {}", path.display()))?;
        }
        Ok(())
    }

    /// Serves until a signal, then drains; a second signal ends it at once, as does a worker's end.
    pub(super) async fn until_told(
        mut self,
        drain: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        tokio::select! {
            () = self.termination.next() => {}
            error = self.threads.one_ended() => return Err(error.into()),
        }
        tracing::info!("draining");
        self.readiness.drain();
        tokio::select! {
            () = drain => tracing::info!("drained"),
            () = self.termination.next() => tracing::info!("told twice, ending at once"),
            error = self.threads.one_ended() => return Err(error.into()),
        }
        Ok(())
    }
}

/// What to do at SIGHUP. Certificates and passwords are looked at every few seconds anyhow: this is for the impatient.
pub(super) fn on_hangup(look: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    let hangups = Hangups::new().context("failed to listen for signals")?;
    tokio::spawn(hangups.each(look));
    Ok(())
}

async fn bind_admin(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let failed = || format!("failed to listen on admin.address {address}");
    let listener = TcpListener::bind(address).await.with_context(failed)?;
    let bound = listener.local_addr().with_context(failed)?;
    Ok((listener, bound))
}

/// Keeps accepting until balancers have noticed, then closes clients at a pace.
pub(super) async fn drain_edge(shared: &Shared, stage: &watch::Sender<Stage>) {
    let drain = shared.settings.drain;
    sleep(drain.delay).await;
    let clients_per_second = drain.clients_per_second.get();
    stage.send_replace(Stage::Closing { clients_per_second });
    let needed = Duration::from_secs(u64::from(shared.connections() / clients_per_second));
    let gone = async {
        while shared.connections() > 0 {
            sleep(LOOK_EVERY).await;
        }
    };
    if timeout(needed + LAST_WORDS, gone).await.is_err() {
        tracing::warn!(left = shared.connections(), "ending with clients connected");
    }
}
