//! Asks edges and shards how they are.

mod http;
mod reading;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use herdgate_admission::progress::Progress;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use tokio::time::timeout;

use super::build::ADMIN_PORT;
use super::context::Context;
use super::names::{Names, Tier};
use super::pods;

pub(crate) use http::Posted;
pub(crate) use reading::{Reading, Role};

/// A pod that is busy with a herd answers late; one that is gone not at all, and the others should not wait for it.
const TIMEOUT: Duration = Duration::from_millis(800);
/// Pods asked at a time: a hundred pods are asked within a few timeouts even if none answers.
const AT_A_TIME: usize = 32;

/// By uid of the pod; `None` for those that did not answer.
pub(crate) async fn observe(
    context: &Context,
    pods: &[Arc<Pod>],
) -> Vec<(String, Option<Reading>)> {
    let asked = pods
        .iter()
        .filter_map(|pod| Some((pod.uid()?, address(pod)?)));
    let questions =
        stream::iter(asked.collect::<Vec<_>>()).map(|(uid, address)| ask(context, uid, address));
    questions.buffer_unordered(AT_A_TIME).collect().await
}

/// Of pods that run; others have nothing to tell.
fn address(pod: &Pod) -> Option<IpAddr> {
    let status = pod.status.as_ref()?;
    let runs =
        status.phase.as_deref() == Some("Running") && pod.metadata.deletion_timestamp.is_none();
    status.pod_ip.as_deref().filter(|_| runs)?.parse().ok()
}

async fn ask(context: &Context, uid: String, address: IpAddr) -> (String, Option<Reading>) {
    let answer = timeout(TIMEOUT, http::get((address, ADMIN_PORT).into(), "/status")).await;
    let reading = match answer {
        Ok(Ok(body)) => serde_json::from_slice(&body)
            .map_err(|error| tracing::debug!(%address, %error, "odd status"))
            .ok(),
        Ok(Err(error)) => {
            tracing::debug!(%address, %error, "no status");
            None
        }
        Err(_) => None,
    };
    if reading.is_none() {
        context.metrics.unreachable_pods.inc();
    }
    (uid, reading)
}

/// What each edge tells of its reopening; those that do not answer are left out.
pub(crate) async fn progress(context: &Context, pods: &[Arc<Pod>], names: &Names) -> Vec<Progress> {
    let edges: Vec<IpAddr> = pods::of_tier(pods, names, Tier::Edge)
        .filter_map(address)
        .collect();
    let questions = stream::iter(edges).map(|address| async move {
        let answer = timeout(
            TIMEOUT,
            http::get((address, ADMIN_PORT).into(), "/reopening"),
        )
        .await;
        let progress = answer.ok().and_then(Result::ok);
        let progress = progress.and_then(|body| serde_json::from_slice(&body).ok());
        if progress.is_none() {
            context.metrics.unreachable_pods.inc();
        }
        progress
    });
    let told = questions.buffer_unordered(AT_A_TIME);
    told.filter_map(async |progress| progress).collect().await
}

/// What the first edge answers that does.
pub(crate) async fn post(
    pods: &[Arc<Pod>],
    names: &Names,
    path: &str,
    token: &str,
    body: &[u8],
) -> Option<Posted> {
    for address in pods::of_tier(pods, names, Tier::Edge).filter_map(address) {
        let asked = http::post((address, ADMIN_PORT).into(), path, token, body);
        match timeout(TIMEOUT, asked).await {
            Ok(Ok(posted)) => return Some(posted),
            Ok(Err(error)) => tracing::warn!(%address, %error, "edge not steered"),
            Err(_) => tracing::warn!(%address, "edge did not answer in time"),
        }
    }
    None
}
