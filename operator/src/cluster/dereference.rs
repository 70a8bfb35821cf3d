//! Everything that is read before thinking: the children as they are, and whether named Secrets exist.

use std::sync::Arc;

use herdgate_crds::Reopening;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
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
    /// Those that can be read.
    pub(crate) reopenings: Vec<Arc<Reopening>>,
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
        reopenings: of_cluster(&caches.reopenings, names)
            .iter()
            .filter_map(|object| object.0.as_ref().ok().cloned().map(Arc::new))
            .collect(),
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

/// Secrets that were looked for: by name, and metadata only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SecretsSeen {
    pub(crate) missing: Vec<String>,
    /// Those there whose controlling owner is another object than ours.
    pub(crate) of_others: Vec<String>,
}

pub(crate) async fn look_for_secrets(
    scope: &Scope,
    namespace: &str,
    owner: &str,
    wanted: &[String],
) -> Result<SecretsSeen, CallError> {
    let context = &scope.context;
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let mut seen = SecretsSeen::default();
    for name in wanted {
        let call = api.get_metadata_opt(name);
        match context.calls.run("get", "Secret", call).await? {
            None => seen.missing.push(name.clone()),
            Some(secret) if is_of_other(&secret.metadata, owner) => {
                seen.of_others.push(name.clone());
            }
            Some(_) => {}
        }
    }
    Ok(seen)
}

fn is_of_other(metadata: &ObjectMeta, owner: &str) -> bool {
    let mut owners = metadata.owner_references.iter().flatten();
    owners.any(|other| other.controller == Some(true) && other.uid != owner)
}
