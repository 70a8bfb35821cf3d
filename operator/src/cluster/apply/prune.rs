use std::sync::Arc;

use kube::api::{DeleteParams, Preconditions};
use kube::{Api, ResourceExt as _};

use super::owner::Owned as _;
use super::{ApplyError, Child};
use crate::cluster::context::Context;

/// Deletes what is ours by owner; never what only looks like it.
pub(super) async fn each<K: Child>(
    context: &Context,
    live: &[Arc<K>],
    owner: Option<String>,
) -> Result<(), ApplyError> {
    for object in live
        .iter()
        .filter(|object| owner.is_some() && object.uid_of_owner() == owner)
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
