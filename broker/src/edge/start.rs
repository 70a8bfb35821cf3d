//! What an edge is built from before its threads run.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;

use herdgate_admission::allow::AllowList;
use herdgate_admission::attaches::Attaches;
use herdgate_admission::edge as admission;
use herdgate_admission::places::Places;
use herdgate_admission::report::EdgeId;
use herdgate_admission::slicing::{self, SlicePlan, SlicingErrors};

use super::budgets::HoldBudgets;
use super::listener::{BindError, Sockets};
use super::shared::{ListenerShared, Shared};
use super::slice_counts::SliceCounts;
use super::sockets::ClientSockets;
use crate::auth::{AuthError, Authenticator};
use crate::config::EdgeSettings;
use crate::metrics::Metrics;
use crate::process::{Allowances, Bound, Clock, open_files};
use crate::tls::{ServerTls, TlsError};

/// As many as `shard.count` may be.
const MOST_SHARDS: usize = 1_024;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("failed to start TLS of listener {listener}")]
    Tls { listener: String, source: TlsError },
    #[error("failed to start authentication")]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Slicing(#[from] SlicingErrors),
}

/// A bound edge.
#[derive(Debug)]
pub struct EdgeParts {
    pub shared: Arc<Shared>,
    pub admission: admission::EdgeAdmission,
    /// By worker; each has a socket per listener, in the settings' order.
    pub sockets: Vec<Vec<TcpListener>>,
}

impl EdgeParts {
    /// Binds the listeners, reads certificates and passwords. Nothing is accepted yet.
    pub fn build(
        cluster: &str,
        settings: EdgeSettings,
        clock: Clock,
        metrics: &Metrics,
        bound: &mut Bound,
    ) -> Result<Self, StartError> {
        let admission = admission(cluster, &settings)?;
        let workers = settings.workers.get();
        let mut sockets: Vec<_> = (0..workers).map(|_| Vec::new()).collect();
        let mut listeners = Vec::new();
        let mut addresses = BTreeMap::new();
        for listener in &settings.listeners {
            let failed = |source| StartError::Tls {
                listener: listener.name.clone(),
                source,
            };
            let tls = listener
                .tls
                .as_ref()
                .map(|tls| ServerTls::start(&listener.name, tls, metrics));
            let tls = tls.transpose().map_err(failed)?;
            let all = Sockets::bind(listener, workers)?;
            addresses.insert(listener.name.clone(), all.address);
            for (worker, socket) in sockets.iter_mut().zip(all.sockets) {
                worker.push(socket);
            }
            listeners.push(Arc::new(ListenerShared::new(
                listener.clone(),
                tls,
                metrics,
            )));
        }
        bound.listeners = addresses;
        let patience = settings.admission.patience;
        let tuning = &settings.admission.tuning;
        let authenticator =
            Authenticator::start(&settings.authentication, patience, tuning, metrics)?;
        let always_allow = AllowList::new(&settings.admission.always_allow);
        let node_networks = AllowList::new(&settings.admission.node_networks);
        let places = Places::default();
        let metrics = metrics.clone();
        let hold_budgets = HoldBudgets {
            sockets: settings.admission.hold_budget,
            clients: settings.admission.client_hold_budget,
        }
        .within(Allowances::find().memory_limit());
        let shared = Shared {
            hold_budgets,
            settings,
            clock,
            metrics,
            authenticator,
            always_allow,
            node_networks,
            places,
            attaches: Attaches::new(MOST_SHARDS),
            entered: SliceCounts::default(),
            sockets: ClientSockets::new(open_files()),
            listeners,
        };
        Ok(Self {
            shared: Arc::new(shared),
            admission,
            sockets,
        })
    }
}

fn admission(
    cluster: &str,
    settings: &EdgeSettings,
) -> Result<admission::EdgeAdmission, SlicingErrors> {
    let ours = &settings.admission;
    let plan = SlicePlan::new(ours.slices.get(), &slicing::Slicing::from(&ours.slicing))?
        .with_crowd(ours.crowded_address_clients.get());
    Ok(admission::EdgeAdmission::new(admission::EdgeSettings {
        edge: EdgeId(settings.id.clone()),
        mode: ours.mode.into(),
        cluster: cluster.to_owned(),
        plan,
        patience: ours.patience,
        learns_patience: ours.patience_learning,
        entering_cap: ours.entering_limit.map(std::num::NonZeroU32::get),
        tuning: ours.tuning,
    }))
}
