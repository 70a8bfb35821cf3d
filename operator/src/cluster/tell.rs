//! Tells how a cluster is: status and events.

use std::time::Duration;

use herdgate_crds::{MqttCluster, MqttClusterStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource as _};
use serde_json::json;
use tokio::time::Instant;

use super::context::Scope;
use super::error::Error;
use super::failing;
use super::memory::Memory;
use super::status::{self, Due, Seen, due};
use crate::FIELD_MANAGER;
use crate::calls::CallError;

/// Writes the status if it is worth a write, and events with it.
pub(super) async fn tell(
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

/// The schema lets nothing through that cannot be read, unless it is not the one that belongs to this operator.
pub(super) async fn unreadable(
    scope: &Scope,
    metadata: &ObjectMeta,
    uid: &str,
    text: String,
) -> Duration {
    let mut memory = scope.recall(uid).await;
    let error = Error::Unreadable(text);
    let name = metadata.name.clone().unwrap_or_default();
    let before = memory
        .written
        .clone()
        .map(|(_, status)| status)
        .unwrap_or_default();
    let seen = Seen {
        failure: Some(error.failure()),
        endpoints: before.endpoints.clone(),
        ..Seen::nothing(metadata)
    };
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
    let wait = failing::note(scope, metadata, &mut memory, &error);
    scope.remember(uid, memory).await;
    wait
}
