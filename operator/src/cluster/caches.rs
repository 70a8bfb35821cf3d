//! What the watches know: clusters, their children and their pods.

use herdgate_crds::{MqttCluster, Reopening};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::Store;

#[derive(Clone)]
pub(crate) struct Caches {
    pub(crate) clusters: Store<DeserializeGuard<MqttCluster>>,
    pub(crate) accounts: Store<ServiceAccount>,
    pub(crate) configs: Store<ConfigMap>,
    pub(crate) services: Store<Service>,
    pub(crate) budgets: Store<PodDisruptionBudget>,
    pub(crate) shards: Store<StatefulSet>,
    pub(crate) edges: Store<Deployment>,
    pub(crate) pods: Store<Pod>,
    /// Guarded: one that a later operator wrote must not keep the others from us.
    pub(crate) reopenings: Store<DeserializeGuard<Reopening>>,
}
