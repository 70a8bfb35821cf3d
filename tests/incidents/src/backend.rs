//! The authentication backend of an incident, as slow or broken as its faults make it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use herdgate_bench::backend::{self, Answer};
use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Health {
    /// Says yes after so long.
    Answers { milliseconds: u64 },
    /// Answers 500 at once.
    Fails,
}

/// Serves for as long as the run takes.
#[derive(Debug)]
pub(crate) struct Backend {
    health: Arc<ArcSwap<Health>>,
    pub(crate) address: SocketAddr,
}

impl Backend {
    pub(crate) fn start(health: Health) -> anyhow::Result<Self> {
        let health = Arc::new(ArcSwap::from_pointee(health));
        let shared = Arc::clone(&health);
        let address = backend::start(move |_| answer(**shared.load()));
        Ok(Self {
            health,
            address: address.context("failed to open the backend's port")?,
        })
    }

    pub(crate) fn turn(&self, health: Health) {
        self.health.store(Arc::new(health));
    }
}

fn answer(health: Health) -> Answer {
    match health {
        Health::Answers { milliseconds } => {
            Answer::verdict("allow").after(Duration::from_millis(milliseconds))
        }
        Health::Fails => Answer::failure(),
    }
}
