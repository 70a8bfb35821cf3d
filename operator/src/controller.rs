//! Watches, caches and the controller over them: one set for each namespace watched, or one for all.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _, future};
use herdgate_crds::{MqttCluster, Reopening};
use k8s_openapi::api::core::v1::Pod;
use kube::core::{DeserializeGuard, NamespaceResourceScope};
use kube::runtime::controller::{Config, Controller, Error};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{PredicateConfig, WatchStreamExt as _, predicates, watcher};
use kube::{Api, Client, Resource, ResourceExt as _};
use prometheus_client::metrics::counter::Counter;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::admin::Readiness;
use crate::backoff;
use crate::cluster::{CLUSTER_LABEL, Caches, Context, MANAGED_BY, Scope, on_error, reconcile};
use crate::fill::Filling;

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
    let filling = Filling::new();
    // a set and not loose tasks: whoever drops this future ends them too
    let mut controllers = JoinSet::new();
    for scope in &scopes {
        controllers.spawn(start(&context, scope.as_deref(), &filling, &stop));
    }
    tokio::spawn(async move {
        filling.done().await;
        tracing::info!("caches filled");
        ready.set(true);
    });
    controllers.join_all().await;
}

fn start(
    context: &Arc<Context>,
    namespace: Option<&str>,
    filling: &Filling,
    stop: &CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let source = Source {
        client: &context.client,
        namespace,
        errors: &context.metrics.watch_errors,
        filling,
    };
    let (clusters, cluster_stream) = source.watch::<Guarded>(watcher::Config::default());
    let (accounts, account_stream) = source.watch(ours());
    let (configs, config_stream) = source.watch(ours());
    let (services, service_stream) = source.watch(ours());
    let (budgets, budget_stream) = source.watch(ours());
    let (shards, shard_stream) = source.watch(ours());
    let (edges, edge_stream) = source.watch(ours());
    let (pods, pod_stream) = source.watch(ours());
    let (reopenings, reopening_stream) = source.watch::<DeserializeGuard<Reopening>>(ours());
    let caches = Caches {
        clusters: clusters.clone(),
        accounts,
        configs,
        services,
        budgets,
        shards,
        edges,
        pods,
        reopenings,
    };
    let scope = Arc::new(Scope::new(Arc::clone(context), caches));

    // our own status writes are no news to us
    let changed =
        cluster_stream.predicate_filter(predicates::generation, PredicateConfig::default());
    // nor are those of records; what people write there are annotations
    let steered =
        reopening_stream.predicate_filter(predicates::annotations, PredicateConfig::default());
    let controller = Controller::for_stream(changed, clusters)
        .owns_stream(account_stream)
        .owns_stream(config_stream)
        .owns_stream(service_stream)
        .owns_stream(budget_stream)
        .owns_stream(shard_stream)
        .owns_stream(edge_stream)
        .owns_stream(steered)
        .watches_stream(pod_stream, |pod| cluster_of(&pod))
        .with_config(
            Config::default()
                .concurrency(CONCURRENCY)
                .debounce(DEBOUNCE),
        )
        .graceful_shutdown_on(stop.clone().cancelled_owned());
    work(controller, scope, filling.clone())
}

async fn work(controller: Controller<Guarded>, scope: Arc<Scope>, filling: Filling) {
    // a pass over half-filled caches would take what is there for missing
    let gate = move |object, scope: Arc<Scope>| {
        let filling = filling.clone();
        async move {
            filling.done().await;
            reconcile(object, scope).await
        }
    };
    controller
        .run(gate, on_error, scope)
        .for_each(async |result| report(result))
        .await;
}

fn ours() -> watcher::Config {
    watcher::Config::default().labels(&format!("{}={}", MANAGED_BY.0, MANAGED_BY.1))
}

/// Where objects are watched.
struct Source<'a> {
    client: &'a Client,
    namespace: Option<&'a str>,
    errors: &'a Counter,
    filling: &'a Filling,
}

impl Source<'_> {
    /// A cache, and the stream that fills it and tells of each object that came, changed or went.
    ///
    /// No error leaves it: the controller rests all of its streams after an error of one, and after an outage of the
    /// API server nine watches that fail one behind the other would keep it blind for minutes. Each waits for itself.
    fn watch<K>(
        &self,
        config: watcher::Config,
    ) -> (
        Store<K>,
        impl Stream<Item = Result<K, watcher::Error>> + Send + use<K>,
    )
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let (reader, writer) = reflector::store();
        let (errors, mut part) = (self.errors.clone(), self.filling.part());
        let stream = watcher(self.api::<K>(), config)
            .modify(|object| object.managed_fields_mut().clear())
            .backoff(backoff::of_watch())
            .reflect(writer)
            .inspect(move |result| match result {
                Ok(watcher::Event::InitDone) => part.listed(),
                Ok(_) => {}
                Err(error) => {
                    errors.inc();
                    tracing::warn!(kind = %K::kind(&()), %error, "watch failed");
                }
            })
            .touched_objects()
            .filter(|result| future::ready(result.is_ok()));
        (reader, stream)
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;

    /// Where nobody listens any more.
    fn dead_server() -> kube::Config {
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap();
        kube::Config::new(format!("http://{address}").parse().unwrap())
    }

    #[tokio::test]
    async fn a_watch_that_fails_tells_the_controller_nothing() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::try_from(dead_server()).unwrap();
        let (errors, filling) = (Counter::default(), Filling::new());
        let source = Source {
            client: &client,
            namespace: None,
            errors: &errors,
            filling: &filling,
        };
        let (_, stream) = source.watch::<ConfigMap>(ours());
        let mut stream = std::pin::pin!(stream);
        let failed_twice = async {
            while errors.get() < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            item = stream.next() => panic!("{item:?}"),
            () = failed_twice => {}
            () = tokio::time::sleep(Duration::from_secs(20)) => panic!("it never fails twice"),
        }
    }
}
