//! Everything that is read before thinking: the children as they are, and whether named Secrets exist.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Api, Resource, ResourceExt};

use super::CLUSTER_LABEL;
use super::context::Scope;
use super::names::{Names, Tier};
use crate::calls::CallError;

/// The world around one cluster.
pub(crate) struct World {
    pub(crate) accounts: Vec<Arc<ServiceAccount>>,
    pub(crate) configs: Vec<Arc<ConfigMap>>,
    pub(crate) services: Vec<Arc<Service>>,
    pub(crate) budgets: Vec<Arc<PodDisruptionBudget>>,
    pub(crate) shards: Option<Arc<StatefulSet>>,
    pub(crate) edges: Option<Arc<Deployment>>,
    pub(crate) pods: Vec<Arc<Pod>>,
}

/// From the caches alone, hence at no cost.
pub(crate) fn world(scope: &Scope, names: &Names) -> World {
    let caches = &scope.caches;
    World {
        accounts: of_cluster(&caches.accounts, names),
        configs: of_cluster(&caches.configs, names),
        services: of_cluster(&caches.services, names),
        budgets: of_cluster(&caches.budgets, names),
        shards: caches
            .shards
            .get(&ObjectRef::new(&names.tier(Tier::Shard)).within(&names.namespace)),
        edges: caches
            .edges
            .get(&ObjectRef::new(&names.tier(Tier::Edge)).within(&names.namespace)),
        pods: of_cluster(&caches.pods, names),
    }
}

fn of_cluster<K>(store: &Store<K>, names: &Names) -> Vec<Arc<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let mut found = store.state_filter(|object: &K| {
        object.namespace().as_deref() == Some(names.namespace.as_str())
            && object.labels().get(CLUSTER_LABEL) == Some(&names.cluster)
    });
    found.sort_by_key(|object| object.name_any());
    found
}

/// Those of the named Secrets that are not there. Asks for metadata only.
pub(crate) async fn missing_secrets(
    scope: &Scope,
    namespace: &str,
    wanted: impl IntoIterator<Item = String>,
) -> Result<Vec<String>, CallError> {
    let context = &scope.context;
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let mut missing = Vec::new();
    for name in wanted {
        if context
            .calls
            .run("get", "Secret", api.get_metadata_opt(&name))
            .await?
            .is_none()
        {
            missing.push(name);
        }
    }
    Ok(missing)
}
