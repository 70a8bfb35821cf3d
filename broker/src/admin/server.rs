//! The HTTP server.

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::{Readiness, StatusSource, Valve};
use crate::link::TokenFile;
use crate::metrics::Metrics;

/// What the server shows.
#[derive(Clone)]
pub struct Admin {
    pub metrics: Metrics,
    pub readiness: Readiness,
    pub status: StatusSource,
    pub valve: Arc<dyn Valve>,
    /// What those must know who change something; `None`: nobody may.
    pub token: Option<TokenFile>,
}

/// Serves until `stop` is done. Runs on whatever runtime polls it; never on a worker's.
pub async fn serve(
    listener: TcpListener,
    admin: Admin,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, super::routes::router(admin))
        .with_graceful_shutdown(stop)
        .await
}
