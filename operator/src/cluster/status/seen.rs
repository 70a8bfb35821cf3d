//! Everything the status speaks of, gathered.

use super::Address;
use crate::cluster::names::Names;
use herdgate_admission::progress::ClientAddresses;
use herdgate_crds::{AdmissionStatus, Endpoint};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) names: Names,
    pub(crate) generation: Option<i64>,
    pub(crate) paused: bool,
    /// Something was written in this pass, so that what the caches hold is of yesterday.
    pub(crate) just_applied: bool,
    pub(crate) failure: Option<Failure>,
    pub(crate) missing_secrets: Vec<String>,
    pub(crate) edge: TierSeen,
    pub(crate) shard: TierSeen,
    /// Pods that cannot start, and why.
    pub(crate) troubles: Vec<String>,
    pub(crate) clients: Option<i64>,
    pub(crate) gate: Option<AdmissionStatus>,
    pub(crate) client_address: Option<ClientAddresses>,
    /// See [`herdgate_crds::MqttClusterStatus::reopen_handled`].
    pub(crate) reopen_handled: Option<String>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) address: Address,
}

impl Seen {
    /// Of an object of which no more is known than that it is there.
    pub(crate) fn nothing(metadata: &ObjectMeta) -> Self {
        Self {
            names: Names {
                cluster: metadata.name.clone().unwrap_or_default(),
                namespace: metadata.namespace.clone().unwrap_or_default(),
            },
            generation: metadata.generation,
            paused: false,
            just_applied: false,
            failure: None,
            missing_secrets: Vec::new(),
            edge: TierSeen::default(),
            shard: TierSeen::default(),
            troubles: Vec::new(),
            clients: None,
            gate: None,
            client_address: None,
            reopen_handled: None,
            endpoints: Vec::new(),
            address: Address::Settled,
        }
    }
}

/// Why the pass did not get through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) permanent: bool,
}

/// A tier as its controller tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TierSeen {
    pub(crate) wanted: i32,
    pub(crate) replicas: i32,
    pub(crate) ready: i32,
    /// Pods with the wanted template.
    pub(crate) current: i32,
    /// Its controller has seen the newest template.
    pub(crate) observed: bool,
}

impl TierSeen {
    pub(crate) fn edges(wanted: i32, live: Option<&Deployment>) -> Self {
        let Some(live) = live else {
            return Self {
                wanted,
                ..Self::default()
            };
        };
        let status = live.status.clone().unwrap_or_default();
        Self {
            wanted,
            replicas: status.replicas.unwrap_or(0),
            ready: status.ready_replicas.unwrap_or(0),
            current: status.updated_replicas.unwrap_or(0),
            observed: status.observed_generation >= live.metadata.generation,
        }
    }

    pub(crate) fn shards(wanted: i32, live: Option<&StatefulSet>) -> Self {
        let Some(live) = live else {
            return Self {
                wanted,
                ..Self::default()
            };
        };
        let status = live.status.clone().unwrap_or_default();
        Self {
            wanted,
            replicas: status.replicas,
            ready: status.ready_replicas.unwrap_or(0),
            current: status.updated_replicas.unwrap_or(0),
            observed: status.observed_generation >= live.metadata.generation,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready >= self.wanted
    }

    /// All pods are there, ready, and of the wanted template, and no others are.
    pub(crate) fn is_rolled_out(&self) -> bool {
        self.observed
            && self.current == self.wanted
            && self.replicas == self.wanted
            && self.is_ready()
    }
}
