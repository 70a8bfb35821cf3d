//! What every pass needs.

use std::sync::Arc;

use kube::{Client, Resource as _};
use tokio::sync::Mutex;

use super::caches::Caches;
use super::memory::{Memories, Memory};
use crate::calls::Calls;
use crate::events::Recorder;
use crate::metrics::Metrics;

/// One for the process.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) calls: Calls,
    pub(crate) metrics: Metrics,
    pub(crate) recorder: Recorder,
}

impl Context {
    pub(crate) fn new(client: Client, calls: Calls, metrics: Metrics, instance: String) -> Self {
        let recorder = Recorder::new(client.clone(), calls.clone(), instance);
        Self {
            client,
            calls,
            metrics,
            recorder,
        }
    }
}

/// One for each watch scope: a namespace, or all of them.
pub(crate) struct Scope {
    pub(crate) context: Arc<Context>,
    pub(crate) caches: Caches,
    /// Held for the moment of a look-up only, never across a call.
    pub(crate) memories: Mutex<Memories>,
}

impl Scope {
    pub(crate) fn new(context: Arc<Context>, caches: Caches) -> Self {
        Self {
            context,
            caches,
            memories: Mutex::new(Memories::default()),
        }
    }

    pub(crate) async fn recall(&self, uid: &str) -> Memory {
        self.memories.lock().await.get(uid)
    }

    pub(crate) async fn remember(&self, uid: &str, memory: Memory) {
        let mut memories = self.memories.lock().await;
        memories.put(uid, memory);
        if memories.len() > self.caches.clusters.len() {
            let alive = self.caches.clusters.state();
            memories.retain(|uid| {
                alive
                    .iter()
                    .any(|cluster| cluster.meta().uid.as_deref() == Some(uid))
            });
        }
    }
}
