//! One pass over one cluster.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use herdgate_crds::{MqttCluster, MqttClusterStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use kube::{Api, Resource as _, ResourceExt as _};
use serde_json::json;
use tokio::time::Instant;

use super::context::Scope;
use super::dereference::{World, world};
use super::error::Error;
use super::hash::fingerprint;
use super::memory::Memory;
use super::names::Names;
use super::observe::{Reading, observe};
use super::status::{self, Due, Failure, Seen, TierSeen, due, troubles};
use super::validate::ValidatedCluster;
use super::work::{Done, work};
use crate::FIELD_MANAGER;
use crate::backoff;
use crate::calls::CallError;
use crate::metrics::FailureLabels;

/// Between two looks while something moves: a watcher sees the level on its way.
const LOOK_WHILE_MOVING: Duration = Duration::from_secs(1);
/// Between two looks otherwise.
const LOOK: Duration = Duration::from_secs(5);

type Guarded = DeserializeGuard<MqttCluster>;

/// Never fails for the controller's eyes: failures are told in the status and waited out here.
pub(crate) async fn reconcile(
    object: Arc<Guarded>,
    scope: Arc<Scope>,
) -> Result<Action, Infallible> {
    let started = Instant::now();
    let uid = object.meta().uid.clone().unwrap_or_default();
    let action = if object.meta().deletion_timestamp.is_some() {
        // children go by their owner references, with or without us
        Action::await_change()
    } else {
        match &object.0 {
            Ok(cluster) => pass(&scope, cluster, &uid).await,
            Err(invalid) => {
                unreadable(&scope, &invalid.metadata, &uid, invalid.error.clone()).await
            }
        }
    };
    scope
        .context
        .metrics
        .reconcile_seconds
        .observe(started.elapsed().as_secs_f64());
    Ok(action)
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the controller gives errors by reference"
)]
pub(crate) fn on_error(_: Arc<Guarded>, error: &Infallible, _: Arc<Scope>) -> Action {
    match *error {}
}

async fn pass(scope: &Scope, cluster: &MqttCluster, uid: &str) -> Action {
    let mut memory = scope.recall(uid).await;
    let names = Names {
        cluster: cluster.name_any(),
        namespace: cluster.namespace().unwrap_or_default(),
    };
    let world = world(scope, &names);
    let done = work(scope, cluster, &world, &mut memory).await;
    let taken = observe(&scope.context, &world.pods).await;
    let readings: Vec<Reading> = memory
        .learn(Instant::now(), taken)
        .into_iter()
        .filter_map(|(_, reading)| reading)
        .collect();
    let seen = gather(cluster, names, &world, &done, &readings);
    let told = tell(scope, cluster, &seen, &mut memory).await;
    if done.failure.is_none() {
        memory.failures = 0;
    }
    scope.remember(uid, memory).await;
    match (done.failure, told) {
        (Some(error), _) => wait_out(scope, uid, &seen.names.cluster, &error).await,
        (None, Err(error)) => wait_out(scope, uid, &seen.names.cluster, &Error::Call(error)).await,
        (None, Ok(due)) => Action::requeue(next_look(&seen, due)),
    }
}

/// The schema lets nothing through that cannot be read, unless it is not the one that belongs to this operator.
async fn unreadable(scope: &Scope, metadata: &ObjectMeta, uid: &str, text: String) -> Action {
    let mut memory = scope.recall(uid).await;
    let error = Error::Unreadable(text);
    let name = metadata.name.clone().unwrap_or_default();
    let seen = Seen {
        failure: Some(failure(&error)),
        ..Seen::nothing(metadata)
    };
    let before = memory
        .written
        .clone()
        .map(|(_, status)| status)
        .unwrap_or_default();
    let status = MqttClusterStatus {
        edge: None,
        shards: None,
        ..status::compute(&seen, &before, Timestamp::now())
    };
    if status != before {
        match write(scope, metadata, &status).await {
            Ok(()) => memory.written = Some((Instant::now(), status)),
            Err(error) => tracing::warn!(cluster = name, %error, "status lost"),
        }
    }
    scope.remember(uid, memory).await;
    wait_out(scope, uid, &name, &error).await
}

async fn wait_out(scope: &Scope, uid: &str, name: &str, error: &Error) -> Action {
    let failures = scope.memories.lock().await.failed(uid);
    scope
        .context
        .metrics
        .failures
        .get_or_create(&FailureLabels {
            category: error.category(),
        })
        .inc();
    let wait = backoff::wait(failures, spread(uid, failures));
    tracing::warn!(cluster = name, %error, failures, wait_seconds = wait.as_secs_f64(), "pass failed");
    Action::requeue(wait)
}

/// Another part of 0..1 for each object and try.
fn spread(uid: &str, failures: u32) -> f64 {
    let digits = fingerprint(&format!("{uid}/{failures}"));
    digits
        .get(..4)
        .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        .map_or(0.0, |part| f64::from(part) / 65_536.0)
}

fn failure(error: &Error) -> Failure {
    Failure {
        reason: error.reason(),
        message: error.to_string(),
        permanent: error.is_permanent(),
    }
}

fn gather(
    cluster: &MqttCluster,
    names: Names,
    world: &World,
    done: &Done,
    readings: &[Reading],
) -> Seen {
    let spec = &cluster.spec;
    let service = world
        .services
        .iter()
        .find(|service| service.name_any() == names.clients());
    let endpoints = |valid: &ValidatedCluster| status::endpoints(valid, service.map(Arc::as_ref));
    Seen {
        generation: cluster.metadata.generation,
        paused: spec.paused,
        just_applied: done.written,
        failure: done.failure.as_ref().map(failure),
        missing_secrets: done.missing_secrets.clone(),
        edge: TierSeen::edges(spec.edge.replicas, world.edges.as_deref()),
        shard: TierSeen::shards(spec.shards.replicas, world.shards.as_deref()),
        troubles: troubles(&world.pods),
        clients: status::clients(readings),
        gate: status::gate(readings),
        endpoints: done.valid.as_ref().map(endpoints).unwrap_or_default(),
        names,
    }
}

/// Writes the status if it is worth a write, and events with it.
async fn tell(
    scope: &Scope,
    cluster: &MqttCluster,
    seen: &Seen,
    memory: &mut Memory,
) -> Result<Due, CallError> {
    let now = Instant::now();
    let known = cluster.status.clone().unwrap_or_default();
    let (since, before) = memory.last_status(now, known);
    let new = status::compute(seen, &before, Timestamp::now());
    let last = memory.computed.replace(new.clone());
    let due = due(&before, last.as_ref(), &new, since);
    if due != Due::Now {
        return Ok(due);
    }
    if let Err(error) = write(scope, &cluster.metadata, &new).await {
        return if error.is_not_found() {
            Ok(Due::Never)
        } else {
            Err(error)
        };
    }
    scope.context.metrics.status_writes.inc();
    let about = cluster.object_ref(&());
    for news in status::news(&before, &new) {
        scope.context.recorder.tell(&about, news).await;
    }
    memory.written = Some((now, new));
    Ok(Due::Never)
}

async fn write(
    scope: &Scope,
    metadata: &ObjectMeta,
    status: &MqttClusterStatus,
) -> Result<(), CallError> {
    let context = &scope.context;
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let api: Api<MqttCluster> = Api::namespaced(context.client.clone(), &namespace);
    let body = Patch::Apply(json!({
        "apiVersion": MqttCluster::api_version(&()),
        "kind": MqttCluster::kind(&()),
        // of this very object, not of a later one with the same name
        "metadata": {"uid": metadata.uid},
        "status": status,
    }));
    let (name, params) = (
        metadata.name.clone().unwrap_or_default(),
        PatchParams::apply(FIELD_MANAGER).force(),
    );
    let call = api.patch_status(&name, &params, &body);
    context
        .calls
        .run("patch", "MqttCluster/status", call)
        .await
        .map(drop)
}

fn next_look(seen: &Seen, due: Due) -> Duration {
    let open = seen
        .gate
        .as_ref()
        .is_some_and(|gate| gate.mode == "Open" || gate.level >= gate.slices);
    let quiet =
        seen.edge.is_rolled_out() && seen.shard.is_rolled_out() && open && !seen.just_applied;
    let look = if quiet { LOOK } else { LOOK_WHILE_MOVING };
    match due {
        Due::In(wait) => look.min(wait),
        Due::Never | Due::Now => look,
    }
}
