//! Watches, caches and the controller over them: one set for each namespace watched, or one for all.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::{Stream, StreamExt as _};
use herdgate_crds::MqttCluster;
use k8s_openapi::api::core::v1::Pod;
use kube::core::DeserializeGuard;
use kube::runtime::controller::{Config, Controller, Error};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{PredicateConfig, WatchStreamExt as _, predicates, watcher};
use kube::{Api, Client, Resource, ResourceExt as _};
use prometheus_client::metrics::counter::Counter;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::admin::Readiness;
use crate::cluster::{CLUSTER_LABEL, Caches, Context, MANAGED_BY, Scope, on_error, reconcile};

/// Clusters worked on at a time in one scope; a pass waits for the network most of its time.
const CONCURRENCY: u16 = 8;
/// Events of one moment make one pass.
const DEBOUNCE: Duration = Duration::from_millis(250);

type Guarded = DeserializeGuard<MqttCluster>;

/// Until `stop`; passes that run are finished.
pub(crate) async fn run(
    context: Arc<Context>,
    namespaces: Vec<String>,
    ready: Readiness,
    stop: CancellationToken,
) {
    ready.set(false);
    let scopes: Vec<Option<String>> = if namespaces.is_empty() {
        vec![None]
    } else {
        namespaces.into_iter().map(Some).collect()
    };
    let mut filled = Vec::new();
    let mut controllers = Vec::new();
    for scope in scopes {
        let (caches, controller) = start(&context, scope.as_deref(), &stop);
        filled.push(caches);
        controllers.push(tokio::spawn(controller));
    }
    tokio::spawn(async move {
        let all = join_all(filled.iter().map(Caches::filled)).await;
        if all.into_iter().all(|filled| filled) {
            tracing::info!("caches filled");
            ready.set(true);
        }
    });
    join_all(controllers).await;
}

fn start(
    context: &Arc<Context>,
    namespace: Option<&str>,
    stop: &CancellationToken,
) -> (Caches, impl Future<Output = ()> + use<>) {
    let client = &context.client;
    let errors = &context.metrics.watch_errors;
    let (clusters, cluster_stream) =
        watch::<Guarded>(api(client, namespace), watcher::Config::default(), errors);
    let (accounts, account_stream) = watch(api(client, namespace), ours(), errors);
    let (configs, config_stream) = watch(api(client, namespace), ours(), errors);
    let (services, service_stream) = watch(api(client, namespace), ours(), errors);
    let (budgets, budget_stream) = watch(api(client, namespace), ours(), errors);
    let (shards, shard_stream) = watch(api(client, namespace), ours(), errors);
    let (edges, edge_stream) = watch(api(client, namespace), ours(), errors);
    let (pods, pod_stream) = watch(api(client, namespace), ours(), errors);
    let caches = Caches {
        clusters: clusters.clone(),
        accounts,
        configs,
        services,
        budgets,
        shards,
        edges,
        pods,
    };
    let scope = Arc::new(Scope::new(Arc::clone(context), caches.clone()));
    let filled = caches.clone();

    // our own status writes are no news to us
    let changed =
        cluster_stream.predicate_filter(predicates::generation, PredicateConfig::default());
    let controller = Controller::for_stream(changed, clusters)
        .owns_stream(account_stream)
        .owns_stream(config_stream)
        .owns_stream(service_stream)
        .owns_stream(budget_stream)
        .owns_stream(shard_stream)
        .owns_stream(edge_stream)
        .watches_stream(pod_stream, |pod| cluster_of(&pod))
        .with_config(
            Config::default()
                .concurrency(CONCURRENCY)
                .debounce(DEBOUNCE),
        )
        .graceful_shutdown_on(stop.clone().cancelled_owned());
    let run = async move {
        // a pass over half-filled caches would take what is there for missing
        let gate = move |object, scope: Arc<Scope>| {
            let filled = filled.clone();
            async move {
                filled.filled().await;
                reconcile(object, scope).await
            }
        };
        controller
            .run(gate, on_error, scope)
            .for_each(async |result| report(result))
            .await;
    };
    (caches, run)
}

fn api<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

fn ours() -> watcher::Config {
    watcher::Config::default().labels(&format!("{}={}", MANAGED_BY.0, MANAGED_BY.1))
}

/// A cache, and the stream that fills it and tells of each object that came, changed or went.
fn watch<K>(
    api: Api<K>,
    config: watcher::Config,
    errors: &Counter,
) -> (
    Store<K>,
    impl Stream<Item = Result<K, watcher::Error>> + Send + use<K>,
)
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let (reader, writer) = reflector::store();
    let errors = errors.clone();
    let stream = watcher(api, config)
        .modify(|object| object.managed_fields_mut().clear())
        .default_backoff()
        .reflect(writer)
        .touched_objects()
        .inspect(move |result| {
            if let Err(error) = result {
                errors.inc();
                tracing::warn!(kind = %K::kind(&()), %error, "watch failed");
            }
        });
    (reader, stream)
}

fn cluster_of(pod: &Pod) -> Option<ObjectRef<Guarded>> {
    let name = pod.labels().get(CLUSTER_LABEL)?;
    Some(ObjectRef::new(name).within(&pod.namespace()?))
}

type Ended<E> =
    Result<(ObjectRef<Guarded>, kube::runtime::controller::Action), Error<E, watcher::Error>>;

/// Watches tell their failures themselves, and a cluster that went while its pass was due is no failure.
fn report<E: std::error::Error>(result: Ended<E>) {
    match result {
        Ok(_) | Err(Error::ObjectNotFound(_) | Error::QueueError(_)) => {}
        Err(error) => tracing::error!(%error, "controller failed"),
    }
}
