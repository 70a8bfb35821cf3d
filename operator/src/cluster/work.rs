//! The part of a pass that changes the world: validate, build, apply.

use std::time::Duration;

use aws_lc_rs::rand;
use herdgate_crds::MqttCluster;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::PostParams;
use tokio::time::Instant;

use super::apply::{ApplyError, apply, prune, rehearse};
use super::build::{EdgesSeen, TOKEN_BYTES, budget_may_stand, build, token_secret};
use super::context::Scope;
use super::dereference::{SecretsSeen, World, look_for_secrets};
use super::error::Error;
use super::memory::Memory;
use super::status::Failure;
use super::validate::{ValidatedCluster, validate};

/// Secrets are not watched, so they are looked for now and then.
const SECRETS_EVERY: Duration = Duration::from_secs(30);
/// While one is missing, somebody waits for us to see it.
const MISSING_SECRETS_EVERY: Duration = Duration::from_secs(3);

/// How far it came.
pub(crate) struct Done {
    pub(crate) valid: Option<ValidatedCluster>,
    pub(crate) missing_secrets: Vec<String>,
    pub(crate) written: bool,
    pub(crate) outcome: Outcome,
}

pub(crate) enum Outcome {
    Well,
    Failed(Error),
    /// Failed before, and not tried again yet.
    Stuck(Failure),
}

impl Outcome {
    pub(crate) fn failure(&self) -> Option<Failure> {
        match self {
            Self::Well => None,
            Self::Failed(error) => Some(error.failure()),
            Self::Stuck(failure) => Some(failure.clone()),
        }
    }
}

impl Done {
    fn new(outcome: Outcome) -> Self {
        Self {
            valid: None,
            missing_secrets: Vec::new(),
            written: false,
            outcome,
        }
    }
}

/// An invalid cluster changes nothing: what runs goes on as it is.
pub(crate) async fn work(
    scope: &Scope,
    cluster: &MqttCluster,
    world: &World,
    memory: &mut Memory,
) -> Done {
    let stuck = memory.stuck(Instant::now(), cluster.metadata.generation);
    let (valid, stuck) = match (validate(cluster), stuck) {
        (Ok(valid), stuck) => (valid, stuck),
        (Err(_), Some(failure)) => return Done::new(Outcome::Stuck(failure)),
        (Err(problems), None) => return Done::new(Outcome::Failed(problems.into())),
    };
    let mut done = Done::new(Outcome::Well);
    done.outcome = match stuck {
        Some(failure) => Outcome::Stuck(failure),
        None => change(scope, &valid, world, &mut done, memory)
            .await
            .map_or_else(Outcome::Failed, |()| Outcome::Well),
    };
    done.valid = Some(valid);
    done
}

async fn change(
    scope: &Scope,
    valid: &ValidatedCluster,
    world: &World,
    done: &mut Done,
    memory: &mut Memory,
) -> Result<(), Error> {
    let seen = secrets(scope, valid, memory).await?;
    done.missing_secrets.clone_from(&seen.missing);
    write(scope, valid, world, &seen, done, memory).await
}

async fn secrets(
    scope: &Scope,
    valid: &ValidatedCluster,
    memory: &mut Memory,
) -> Result<SecretsSeen, Error> {
    let now = Instant::now();
    let mut wanted = valid.foreign_secrets();
    wanted.extend(own_secrets(valid));
    if let Some((at, names, seen)) = &memory.secrets {
        let every = if seen.missing.is_empty() {
            SECRETS_EVERY
        } else {
            MISSING_SECRETS_EVERY
        };
        if *names == wanted && now.duration_since(*at) < every {
            return Ok(seen.clone());
        }
    }
    let seen = look_for_secrets(scope, &valid.names.namespace, &valid.owner.uid, &wanted).await?;
    memory.secrets = Some((now, wanted, seen.clone()));
    Ok(seen)
}

async fn write(
    scope: &Scope,
    valid: &ValidatedCluster,
    world: &World,
    seen: &SecretsSeen,
    done: &mut Done,
    memory: &mut Memory,
) -> Result<(), Error> {
    if valid.paused {
        return Ok(());
    }
    let mut children = build(valid).map_err(ApplyError::from)?;
    if !budget_may_stand(edges_seen(valid, world), Timestamp::now()) {
        children.budget = None;
    }
    let context = &scope.context;
    let changes = match Box::pin(rehearse(context, world, &children)).await {
        Err(ApplyError::NotSeenYet { kind, name }) => {
            tracing::debug!(kind, name, "waiting for the caches");
            done.written = true;
            return Ok(());
        }
        result => result?,
    };
    for name in own_secrets(valid) {
        if seen.of_others.contains(&name) {
            memory.secrets = None;
            let kind = "Secret";
            return Err(ApplyError::StillThere { kind, name }.into());
        }
        if done.missing_secrets.contains(&name) {
            make_token(scope, valid, &name).await?;
            done.missing_secrets.retain(|missing| *missing != name);
            memory.secrets = None;
            done.written = true;
        }
    }
    if changes {
        Box::pin(apply(context, world, &children)).await?;
        done.written = true;
    }
    prune(context, world, &children).await?;
    Ok(())
}

fn edges_seen<'a>(valid: &'a ValidatedCluster, world: &'a World) -> EdgesSeen<'a> {
    EdgesSeen {
        names: &valid.names,
        wanted: valid.edge.replicas,
        deployment: world.edges.as_deref(),
        pods: &world.pods,
        protected: !world.budgets.is_empty(),
    }
}

/// Those with tokens, which are made here.
fn own_secrets(valid: &ValidatedCluster) -> [String; 2] {
    [valid.names.link_secret(), valid.names.admin_secret()]
}

/// Never replaces a token that is there: `create` refuses.
async fn make_token(scope: &Scope, valid: &ValidatedCluster, name: &str) -> Result<(), Error> {
    let mut chance = [0; TOKEN_BYTES];
    rand::fill(&mut chance).map_err(|_| Error::Random)?;
    let context = &scope.context;
    let api: Api<Secret> = Api::namespaced(context.client.clone(), &valid.names.namespace);
    let secret = token_secret(valid, name, chance);
    context
        .calls
        .run(
            "create",
            "Secret",
            api.create(&PostParams::default(), &secret),
        )
        .await?;
    tracing::info!(name, "token made");
    Ok(())
}
