//! Writes children, and only those that are not as they should be.

mod covers;
mod error;
mod owner;
mod prune;

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::build::Children;
use super::context::Context;
use super::dereference::World;
use super::hash::fingerprint;
use crate::FIELD_MANAGER;
use covers::covers;
pub(crate) use error::ApplyError;
use owner::Owned as _;

/// Annotation of children: fingerprint of the object as it was applied last. Tells what was taken out of the wanted
/// object since, which a look at the live one cannot.
const APPLIED: &str = "herdgate.io/applied";

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

/// Longest time for an object of ours to reach our caches, clocks that differ included.
const CACHES_LAG: SignedDuration = SignedDuration::from_secs(30);

/// Whether the API server is only asked what it would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Rehearsal,
    Write,
}

/// What came of an attempt; of several the gravest counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    None,
    Made,
    /// Written, and yet not there in the answer: the next pass would write it again.
    NotKept {
        kind: &'static str,
        name: String,
    },
}

/// Whether anything is to be written. Before the first write the API server judges all of it, so that a cluster with
/// one impossible child keeps the others as they are.
pub(crate) async fn rehearse(
    context: &Context,
    world: &World,
    children: &Children,
) -> Result<bool, ApplyError> {
    let change = all(context, world, children, Mode::Rehearsal).await?;
    Ok(change != Change::None)
}

/// Writes what is not as it should be. What does not stay as it was written is a failure, so that it is not written
/// again and again without a pause.
pub(crate) async fn apply(
    context: &Context,
    world: &World,
    children: &Children,
) -> Result<(), ApplyError> {
    match all(context, world, children, Mode::Write).await? {
        Change::None | Change::Made => Ok(()),
        Change::NotKept { kind, name } => Err(ApplyError::NotKept { kind, name }),
    }
}

/// Takes away what is no longer wanted: the budget is the only child that a cluster may have or not have.
pub(crate) async fn prune(
    context: &Context,
    world: &World,
    children: &Children,
) -> Result<(), ApplyError> {
    if children.budget.is_some() {
        return Ok(());
    }
    prune::each(context, &world.budgets, children.edges.uid_of_owner()).await
}

/// In an order in which nothing waits for what comes later: accounts and configuration before the pods that use them,
/// shards before the edges that link to them.
async fn all(
    context: &Context,
    world: &World,
    children: &Children,
    mode: Mode,
) -> Result<Change, ApplyError> {
    Ok([
        each(context, &world.accounts, &children.accounts, mode).await?,
        each(context, &world.configs, &children.configs, mode).await?,
        each(context, &world.services, &children.services, mode).await?,
        each(context, &world.budgets, children.budget.as_slice(), mode).await?,
        one(context, world.shards.as_deref(), &children.shards, mode).await?,
        one(context, world.edges.as_deref(), &children.edges, mode).await?,
    ]
    .into_iter()
    .max()
    .unwrap_or(Change::None))
}

async fn each<K: Child>(
    context: &Context,
    live: &[Arc<K>],
    wanted: &[K],
    mode: Mode,
) -> Result<Change, ApplyError> {
    let mut change = Change::None;
    for object in wanted {
        let found = live
            .iter()
            .find(|live| live.name_any() == object.name_any());
        change = change.max(one(context, found.map(Arc::as_ref), object, mode).await?);
    }
    Ok(change)
}

async fn one<K: Child>(
    context: &Context,
    live: Option<&K>,
    wanted: &K,
    mode: Mode,
) -> Result<Change, ApplyError> {
    if let Some(live) = live.filter(|live| live.uid_of_owner() != wanted.uid_of_owner()) {
        return Err(stranger(live, wanted));
    }
    let wanted = stamped(wanted.clone())?;
    if unchanged(live, &wanted)? {
        context.metrics.apply_skipped.inc();
        return Ok(Change::None);
    }
    let answer = send(context, live.is_some(), &wanted, mode).await?;
    if mode == Mode::Rehearsal {
        return Ok(Change::Made);
    }
    tracing::info!(kind = K::KIND, name = wanted.name_any(), "applied");
    context.metrics.applied.inc();
    kept(&answer, &wanted)
}

async fn send<K: Child>(
    context: &Context,
    known: bool,
    wanted: &K,
    mode: Mode,
) -> Result<K, ApplyError> {
    let (kind, name) = (K::KIND, wanted.name_any());
    let params = PatchParams {
        // what nobody has seen yet is not taken from whoever may own it by that name
        force: known,
        dry_run: mode == Mode::Rehearsal,
        ..PatchParams::apply(FIELD_MANAGER)
    };
    let namespace = wanted.namespace().unwrap_or_default();
    let api: Api<K> = Api::namespaced(context.client.clone(), &namespace);
    let patch = Patch::Apply(wanted);
    let call = api.patch(&name, &params, &patch);
    match context.calls.run("patch", kind, call).await {
        Ok(answer) if mode == Mode::Rehearsal && !known => {
            unseen(&answer, Timestamp::now()).map(|()| answer)
        }
        Ok(answer) => Ok(answer),
        Err(error) if error.is_conflict() && !known => Err(ApplyError::NotOurs { kind, name }),
        Err(source) if source.is_refusal() => Err(ApplyError::Refused { kind, name, source }),
        Err(source) => Err(ApplyError::Call { kind, name, source }),
    }
}

fn kept<K: Child>(answer: &K, wanted: &K) -> Result<Change, ApplyError> {
    if unchanged(Some(answer), wanted)? {
        return Ok(Change::Made);
    }
    let (kind, name) = (K::KIND, wanted.name_any());
    Ok(Change::NotKept { kind, name })
}

/// An object that is not in our caches, yet at the API server, either came a moment ago or is somebody else's: without
/// our labels it never reaches the caches.
fn unseen<K: Child>(answer: &K, now: Timestamp) -> Result<(), ApplyError> {
    let (kind, name) = (K::KIND, answer.name_any());
    // what a rehearsal would create has no version
    let exists = answer
        .resource_version()
        .is_some_and(|version| !version.is_empty());
    let made = answer.creation_timestamp().map(|time| time.0);
    if !exists {
        Ok(())
    } else if made.is_some_and(|made| now.duration_since(made) < CACHES_LAG) {
        Err(ApplyError::NotSeenYet { kind, name })
    } else {
        Err(ApplyError::NotOurs { kind, name })
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

#[cfg(test)]
mod tests {
    use super::super::build::{build, fixtures};
    use super::*;
    use k8s_openapi::api::core::v1::Service;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

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
    fn what_the_answer_lacks_was_not_kept() {
        assert_eq!(kept(&served(service()), &service()).unwrap(), Change::Made);
        let mut answer = served(service());
        answer.spec.as_mut().unwrap().load_balancer_class = None;
        let lost = kept(&answer, &service()).unwrap();
        assert!(matches!(lost, Change::NotKept { .. }) && lost > Change::Made);
    }

    #[test]
    fn what_is_there_unseen_is_new_or_somebody_elses() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut answer = service();
        answer.metadata.creation_timestamp = Some(Time(at(100)));
        assert!(unseen(&answer, at(1000)).is_ok());
        answer.metadata.resource_version = Some("7".into());
        let verdict = |second| unseen(&answer, at(second)).unwrap_err();
        assert!(matches!(verdict(129), ApplyError::NotSeenYet { .. }));
        assert!(matches!(verdict(131), ApplyError::NotOurs { .. }));
    }

    #[test]
    fn owners_are_told_by_uid() {
        assert_eq!(service().uid_of_owner().as_deref(), Some("5c1d-uid"));
        assert_eq!(Service::default().uid_of_owner(), None);
    }
}
