//! From the start of the process to its end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kube::Client;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::admin::{self, Readiness};
use crate::args::{Args, LogFormat};
use crate::calls::Calls;
use crate::cluster::Context;
use crate::controller;
use crate::leader::{Leader, Seat};
use crate::metrics::Metrics;

/// Time for passes to end after a signal. Nothing renews the lease meanwhile: together with the longest time since the
/// last renewal it is less than the lease lasts.
const LAST_PASSES: Duration = Duration::from_secs(4);

/// Logging and TLS, once for the process.
pub(crate) fn init(args: &Args) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&args.log_level).context("failed to read the log level")?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter);
    match args.log_format {
        LogFormat::Json => logs.json().init(),
        LogFormat::Text => logs.init(),
    }
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("failed to choose the TLS provider: another one is in place"))
}

/// Serves until a signal comes or the lease is lost; the latter is a failure, so that the process starts anew.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    tracing::info!(version = env!("CARGO_PKG_VERSION"), namespaces = ?args.namespaces(), "started");
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));

    let metrics = Metrics::new();
    let readiness = Readiness::new();
    admin::serve(
        args.admin_address,
        metrics.clone(),
        readiness.clone(),
        stop.clone(),
    )
    .await?;

    let client = Client::try_default()
        .await
        .context("failed to find the API server")?;
    let calls = Calls::new(metrics.calls.clone());
    let seat = Seat::new(
        args.pod_namespace.clone(),
        args.lease_name.clone(),
        args.pod_name.clone(),
    );
    let Some(leader) = Leader::wait(seat, client.clone(), calls.clone(), &stop).await else {
        return Ok(());
    };
    metrics.leading.set(1);
    let context = Arc::new(Context::new(
        client.clone(),
        calls,
        metrics,
        args.pod_name.clone(),
    ));
    let work = stop.child_token();
    let mut controllers = tokio::spawn(controller::run(
        context,
        args.namespaces(),
        readiness,
        work.clone(),
    ));
    // who lost the lease must not write another thing, not even to the end of a pass
    leader
        .keep(&stop)
        .await
        .context("failed to keep the lease")?;
    work.cancel();
    if tokio::time::timeout(LAST_PASSES, &mut controllers)
        .await
        .is_err()
    {
        tracing::warn!("passes are still running, ending without them");
        controllers.abort();
        // its end, of which nothing but the abortion is to be told
        let _ = controllers.await;
    }
    leader.release().await;
    Ok(())
}

/// The first signal ends in order, the second at once.
async fn stop_on_signal(stop: CancellationToken) {
    let (Ok(mut term), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("failed to listen for signals");
        return stop.cancel();
    };
    for _ in 0..2 {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
        if stop.is_cancelled() {
            tracing::warn!("second signal, ending at once");
            std::process::exit(1);
        }
        tracing::info!("signal, ending");
        stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leader;

    #[test]
    fn the_lease_outlasts_the_last_passes() {
        assert!(leader::RENEW_DEADLINE + LAST_PASSES < leader::DURATION);
    }
}
