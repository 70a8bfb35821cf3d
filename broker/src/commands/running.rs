//! What every role does around its workers: limits, admin port, ready file, signals, drain.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::RunOptions;
use crate::admin::{Admin, Readiness, StatusSource, Valve};
use crate::config::{Common, TokenUse};
use crate::edge::Shared;
use crate::edge::drain::Stage;
use crate::link::TokenFile;
use crate::metrics::Metrics;
use crate::process::{
    Bound, Hangups, Tasks, Termination, Threads, raise_open_files, write_ready_file,
};

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
    pub(super) tasks: Tasks,
    readiness: Readiness,
    admin: Option<TcpListener>,
    admin_token_file: Option<PathBuf>,
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
            threads: Threads::new(metrics.process.pauses.clone()),
            tasks: Tasks::default(),
            readiness,
            admin: Some(admin),
            admin_token_file: common.admin_token_file.clone(),
            termination,
        })
    }

    pub(super) fn serve_admin(
        &mut self,
        metrics: Metrics,
        status: StatusSource,
        valve: Arc<dyn Valve>,
    ) -> anyhow::Result<()> {
        let Some(listener) = self.admin.take() else {
            return Ok(());
        };
        let token = self.admin_token_file.as_deref();
        let token = token
            .map(|file| TokenFile::start(TokenUse::Admin, file))
            .transpose()?;
        self.tasks.watch(token.as_ref().map(TokenFile::life));
        let admin = Admin {
            metrics,
            readiness: self.readiness.clone(),
            status,
            valve,
            token,
        };
        let serving = crate::admin::serve(listener, admin, pending());
        self.tasks.try_spawn("admin", serving);
        Ok(())
    }

    /// What to do at SIGHUP. Certificates, passwords and tokens are looked at every few seconds anyhow: this is for the
    /// impatient.
    pub(super) fn on_hangup(&mut self, look: impl Fn() + Send + 'static) -> anyhow::Result<()> {
        let hangups = Hangups::new().context("failed to listen for signals")?;
        self.tasks.spawn("hangup", hangups.each(look));
        Ok(())
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

    /// Serves until a signal, then drains; a second signal ends it at once, as does the end of a worker or of a task.
    pub(super) async fn until_told(
        mut self,
        drain: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        tokio::select! {
            () = self.termination.next() => {}
            error = self.threads.one_ended() => return Err(error.into()),
            error = self.tasks.one_ended() => return Err(error.into()),
        }
        tracing::info!("draining");
        self.readiness.drain();
        tokio::select! {
            () = drain => tracing::info!("drained"),
            () = self.termination.next() => tracing::info!("told twice, ending at once"),
            error = self.threads.one_ended() => return Err(error.into()),
            error = self.tasks.one_ended() => return Err(error.into()),
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Log, LogFormat, LogLevel};

    async fn running() -> Running {
        let common = Common {
            cluster: "test".to_owned(),
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin_token_file: None,
            log: Log {
                level: LogLevel::Info,
                format: LogFormat::Text,
            },
        };
        Running::new(&common, &Metrics::new(), &[]).await.unwrap()
    }

    /// How a process ends that nobody told to.
    async fn end(running: Running) -> String {
        let ended = timeout(Duration::from_secs(20), running.until_told(pending())).await;
        format!("{:#}", ended.expect("the process ends").unwrap_err())
    }

    #[tokio::test]
    async fn a_task_that_ends_takes_the_process_with_it() {
        let mut broken = running().await;
        broken.tasks.spawn("control", async {});
        assert_eq!(end(broken).await, "failed to go on: task control has ended");
        let mut broken = running().await;
        broken.tasks.spawn("control", async { panic!("as meant") });
        let text = end(broken).await;
        assert!(text.contains("task control has panicked: "), "{text}");
    }

    #[tokio::test]
    async fn a_thread_that_ends_takes_the_process_with_it() {
        let mut broken = running().await;
        let life = crate::process::Life::start("tls-files", || panic!("as meant"));
        broken.tasks.watch(life.ok());
        assert_eq!(
            end(broken).await,
            "failed to go on: thread tls-files has ended"
        );
    }
}
