//! What the watches know: clusters, their children and their pods.

use std::time::Duration;

use herdgate_crds::MqttCluster;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{Lookup, Store};
use tokio::time::timeout;

/// Far below what a start takes anyway.
const LOOK_EVERY: Duration = Duration::from_millis(50);

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
}

impl Caches {
    /// Until every kind of child was listed once; false when a watch ended before. The clusters are the controller's to
    /// wait for.
    pub(crate) async fn filled(&self) -> bool {
        filled(&self.accounts).await
            && filled(&self.configs).await
            && filled(&self.services).await
            && filled(&self.budgets).await
            && filled(&self.shards).await
            && filled(&self.edges).await
            && filled(&self.pods).await
    }
}

/// A store wakes only the last one who waits for it, and several do: so each looks again by itself.
async fn filled<K>(store: &Store<K>) -> bool
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    loop {
        if let Ok(result) = timeout(LOOK_EVERY, store.wait_until_ready()).await {
            return result.is_ok();
        }
    }
}
