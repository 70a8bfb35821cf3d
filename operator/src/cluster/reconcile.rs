//! One pass over one cluster.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use herdgate_crds::{MqttCluster, MqttClusterStatus};
use k8s_openapi::jiff::Timestamp;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use kube::{Resource as _, ResourceExt as _};
use tokio::time::Instant;

use super::context::Scope;
use super::dereference::{World, world};
use super::error::Error;
use super::failing;
use super::names::Names;
use super::observe::{Reading, observe};
use super::reopening::{self, Look};
use super::status::{self, Due, Seen, TierSeen, troubles};
use super::tell::{tell, unreadable};
use super::validate::ValidatedCluster;
use super::work::{Done, Outcome, work};

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
            Ok(cluster) => Box::pin(pass(&scope, cluster, &uid)).await,
            Err(invalid) => {
                let wait = unreadable(&scope, &invalid.metadata, &uid, invalid.error.clone()).await;
                Action::requeue(wait)
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
    let known = cluster.status.clone().unwrap_or_default();
    let before = memory.last_status(Instant::now(), known).1;
    let handled = before.reopen_handled.as_deref();
    let reopened = Box::pin(reopening::reopen(scope, &names, &world, cluster, handled)).await;
    let handled = match reopened {
        Ok(handled) => handled,
        Err(error) => {
            tracing::warn!(cluster = names.cluster, %error, "reopening not asked for");
            before.reopen_handled.clone()
        }
    };
    let seen = Seen {
        reopen_handled: handled,
        ..gather(cluster, names.clone(), &world, &done, &readings, before)
    };
    let told = tell(scope, cluster, &seen, &mut memory).await;
    let look = Look {
        scope,
        cluster,
        names: &names,
        world: &world,
        readings: &readings,
        valid: done.valid.as_ref(),
    };
    if let Err(error) = Box::pin(reopening::keep(&look, &mut memory)).await {
        // the next pass tries again, a second later while it goes on
        tracing::warn!(cluster = names.cluster, %error, "reopening not recorded");
    }
    let looked = next_look(&seen, *told.as_ref().unwrap_or(&Due::Never));
    let wait = match (done.outcome, told) {
        (Outcome::Failed(error), _) => failing::note(scope, &cluster.metadata, &mut memory, &error),
        (Outcome::Well, Err(error)) => {
            failing::note(scope, &cluster.metadata, &mut memory, &Error::Call(error))
        }
        (Outcome::Well, Ok(_)) => {
            memory.failures = 0;
            looked
        }
        (Outcome::Stuck(_), _) => looked,
    };
    scope.remember(uid, memory).await;
    Action::requeue(wait.min(looked))
}

fn gather(
    cluster: &MqttCluster,
    names: Names,
    world: &World,
    done: &Done,
    readings: &[Reading],
    before: MqttClusterStatus,
) -> Seen {
    let spec = &cluster.spec;
    let now = Timestamp::now();
    let service = world
        .services
        .iter()
        .find(|service| service.name_any() == names.clients())
        .map(Arc::as_ref);
    let endpoints = |valid: &ValidatedCluster| status::endpoints(valid, service);
    Seen {
        generation: cluster.metadata.generation,
        paused: spec.paused,
        just_applied: done.written,
        failure: done.outcome.failure(),
        missing_secrets: done.missing_secrets.clone(),
        edge: TierSeen::edges(spec.edge.replicas, world.edges.as_deref()),
        shard: TierSeen::shards(spec.shards.replicas, world.shards.as_deref()),
        troubles: troubles(&world.pods, now),
        clients: status::clients(readings),
        gate: status::gate(readings),
        client_address: status::client_address(readings),
        address: status::address(spec.exposure.type_, service, &before, now),
        // what runs goes on while somebody repairs the object
        reopen_handled: None,
        endpoints: done.valid.as_ref().map_or(before.endpoints, endpoints),
        names,
    }
}

fn next_look(seen: &Seen, due: Due) -> Duration {
    let open = seen
        .gate
        .as_ref()
        .is_some_and(|gate| matches!(&*gate.mode, "Open" | "Closed") || gate.level >= gate.slices);
    let quiet =
        seen.edge.is_rolled_out() && seen.shard.is_rolled_out() && open && !seen.just_applied;
    let look = if quiet { LOOK } else { LOOK_WHILE_MOVING };
    match due {
        Due::In(wait) => look.min(wait),
        Due::Never | Due::Now => look,
    }
}
