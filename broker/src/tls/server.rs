//! A listener's TLS, exchangeable while it runs.

use std::sync::Arc;

use crate::config::Tls;
use crate::metrics::Metrics;

/// The TLS of one listener. Cheap to clone; takes new files by itself.
#[derive(Clone, Debug)]
pub struct ServerTls {
    current: Arc<arc_swap::ArcSwap<rustls::ServerConfig>>,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("failed to build the TLS configuration")]
    Rustls(#[from] rustls::Error),
}

impl ServerTls {
    /// Loads the files and starts to watch them.
    pub fn start(_listener: &str, _settings: &Tls, _metrics: &Metrics) -> Result<Self, TlsError> {
        Err(TlsError::Rustls(rustls::Error::General(
            "not built yet".to_owned(),
        )))
    }

    /// What a handshake that begins now uses.
    pub fn current(&self) -> Arc<rustls::ServerConfig> {
        self.current.load_full()
    }
}
