//! Writes children, and only those that are not as they should be.

mod covers;

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::build::Children;
use super::context::Context;
use super::dereference::World;
use super::hash::fingerprint;
use crate::FIELD_MANAGER;
use crate::calls::CallError;
use covers::covers;

/// Annotation of children: fingerprint of the object as it was applied last. Tells what was taken out of the wanted
/// object since, which a look at the live one cannot.
const APPLIED: &str = "herdgate.io/applied";

#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error("{kind} '{name}' belongs to somebody else; rename the cluster or delete it")]
    NotOurs { kind: &'static str, name: String },
    #[error("{kind} '{name}' of a deleted cluster by the same name is still there")]
    StillThere { kind: &'static str, name: String },
    #[error("{kind} '{name}' was refused: {source}")]
    Refused {
        kind: &'static str,
        name: String,
        source: CallError,
    },
    #[error("{kind} '{name}': {source}")]
    Call {
        kind: &'static str,
        name: String,
        source: CallError,
    },
    #[error("failed to write {kind} as JSON: {source}")]
    Json {
        kind: &'static str,
        source: serde_json::Error,
    },
    #[error(transparent)]
    Build(#[from] super::build::WriteError),
}

impl ApplyError {
    pub(crate) fn category(&self) -> &'static str {
        match self {
            Self::NotOurs { .. } => "not_ours",
            Self::StillThere { .. } => "still_there",
            Self::Refused { .. } => "refused",
            Self::Call { .. } => "api",
            Self::Json { .. } | Self::Build(_) => "build",
        }
    }

    pub(crate) fn is_permanent(&self) -> bool {
        !matches!(self, Self::Call { .. } | Self::StillThere { .. })
    }

    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::NotOurs { .. } => "NameTaken",
            Self::StillThere { .. } => "WaitingForDeletion",
            Self::Refused { .. } => "ChildRefused",
            Self::Call { .. } => "ApiUnavailable",
            Self::Json { .. } | Self::Build(_) => "BuildFailed",
        }
    }
}

/// What a child must be to be applied.
pub(crate) trait Child:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
{
    const KIND: &'static str;
}

macro_rules! children {
    ($($kind:ty => $name:literal),* $(,)?) => {
        $(impl Child for $kind { const KIND: &'static str = $name; })*
    };
}

children! {
    k8s_openapi::api::core::v1::ServiceAccount => "ServiceAccount",
    k8s_openapi::api::core::v1::ConfigMap => "ConfigMap",
    k8s_openapi::api::core::v1::Service => "Service",
    k8s_openapi::api::policy::v1::PodDisruptionBudget => "PodDisruptionBudget",
    k8s_openapi::api::apps::v1::StatefulSet => "StatefulSet",
    k8s_openapi::api::apps::v1::Deployment => "Deployment",
}

/// All children, in an order in which nothing waits for what comes later: accounts and configuration before the pods
/// that use them, shards before the edges that link to them. Tells whether anything was written.
pub(crate) async fn apply(
    context: &Context,
    world: &World,
    children: Children,
) -> Result<bool, ApplyError> {
    let mut written = each(context, &world.accounts, children.accounts).await?;
    written |= each(context, &world.configs, children.configs).await?;
    written |= each(context, &world.services, children.services).await?;
    let budget = children.budget.is_some();
    written |= each(
        context,
        &world.budgets,
        children.budget.into_iter().collect(),
    )
    .await?;
    written |= one(context, world.shards.as_deref(), children.shards).await?;
    let owner = children.edges.uid_of_owner();
    written |= one(context, world.edges.as_deref(), children.edges).await?;
    // the only kind that a cluster may have or not have
    if !budget {
        prune(context, &world.budgets, owner.as_deref()).await?;
    }
    Ok(written)
}

async fn each<K: Child>(
    context: &Context,
    live: &[Arc<K>],
    wanted: Vec<K>,
) -> Result<bool, ApplyError> {
    let mut written = false;
    for object in wanted {
        let found = live
            .iter()
            .find(|live| live.name_any() == object.name_any());
        written |= one(context, found.map(Arc::as_ref), object).await?;
    }
    Ok(written)
}

async fn one<K: Child>(context: &Context, live: Option<&K>, wanted: K) -> Result<bool, ApplyError> {
    let name = wanted.name_any();
    let owner = wanted.uid_of_owner();
    if let Some(live) = live.filter(|live| live.uid_of_owner() != owner) {
        return Err(stranger(live, &wanted));
    }
    let wanted = stamped(wanted)?;
    if unchanged(live, &wanted)? {
        context.metrics.apply_skipped.inc();
        return Ok(false);
    }
    // what nobody has seen yet is not taken from whoever may own it by that name
    let params = PatchParams {
        force: live.is_some(),
        ..PatchParams::apply(FIELD_MANAGER)
    };
    let namespace = wanted.namespace().unwrap_or_default();
    let api: Api<K> = Api::namespaced(context.client.clone(), &namespace);
    let answer = context
        .calls
        .run(
            "patch",
            K::KIND,
            api.patch(&name, &params, &Patch::Apply(&wanted)),
        )
        .await;
    match answer {
        Ok(_) => {
            tracing::info!(kind = K::KIND, name, namespace, "applied");
            context.metrics.applied.inc();
            Ok(true)
        }
        Err(error) if error.is_conflict() && live.is_none() => Err(ApplyError::NotOurs {
            kind: K::KIND,
            name,
        }),
        Err(source) if source.is_refusal() => Err(ApplyError::Refused {
            kind: K::KIND,
            name,
            source,
        }),
        Err(source) => Err(ApplyError::Call {
            kind: K::KIND,
            name,
            source,
        }),
    }
}

/// A cluster made anew under its old name finds children of its predecessor, which the garbage collector takes away.
fn stranger<K: Child>(live: &K, wanted: &K) -> ApplyError {
    let (kind, name) = (K::KIND, live.name_any());
    let owner = |object: &K| object.controller().map(|owner| (owner.kind, owner.name));
    if owner(live).is_some() && owner(live) == owner(wanted) {
        ApplyError::StillThere { kind, name }
    } else {
        ApplyError::NotOurs { kind, name }
    }
}

/// Deletes what is ours by owner; never what only looks like it.
async fn prune<K: Child>(
    context: &Context,
    live: &[Arc<K>],
    owner: Option<&str>,
) -> Result<(), ApplyError> {
    for object in live
        .iter()
        .filter(|object| owner.is_some() && object.uid_of_owner().as_deref() == owner)
    {
        let name = object.name_any();
        let api: Api<K> = Api::namespaced(
            context.client.clone(),
            &object.namespace().unwrap_or_default(),
        );
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: object.uid(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        match context
            .calls
            .run("delete", K::KIND, api.delete(&name, &params))
            .await
        {
            Ok(_) => {
                tracing::info!(kind = K::KIND, name, "pruned");
                context.metrics.pruned.inc();
            }
            Err(error) if error.is_not_found() || error.is_conflict() => {}
            Err(source) => {
                return Err(ApplyError::Call {
                    kind: K::KIND,
                    name,
                    source,
                });
            }
        }
    }
    Ok(())
}

fn stamped<K: Child>(mut wanted: K) -> Result<K, ApplyError> {
    let text = json(&wanted)?.to_string();
    wanted
        .annotations_mut()
        .insert(APPLIED.into(), fingerprint(&text));
    Ok(wanted)
}

/// Nothing wanted was added, changed or taken out, and nobody else touched it.
fn unchanged<K: Child>(live: Option<&K>, wanted: &K) -> Result<bool, ApplyError> {
    let Some(live) = live else { return Ok(false) };
    Ok(
        live.annotations().get(APPLIED) == wanted.annotations().get(APPLIED)
            && covers(&json(wanted)?, &json(live)?),
    )
}

fn json<K: Child>(object: &K) -> Result<Value, ApplyError> {
    serde_json::to_value(object).map_err(|source| ApplyError::Json {
        kind: K::KIND,
        source,
    })
}

/// The controlling owner.
trait Owned {
    fn controller(&self) -> Option<OwnerReference>;

    fn uid_of_owner(&self) -> Option<String> {
        self.controller().map(|owner| owner.uid)
    }
}

impl<K: Resource> Owned for K {
    fn controller(&self) -> Option<OwnerReference> {
        let owners = self.meta().owner_references.as_ref()?;
        owners
            .iter()
            .find(|owner| owner.controller == Some(true))
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::build::{build, fixtures};
    use super::*;
    use k8s_openapi::api::core::v1::Service;

    fn service() -> Service {
        stamped(build(&fixtures::valid("full")).unwrap().services.remove(1)).unwrap()
    }

    /// With what the API server and other controllers add.
    fn served(mut service: Service) -> Service {
        let spec = service.spec.as_mut().unwrap();
        spec.cluster_ip = Some("10.0.0.1".into());
        spec.session_affinity = Some("None".into());
        spec.ports.as_mut().unwrap()[0].node_port = Some(30_000);
        service
            .annotations_mut()
            .insert("balancer.example.com/id".into(), "7".into());
        service
    }

    #[test]
    fn what_is_as_wanted_is_left_alone() {
        assert!(unchanged(Some(&served(service())), &service()).unwrap());
        assert!(!unchanged(None, &service()).unwrap());
    }

    #[test]
    fn drift_is_seen() {
        let mut live = served(service());
        live.spec.as_mut().unwrap().external_traffic_policy = Some("Cluster".into());
        assert!(!unchanged(Some(&live), &service()).unwrap());
    }

    #[test]
    fn what_is_no_longer_wanted_is_seen() {
        let mut before = build(&fixtures::valid("full")).unwrap().services.remove(1);
        before.annotations_mut().insert("old".into(), "x".into());
        assert!(!unchanged(Some(&served(stamped(before).unwrap())), &service()).unwrap());
    }

    #[test]
    fn owners_are_told_by_uid() {
        assert_eq!(service().uid_of_owner().as_deref(), Some("5c1d-uid"));
        assert_eq!(Service::default().uid_of_owner(), None);
    }
}
