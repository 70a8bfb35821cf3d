//! The files by which the backend and we know each other, taken anew when they change.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{BackendTokenError, Client, RootsError, roots, token};
use crate::config::{FileWatch, HttpBackend, POLL_INTERVAL, Poller};
use crate::metrics::{By, ReloadOutcome};

#[derive(Debug, thiserror::Error)]
pub enum BackendFilesError {
    #[error("failed to trust the HTTP backend")]
    Roots(#[from] RootsError),
    #[error("failed to be known to the HTTP backend")]
    Token(#[from] BackendTokenError),
    #[error("failed to start the watch over the files of the HTTP backend")]
    Thread(#[source] io::Error),
}

/// The client that the files make.
#[derive(Debug)]
pub(super) struct Files {
    client: Arc<ArcSwap<Client>>,
    /// `None`: there is no file.
    poller: Option<Poller>,
}

impl Files {
    /// Reads them and starts to watch them.
    pub(super) fn start(
        settings: &HttpBackend,
        reloads: &By<ReloadOutcome>,
    ) -> Result<Self, BackendFilesError> {
        let paths: Vec<PathBuf> = [&settings.ca_file, &settings.token_file]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let watch = FileWatch::new(paths.clone());
        let client = Arc::new(ArcSwap::from_pointee(read(settings)?));
        let poller = if paths.is_empty() {
            None
        } else {
            let look = reload(
                settings.clone(),
                watch,
                Arc::clone(&client),
                reloads.clone(),
            );
            let poller = Poller::start("backend-files", POLL_INTERVAL, look);
            Some(poller.map_err(BackendFilesError::Thread)?)
        };
        Ok(Self { client, poller })
    }

    /// What a request that begins now uses.
    pub(super) fn client(&self) -> Arc<ArcSwap<Client>> {
        Arc::clone(&self.client)
    }

    /// `None`: there is nothing to look at.
    pub(super) fn poller(&self) -> Option<&Poller> {
        self.poller.as_ref()
    }
}

fn read(settings: &HttpBackend) -> Result<Client, BackendFilesError> {
    let (roots, token) = (roots::config(settings)?, token::header(settings)?);
    Ok(Client::new(settings, roots, token))
}

/// Takes changed files over, all or none; connections by the old ones end with their requests.
fn reload(
    settings: HttpBackend,
    mut watch: FileWatch,
    client: Arc<ArcSwap<Client>>,
    reloads: By<ReloadOutcome>,
) -> impl FnMut() + Send {
    move || {
        if !watch.changed() {
            return;
        }
        match read(&settings) {
            Ok(new) => {
                client.store(Arc::new(new));
                reloads.inc(ReloadOutcome::Changed);
                tracing::info!("took new files of the HTTP backend");
            }
            Err(error) => {
                reloads.inc(ReloadOutcome::Failed);
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "kept the old files of the HTTP backend"
                );
            }
        }
    }
}
