//! What all workers of an edge process share. No locks: settings, counters and wires.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use herdgate_admission::allow::AllowList;
use herdgate_admission::attaches::Attaches;
use herdgate_admission::places::Places;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::budgets::HoldBudgets;
use super::slice_counts::SliceCounts;
use super::sockets::ClientSockets;
use crate::auth::Authenticator;
use crate::config::{EdgeSettings, Listener};
use crate::metrics::{ListenerLabels, Metrics};
use crate::process::{Clock, Life};
use crate::tls::ServerTls;

#[derive(Debug)]
pub struct Shared {
    pub settings: EdgeSettings,
    pub clock: Clock,
    pub metrics: Metrics,
    pub authenticator: Authenticator,
    pub always_allow: AllowList,
    /// Addresses that are never those of clients.
    pub node_networks: AllowList,
    pub places: Places,
    /// What shards may be asked.
    pub attaches: Attaches,
    pub sockets: ClientSockets,
    pub(super) hold_budgets: HoldBudgets,
    /// Clients let in, by slice.
    pub entered: SliceCounts,
    /// In the order of the settings.
    pub listeners: Vec<Arc<ListenerShared>>,
}

impl Shared {
    /// Looks at certificates and passwords now.
    pub fn look_at_files(&self) {
        self.authenticator.poke();
        for tls in self
            .listeners
            .iter()
            .filter_map(|listener| listener.tls.as_ref())
        {
            tls.poke();
        }
    }

    /// Of the threads beside the workers that an edge cannot do without.
    pub fn lives(&self) -> Vec<Life> {
        let tls = self.listeners.iter().filter_map(|each| each.tls.as_ref());
        let mut lives = self.authenticator.lives();
        lives.extend(tls.map(ServerTls::life));
        lives
    }
}

/// One listener, for all workers.
#[derive(Debug)]
pub struct ListenerShared {
    /// That of the settings.
    pub(super) name: Arc<str>,
    pub settings: Listener,
    pub tls: Option<ServerTls>,
    /// Who may say whose connection it is; `None`: nobody is asked.
    pub(super) balancers: Option<AllowList>,
    accepted: Counter,
    connections: Gauge,
    open: AtomicU32,
}

impl ListenerShared {
    pub fn new(settings: Listener, tls: Option<ServerTls>, metrics: &Metrics) -> Self {
        let labels = ListenerLabels::new(&settings.name);
        Self {
            accepted: metrics.edge.accepted.get_or_create_owned(&labels),
            connections: metrics.edge.connections.get_or_create_owned(&labels),
            open: AtomicU32::new(0),
            name: settings.name.as_str().into(),
            balancers: settings
                .proxy_protocol
                .as_ref()
                .map(|proxy| AllowList::new(&proxy.trusted)),
            settings,
            tls,
        }
    }

    pub(super) fn accepted(&self) {
        self.accepted.inc();
    }

    /// `None`: the listener has as many connections as it may have.
    pub(super) fn try_open(self: &Arc<Self>) -> Option<OpenConnection> {
        let most = self.settings.max_connections.get();
        let more = |open| (open < most).then_some(open + 1);
        self.open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        self.connections.inc();
        Some(OpenConnection(Arc::clone(self)))
    }
}

/// One client of a listener, counted until it is dropped.
#[derive(Debug)]
pub(super) struct OpenConnection(Arc<ListenerShared>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.connections.dec();
    }
}

impl Shared {
    /// How long the fleet's clients wait for a CONNACK.
    pub(super) fn patience(&self) -> Duration {
        self.settings.admission.patience
    }

    /// Clients with a socket that was let in.
    pub fn connections(&self) -> u32 {
        self.listeners
            .iter()
            .map(|listener| listener.open.load(Ordering::Relaxed))
            .sum()
    }
}
