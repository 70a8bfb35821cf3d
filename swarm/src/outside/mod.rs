//! Clients beside the fleet, on a thread of their own: a fleet that is busy does not delay them.

mod cloud;
mod peer;
mod probe;
mod samples;

use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tokio::sync::{oneshot, watch};

use crate::scenario::{CloudPlan, ProbePlan};

pub(crate) use peer::Door;
pub(crate) use samples::Latencies;

/// Part of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    BringUp,
    /// All are up, and nothing happens.
    Idle,
    /// From the restart until all are back.
    Ramp,
    Over,
}

/// What a settled client felt.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProbeReport {
    /// Before the restart.
    pub(crate) idle: Latencies,
    /// From its own return until all were back.
    pub(crate) ramp: Latencies,
    /// From the restart to its own return; absent when it kept its connection or did not return.
    pub(crate) seconds_to_return: Option<f64>,
    /// Times that it lost its connection after its return.
    pub(crate) drops: u32,
    /// Messages of others since the restart.
    pub(crate) telemetry_received: u64,
}

/// What the backend client did since the restart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloudReport {
    pub(crate) reconnects_seen: u64,
    pub(crate) commands_sent: u64,
    pub(crate) commands_acknowledged: u64,
    pub(crate) drops: u32,
}

/// Both reports, of those that ran.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reports {
    pub(crate) probe: Option<ProbeReport>,
    pub(crate) cloud: Option<CloudReport>,
}

/// A running thread; it ends with the value.
#[derive(Debug)]
pub(crate) struct Outside {
    stage: watch::Sender<Stage>,
    reports: oneshot::Receiver<Reports>,
}

/// A thread that is told to end does so within this.
const END_PATIENCE: Duration = Duration::from_secs(5);

impl Outside {
    pub(crate) fn start(
        door: Door,
        probe: Option<ProbePlan>,
        cloud: Option<CloudPlan>,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("failed to start a runtime")?;
        let (stage, stages) = watch::channel(Stage::BringUp);
        let (answer, reports) = oneshot::channel();
        std::thread::Builder::new()
            .name("outside".into())
            .spawn(move || {
                let found = runtime.block_on(async {
                    let probe =
                        optional(probe.map(|plan| probe::run(door.clone(), plan, stages.clone())));
                    let cloud =
                        optional(cloud.map(|plan| cloud::run(door.clone(), plan, stages.clone())));
                    let (probe, cloud) = tokio::join!(probe, cloud);
                    Reports { probe, cloud }
                });
                // nobody asks any more when the fleet is gone
                _ = answer.send(found);
            })
            .context("failed to start a thread")?;
        Ok(Self { stage, reports })
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.send_replace(stage);
    }

    /// Ends the clients.
    pub(crate) async fn finish(self) -> anyhow::Result<Reports> {
        drop(self.stage);
        tokio::time::timeout(END_PATIENCE, self.reports)
            .await
            .context("failed to end the clients beside the fleet in time")?
            .context("failed to hear of the clients beside the fleet")
    }
}

async fn optional<T>(future: Option<impl Future<Output = T>>) -> Option<T> {
    match future {
        Some(future) => Some(future.await),
        None => None,
    }
}

/// Ends when the fleet lets go of its end.
async fn over(stages: &mut watch::Receiver<Stage>) {
    while stages.changed().await.is_ok() {}
}

/// Another stage than `known`, once there is one; never comes when the fleet is gone.
async fn other_stage(stages: &mut watch::Receiver<Stage>, known: Stage) -> Stage {
    match stages.wait_for(|stage| *stage != known).await {
        Ok(stage) => *stage,
        Err(_) => std::future::pending().await,
    }
}
