//! The part of a pass that changes the world: validate, build, apply.

use std::time::Duration;

use aws_lc_rs::rand;
use herdgate_crds::MqttCluster;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use tokio::time::Instant;

use super::apply::{ApplyError, apply};
use super::build::{TOKEN_BYTES, build, token_secret};
use super::context::Scope;
use super::dereference::{World, missing_secrets};
use super::error::Error;
use super::memory::Memory;
use super::validate::{ValidatedCluster, validate};

/// Secrets are not watched, so they are looked for now and then.
const SECRETS_EVERY: Duration = Duration::from_secs(5);

/// How far it came.
pub(crate) struct Done {
    pub(crate) valid: Option<ValidatedCluster>,
    pub(crate) missing_secrets: Vec<String>,
    pub(crate) written: bool,
    pub(crate) failure: Option<Error>,
}

/// An invalid cluster changes nothing: what runs goes on as it is.
pub(crate) async fn work(
    scope: &Scope,
    cluster: &MqttCluster,
    world: &World,
    memory: &mut Memory,
) -> Done {
    let valid = match validate(cluster) {
        Ok(valid) => valid,
        Err(problems) => {
            return Done {
                valid: None,
                missing_secrets: Vec::new(),
                written: false,
                failure: Some(problems.into()),
            };
        }
    };
    let mut done = Done {
        valid: None,
        missing_secrets: Vec::new(),
        written: false,
        failure: None,
    };
    let result = match look_for_secrets(scope, &valid, memory).await {
        Ok(missing) => {
            done.missing_secrets = missing;
            write(scope, &valid, world, &mut done, memory).await
        }
        Err(error) => Err(error),
    };
    done.failure = result.err();
    done.valid = Some(valid);
    done
}

async fn look_for_secrets(
    scope: &Scope,
    valid: &ValidatedCluster,
    memory: &mut Memory,
) -> Result<Vec<String>, Error> {
    let now = Instant::now();
    if let Some((_, missing)) = memory
        .secrets
        .as_ref()
        .filter(|(at, _)| now.duration_since(*at) < SECRETS_EVERY)
    {
        return Ok(missing.clone());
    }
    let mut wanted = valid.foreign_secrets();
    wanted.push(valid.names.link_secret());
    let missing = missing_secrets(scope, &valid.names.namespace, wanted).await?;
    memory.secrets = Some((now, missing.clone()));
    Ok(missing)
}

async fn write(
    scope: &Scope,
    valid: &ValidatedCluster,
    world: &World,
    done: &mut Done,
    memory: &mut Memory,
) -> Result<(), Error> {
    if valid.paused {
        return Ok(());
    }
    let link = valid.names.link_secret();
    if done.missing_secrets.contains(&link) {
        make_token(scope, valid).await?;
        done.missing_secrets.retain(|name| *name != link);
        memory.secrets = None;
        done.written = true;
    }
    let children = build(valid).map_err(ApplyError::from)?;
    done.written |= Box::pin(apply(&scope.context, world, children)).await?;
    Ok(())
}

/// Never replaces a token that is there: `create` refuses.
async fn make_token(scope: &Scope, valid: &ValidatedCluster) -> Result<(), Error> {
    let mut chance = [0; TOKEN_BYTES];
    rand::fill(&mut chance).map_err(|_| Error::Random)?;
    let context = &scope.context;
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &valid.names.namespace);
    let secret = token_secret(valid, chance);
    context
        .calls
        .run(
            "create",
            "Secret",
            api.create(&PostParams::default(), &secret),
        )
        .await?;
    tracing::info!(name = valid.names.link_secret(), "token made");
    Ok(())
}
