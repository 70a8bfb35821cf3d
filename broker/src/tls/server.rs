//! A listener's TLS, exchangeable while it runs.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;

use super::load::load;
use super::pem::TlsFileError;
use crate::config::{ClientAuth, FileWatch, POLL_INTERVAL, Poller, Tls};
use crate::metrics::{ListenerLabels, Metrics, TlsMetrics};
use crate::process::Life;

/// The TLS of one listener. Cheap to clone; takes new files by itself, for handshakes that begin after.
#[derive(Clone, Debug)]
pub struct ServerTls {
    current: Arc<ArcSwap<ServerConfig>>,
    poller: Arc<Poller>,
}

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("failed to load TLS files: {}", All(.0))]
    Files(Vec<TlsFileError>),
    #[error("failed to start the watch over TLS files")]
    Thread(#[source] std::io::Error),
}

impl ServerTls {
    /// Loads the files and starts to watch them.
    pub fn start(listener: &str, settings: &Tls, metrics: &Metrics) -> Result<Self, TlsError> {
        let watch = FileWatch::new(files(settings));
        let labels = ListenerLabels::new(listener);
        let loaded = load(settings).map_err(TlsError::Files)?;
        metrics
            .tls
            .not_after
            .get_or_create(&labels)
            .set(loaded.not_after);
        let current = Arc::new(ArcSwap::new(loaded.config));
        let reload = Reload {
            settings: settings.clone(),
            watch,
            current: Arc::clone(&current),
            labels,
            metrics: metrics.tls.clone(),
        };
        let poller = Poller::start("tls-files", POLL_INTERVAL, reload.into_look())
            .map_err(TlsError::Thread)?;
        Ok(Self {
            current,
            poller: Arc::new(poller),
        })
    }

    /// What a handshake that begins now uses.
    pub fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Looks at the files now rather than at the next interval.
    pub fn poke(&self) {
        self.poller.poke();
    }

    /// Of the thread that looks.
    pub fn life(&self) -> Life {
        self.poller.life()
    }
}

fn files(settings: &Tls) -> impl Iterator<Item = PathBuf> {
    let ca = match &settings.client_auth {
        ClientAuth::None => None,
        ClientAuth::Optional { ca_file } | ClientAuth::Required { ca_file } => {
            Some(ca_file.clone())
        }
    };
    [
        settings.certificate_file.clone(),
        settings.private_key_file.clone(),
    ]
    .into_iter()
    .chain(ca)
}

/// Takes changed files over; bad ones leave everything as it is.
struct Reload {
    settings: Tls,
    watch: FileWatch,
    current: Arc<ArcSwap<ServerConfig>>,
    labels: ListenerLabels,
    metrics: TlsMetrics,
}

impl Reload {
    fn into_look(mut self) -> impl FnMut() + Send {
        // both are there, at zero, before anything happens
        let reloads = self.metrics.reloads.get_or_create_owned(&self.labels);
        let failures = self
            .metrics
            .reload_failures
            .get_or_create_owned(&self.labels);
        let not_after = self.metrics.not_after.get_or_create_owned(&self.labels);
        move || {
            if !self.watch.changed() {
                return;
            }
            let listener = &self.labels.listener;
            match load(&self.settings) {
                Ok(loaded) => {
                    self.current.store(loaded.config);
                    not_after.set(loaded.not_after);
                    reloads.inc();
                    tracing::info!(listener, not_after = loaded.not_after, "took new TLS files");
                }
                Err(errors) => {
                    failures.inc();
                    tracing::error!(listener, errors = %All(&errors), "kept the old TLS files");
                }
            }
        }
    }
}

/// Every error with its cause.
struct All<'a>(&'a [TlsFileError]);

impl fmt::Display for All<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "; " };
            write!(f, "{comma}{error}: {}", error.why)?;
        }
        Ok(())
    }
}
