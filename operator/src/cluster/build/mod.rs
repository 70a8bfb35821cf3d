//! From a valid cluster to every object it consists of. Pure: no client, no clock, no chance.

mod accounts;
mod budget;
mod config;
mod edges;
mod pod;
mod services;
mod shards;
mod token;
mod volumes;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::names::Tier;
use super::validate::ValidatedCluster;

pub(crate) use budget::{EdgesSeen, may_stand as budget_may_stand};
pub(crate) use config::WriteError;
pub(crate) use token::{TOKEN_BYTES, token_secret};
pub(crate) use volumes::TOKEN_KEY;

/// Where edges and shards serve `/livez`, `/readyz`, `/metrics` and `/status`.
pub(crate) const ADMIN_PORT: u16 = 9883;
/// Its name among the ports of a pod; listeners name the others.
pub(crate) const ADMIN_PORT_NAME: &str = "admin";
/// Where shards take links.
pub(crate) const LINK_PORT: u16 = 7883;

/// All that is applied, apart from the token, which is made once.
#[derive(Clone, Debug)]
pub(crate) struct Children {
    pub(crate) accounts: Vec<ServiceAccount>,
    pub(crate) configs: Vec<ConfigMap>,
    pub(crate) services: Vec<Service>,
    /// None for a lone edge; whether it may stand over others depends on where they run.
    pub(crate) budget: Option<PodDisruptionBudget>,
    pub(crate) shards: StatefulSet,
    pub(crate) edges: Deployment,
}

/// Only writing the broker's configuration can fail, and only if its types cannot be written at all.
pub(crate) fn build(cluster: &ValidatedCluster) -> Result<Children, WriteError> {
    let edge_config = config::edge(cluster)?;
    let shard_config = config::shard(cluster)?;
    Ok(Children {
        accounts: vec![
            accounts::account(cluster, Tier::Edge),
            accounts::account(cluster, Tier::Shard),
        ],
        services: vec![services::shards(cluster), services::clients(cluster)],
        budget: budget::edges(cluster),
        shards: shards::shards(cluster, &shard_config),
        edges: edges::edges(cluster, &edge_config),
        configs: vec![
            config::config_map(cluster, Tier::Edge, edge_config),
            config::config_map(cluster, Tier::Shard, shard_config),
        ],
    })
}

/// Name, labels and owner of a child.
fn metadata(cluster: &ValidatedCluster, name: String, tier: Option<Tier>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(cluster.names.namespace.clone()),
        labels: Some(cluster.names.labels(tier)),
        owner_references: Some(vec![cluster.owner.clone()]),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
