//! Writes and deletes the objects.

use std::sync::Arc;

use herdgate_crds::{ClusterRef, Reopening, ReopeningSpec, ReopeningStatus};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Resource as _, ResourceExt as _};
use serde_json::json;

use super::super::context::Scope;
use super::Look;
use crate::FIELD_MANAGER;
use crate::calls::CallError;

const KIND: &str = "Reopening";
const STATUS: &str = "Reopening/status";

/// Makes the object where it is not there yet, then writes its status; what events are about.
pub(super) async fn record(
    look: &Look<'_>,
    object: Option<&Reopening>,
    number: i64,
    status: &ReopeningStatus,
) -> Result<ObjectReference, CallError> {
    let context = &look.scope.context;
    let api: Api<Reopening> = Api::namespaced(context.client.clone(), &look.names.namespace);
    let made;
    let object = if let Some(object) = object {
        object
    } else {
        made = make(look, &api, number).await?;
        &made
    };
    let body = Patch::Apply(json!({
        "apiVersion": Reopening::api_version(&()),
        "kind": Reopening::kind(&()),
        // of this very object, not of a later one with the same name
        "metadata": {"uid": object.uid()},
        "status": status,
    }));
    let (name, params) = (object.name_any(), PatchParams::apply(FIELD_MANAGER).force());
    let call = api.patch_status(&name, &params, &body);
    context.calls.run("patch", STATUS, call).await?;
    context.metrics.status_writes.inc();
    Ok(object.object_ref(&()))
}

/// One that is there already is one that the caches do not show yet.
async fn make(look: &Look<'_>, api: &Api<Reopening>, number: i64) -> Result<Reopening, CallError> {
    let calls = &look.scope.context.calls;
    let wanted = object(look, number);
    let (params, name) = (PostParams::default(), wanted.name_any());
    match calls
        .run("create", KIND, api.create(&params, &wanted))
        .await
    {
        Err(error) if error.is_conflict() => calls.run("get", KIND, api.get(&name)).await,
        made => {
            tracing::info!(name, "reopening recorded");
            made
        }
    }
}

fn object(look: &Look<'_>, number: i64) -> Reopening {
    let names = look.names;
    // not blocking the owner's deletion: that takes a right on its finalizers and buys nothing here
    let owner = look.cluster.controller_owner_ref(&()).map(|mut owner| {
        owner.block_owner_deletion = None;
        owner
    });
    Reopening {
        metadata: ObjectMeta {
            name: Some(names.reopening(number)),
            namespace: Some(names.namespace.clone()),
            labels: Some(names.labels(None)),
            owner_references: owner.map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        spec: ReopeningSpec {
            cluster_ref: ClusterRef {
                name: names.cluster.clone(),
            },
            number,
        },
        status: None,
    }
}

pub(super) async fn delete(scope: &Scope, objects: Vec<Arc<Reopening>>) -> Result<(), CallError> {
    let context = &scope.context;
    for object in objects {
        let (name, namespace) = (object.name_any(), object.namespace().unwrap_or_default());
        let api: Api<Reopening> = Api::namespaced(context.client.clone(), &namespace);
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: object.uid(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let call = api.delete(&name, &params);
        match context.calls.run("delete", KIND, call).await {
            Ok(_) => context.metrics.pruned.inc(),
            Err(error) if error.is_not_found() || error.is_conflict() => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(())
}

/// Takes the annotation off; `false`: the object has changed meanwhile, and the next pass sees how.
pub(super) async fn take_off(
    scope: &Scope,
    object: &Reopening,
    annotation: &str,
) -> Result<bool, CallError> {
    let context = &scope.context;
    let namespace = object.namespace().unwrap_or_default();
    let api: Api<Reopening> = Api::namespaced(context.client.clone(), &namespace);
    let body = Patch::Merge(json!({"metadata": {
        "resourceVersion": object.resource_version(),
        "annotations": {annotation: null},
    }}));
    let (name, params) = (object.name_any(), PatchParams::default());
    let call = api.patch(&name, &params, &body);
    match context.calls.run("patch", KIND, call).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_conflict() || error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}
