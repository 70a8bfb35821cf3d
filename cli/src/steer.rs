//! Changes: at an admin port at once, in Kubernetes by annotation.

use std::time::Duration;

use anyhow::Context as _;
pub(crate) use herdgate_admission::progress::Action;
use herdgate_admission::progress::Steer;
use herdgate_crds::{REOPEN_ANNOTATION, STEER_ANNOTATION};
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::source::{Cluster, Source};

/// An operator that runs acts within a second or two; one that does not runs later, and the wish waits for it.
const OPERATOR_WITHIN: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(crate) async fn steer(source: &Source, action: Action) -> anyhow::Result<()> {
    match source {
        Source::Admin(port) => {
            let steered = port
                .steer(Steer {
                    action,
                    level: None,
                })
                .await?;
            println!("{}: {}", steered.reopening, done(action));
            Ok(())
        }
        Source::Cluster(cluster) => annotate_reopening(cluster, action).await,
    }
}

pub(crate) async fn reopen(source: &Source) -> anyhow::Result<()> {
    match source {
        Source::Admin(_) => steer(source, Action::Reopen).await,
        Source::Cluster(cluster) => {
            let value = Timestamp::now().to_string();
            let body = json!({"metadata": {"annotations": {REOPEN_ANNOTATION: value}}});
            cluster
                .clusters()
                .patch(&cluster.name, &PatchParams::default(), &Patch::Merge(body))
                .await
                .with_context(|| format!("failed to annotate the cluster {}", cluster.name))?;
            println!(
                "{}: the operator will start a reopening; follow it with `kubectl herdgate watch`",
                cluster.name
            );
            Ok(())
        }
    }
}

async fn annotate_reopening(cluster: &Cluster, action: Action) -> anyhow::Result<()> {
    let name = cluster.newest_reopening().await?.name_any();
    let reopenings = cluster.reopenings();
    let body = json!({"metadata": {"annotations": {STEER_ANNOTATION: action.word()}}});
    let params = PatchParams::default();
    let patched = reopenings.patch(&name, &params, &Patch::Merge(body)).await;
    patched.with_context(|| format!("failed to annotate the reopening {name}"))?;
    let until = Instant::now() + OPERATOR_WITHIN;
    while Instant::now() < until {
        let reopening = reopenings.get(&name).await;
        let reopening =
            reopening.with_context(|| format!("failed to read the reopening {name}"))?;
        if !reopening.annotations().contains_key(STEER_ANNOTATION) {
            println!(
                "{name}: {} (`kubectl describe reopening {name}` tells what came of it)",
                asked(action)
            );
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
    anyhow::bail!("the operator has not acted on the annotation of {name} yet; does it run?")
}

/// What the process has done.
fn done(action: Action) -> &'static str {
    match action {
        Action::Reopen => "reopening",
        Action::Pause => "paused",
        Action::Resume => "goes on",
        Action::Skip => "skipped to the end of the range",
        Action::Stop => "all slices open",
        Action::Advance => "advanced",
    }
}

/// What the operator has handed on.
fn asked(action: Action) -> String {
    format!("{} handed to the edges", action.word())
}
