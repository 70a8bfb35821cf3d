//! A cluster in Kubernetes: questions go through the API server to the pods, changes are annotations that the operator
//! acts on, so that the API server judges who may do what.

use std::fmt::Debug;

use anyhow::{Context as _, bail};
use futures::future::join_all;
use herdgate_admission::merge::merge;
use herdgate_admission::progress::{CensusPage, Explanation, Progress};
use herdgate_crds::{MqttCluster, Reopening};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use serde::de::DeserializeOwned;

use crate::args::Target;

/// Where pods serve their admin port.
const ADMIN_PORT: u16 = 9883;

/// One MqttCluster.
pub(crate) struct Cluster {
    client: Client,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Cluster {
    pub(crate) async fn open(target: &Target) -> anyhow::Result<Self> {
        // an error means that one is in place already
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = config(target).await?;
        let namespace = target
            .namespace
            .clone()
            .unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).context("failed to reach the API server")?;
        let name = match &target.cluster {
            Some(name) => name.clone(),
            None => only_cluster(&client, &namespace).await?,
        };
        Ok(Self {
            client,
            namespace,
            name,
        })
    }

    pub(crate) async fn progress(&self, path: &str) -> anyhow::Result<Progress> {
        let told: Vec<(String, Progress)> = self.ask("edge", path).await?;
        merge(told.into_iter().map(|(_, progress)| progress).collect())
            .context("no edge told of a reopening")
    }

    /// Shards keep the census; the one with most clients is the newest.
    pub(crate) async fn census(&self, path: &str) -> anyhow::Result<CensusPage> {
        let told: Vec<(String, CensusPage)> = self.ask("shard", path).await?;
        let pages = told.into_iter().map(|(_, page)| page);
        pages
            .max_by(|a, b| (&a.taken_at, a.clients).cmp(&(&b.taken_at, b.clients)))
            .context("no shard told a census")
    }

    pub(crate) async fn explain(&self, path: &str) -> anyhow::Result<Vec<(String, Explanation)>> {
        let mut told = self.ask("edge", path).await?;
        told.extend(self.ask("shard", path).await?);
        Ok(told)
    }

    pub(crate) fn clusters(&self) -> Api<MqttCluster> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) fn reopenings(&self) -> Api<Reopening> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// With the highest number.
    pub(crate) async fn newest_reopening(&self) -> anyhow::Result<Reopening> {
        let params = ListParams::default().labels(&format!("herdgate.io/cluster={}", self.name));
        let list = self.reopenings().list(&params).await;
        let list = list.context("failed to list the reopenings")?;
        list.items
            .into_iter()
            .max_by_key(|reopening| reopening.spec.number)
            .with_context(|| {
                format!(
                    "cluster {} has no reopening yet; does its operator run?",
                    self.name
                )
            })
    }

    /// What each running pod of a tier answers. Those that do not answer are left out, unless none does.
    async fn ask<T: DeserializeOwned + Debug>(
        &self,
        tier: &str,
        path: &str,
    ) -> anyhow::Result<Vec<(String, T)>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let selector = format!(
            "herdgate.io/cluster={},app.kubernetes.io/component={tier}",
            self.name
        );
        let params = ListParams::default().labels(&selector);
        let list = pods.list(&params).await;
        let pods = list.with_context(|| format!("failed to list the {tier} pods"))?;
        let names: Vec<String> = pods
            .iter()
            .filter(|pod| runs(pod))
            .map(ResourceExt::name_any)
            .collect();
        if names.is_empty() {
            bail!(
                "cluster {} has no running {tier} in namespace {}",
                self.name,
                self.namespace
            );
        }
        let answers = join_all(names.iter().map(|pod| self.ask_one(pod, path))).await;
        let (mut told, mut failed) = (Vec::new(), None);
        for (name, answer) in names.into_iter().zip(answers) {
            match answer {
                Ok(answer) => told.push((name, answer)),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if told.is_empty() => Err(error),
            _ => Ok(told),
        }
    }

    async fn ask_one<T: DeserializeOwned>(&self, pod: &str, path: &str) -> anyhow::Result<T> {
        let url = format!(
            "/api/v1/namespaces/{}/pods/{pod}:{ADMIN_PORT}/proxy{path}",
            self.namespace
        );
        let request = http::Request::get(url).body(Vec::new())?;
        self.client.request(request).await.with_context(|| {
            format!("failed to ask pod {pod}; asking takes the right to get pods/proxy")
        })
    }
}

fn runs(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    let running = status.is_some_and(|status| status.phase.as_deref() == Some("Running"));
    running && pod.metadata.deletion_timestamp.is_none()
}

async fn config(target: &Target) -> anyhow::Result<Config> {
    let options = KubeConfigOptions {
        context: target.context.clone(),
        ..KubeConfigOptions::default()
    };
    let config = match &target.kubeconfig {
        Some(file) => {
            let read = Kubeconfig::read_from(file)
                .with_context(|| format!("failed to read the kubeconfig {}", file.display()))?;
            Config::from_custom_kubeconfig(read, &options).await
        }
        None => Config::from_kubeconfig(&options).await,
    };
    config.context("failed to read the kubeconfig")
}

async fn only_cluster(client: &Client, namespace: &str) -> anyhow::Result<String> {
    let clusters: Api<MqttCluster> = Api::namespaced(client.clone(), namespace);
    let list = clusters.list_metadata(&ListParams::default()).await;
    let list = list.context("failed to list the clusters")?;
    let names: Vec<String> = list.items.iter().map(ResourceExt::name_any).collect();
    match names.as_slice() {
        [one] => Ok(one.clone()),
        [] => bail!("namespace {namespace} has no MqttCluster; name another with --namespace"),
        more => bail!(
            "namespace {namespace} has several clusters: {}; name one with --cluster",
            more.join(", ")
        ),
    }
}
