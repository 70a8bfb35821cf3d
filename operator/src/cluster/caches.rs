//! What the watches know: clusters, their children and their pods.

use herdgate_crds::MqttCluster;
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
}

impl Caches {
    /// Until every kind was listed once; false when a watch ended before.
    pub(crate) async fn filled(&self) -> bool {
        let results = [
            self.clusters.wait_until_ready().await.is_ok(),
            self.accounts.wait_until_ready().await.is_ok(),
            self.configs.wait_until_ready().await.is_ok(),
            self.services.wait_until_ready().await.is_ok(),
            self.budgets.wait_until_ready().await.is_ok(),
            self.shards.wait_until_ready().await.is_ok(),
            self.edges.wait_until_ready().await.is_ok(),
            self.pods.wait_until_ready().await.is_ok(),
        ];
        results.into_iter().all(|filled| filled)
    }
}
