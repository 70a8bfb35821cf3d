//! The process: one thread, many sockets, and signals.

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context as _;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

/// Exit code for flags and scenarios that make no sense (`EX_USAGE`).
pub(crate) const BAD_USAGE: u8 = 64;
/// Exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;
/// Descriptors for everything but gateways.
const RESERVE: u64 = 64;

/// Runs on one thread; a signal drops `future` and with it everything it started.
pub(crate) fn block_on(
    future: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start")?;
    let result = LocalSet::new().block_on(&runtime, async {
        let listen = |kind| signal(kind).context("failed to listen for signals");
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        // a terminal that closes must not leave a broker behind either
        let mut hang_up = listen(SignalKind::hangup())?;
        tokio::select! {
            result = future => result,
            _ = interrupt.recv() => Ok(INTERRUPTED.into()),
            _ = terminate.recv() => Ok(INTERRUPTED.into()),
            _ = hang_up.recv() => Ok(INTERRUPTED.into()),
        }
    });
    // whatever still computes in the background has nobody to tell
    runtime.shutdown_background();
    result
}

/// Raises the soft limit of open files to the hard one; an error when even that is too little for `gateways`.
pub(crate) fn raise_file_limit(gateways: u32) -> anyhow::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum;
    limit.current = hard;
    setrlimit(Resource::Nofile, limit).context("failed to raise the limit of open files")?;
    let needed = u64::from(gateways) + RESERVE;
    if let Some(hard) = hard.filter(|hard| *hard < needed) {
        anyhow::bail!(
            "failed to make room for {gateways} gateways: the hard limit of open files is {hard}, needed are {needed}"
        );
    }
    Ok(())
}
