//! Reopenings as objects: one for each that the edges tell of, kept as its record, and steered by annotations.

mod due;
mod prune;
mod record;
mod steer;
mod timeline;
mod write;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use herdgate_admission::merge::merge;
use herdgate_admission::progress::{Phase, Progress};
use herdgate_crds::{MqttCluster, Reopening, ReopeningStatus};
use k8s_openapi::jiff::Timestamp;
use kube::Resource as _;
use tokio::time::Instant;

use super::context::Scope;
use super::dereference::World;
use super::memory::Memory;
use super::names::Names;
use super::observe::{self, Reading};
use super::validate::ValidatedCluster;
use crate::calls::CallError;
use due::Due;
pub(super) use steer::reopen;

/// What one look at one cluster's reopenings needs.
pub(super) struct Look<'a> {
    pub(super) scope: &'a Scope,
    pub(super) cluster: &'a MqttCluster,
    pub(super) names: &'a Names,
    pub(super) world: &'a World,
    pub(super) readings: &'a [Reading],
    /// `None`: the cluster is as nobody can build it, and its reopenings are kept as they are.
    pub(super) valid: Option<&'a ValidatedCluster>,
}

/// Steers, records and prunes.
pub(super) async fn keep(look: &Look<'_>, memory: &mut Memory) -> Result<(), CallError> {
    let objects = newest_first(&look.world.reopenings);
    if let Some(newest) = objects.first() {
        steer::by_annotation(look, newest).await?;
    }
    record_newest(look, &objects, memory).await?;
    if let Some(valid) = look.valid {
        let kept = usize::try_from(valid.gate.settings.reopenings_kept).unwrap_or(0);
        write::delete(look.scope, prune::surplus(&objects, kept)).await?;
    }
    Ok(())
}

async fn record_newest(
    look: &Look<'_>,
    objects: &[Arc<Reopening>],
    memory: &mut Memory,
) -> Result<(), CallError> {
    let Some(number) = number_told(look.readings) else {
        return Ok(());
    };
    let object = objects.iter().find(|object| object.spec.number == number);
    let known = memory
        .recorded(Instant::now(), number)
        .or_else(|| object.and_then(|object| object.status.clone()));
    if is_settled(known.as_ref(), number, look.readings) {
        return Ok(());
    }
    let told = observe::progress(&look.scope.context, &look.world.pods, look.names).await;
    let newest = merge(told);
    let Some(progress) = newest.filter(|newest| i64::try_from(newest.number) == Ok(number)) else {
        return Ok(());
    };
    record(look, object, known, &progress, memory).await?;
    supersede(look, objects, number).await
}

async fn record(
    look: &Look<'_>,
    object: Option<&Arc<Reopening>>,
    known: Option<ReopeningStatus>,
    progress: &Progress,
    memory: &mut Memory,
) -> Result<(), CallError> {
    let new = record::status(progress, known.as_ref(), Timestamp::now());
    let number = i64::try_from(progress.number).unwrap_or(i64::MAX);
    let since = memory.since_recorded(Instant::now(), number);
    if due::due(known.as_ref(), &new, since) == Due::Later {
        return Ok(());
    }
    let about = write::record(look, object.map(Arc::as_ref), number, &new).await?;
    for news in record::news(known.as_ref(), &new) {
        look.scope.context.recorder.tell(&about, news).await;
    }
    memory.record(Instant::now(), number, new);
    Ok(())
}

/// What another reopening put an end to will never be told of again.
async fn supersede(
    look: &Look<'_>,
    objects: &[Arc<Reopening>],
    number: i64,
) -> Result<(), CallError> {
    for object in objects {
        let status = object.status.clone().unwrap_or_default();
        if object.spec.number < number && status.result.is_none() {
            let ended = record::superseded(&status, Timestamp::now());
            write::record(look, Some(object), object.spec.number, &ended).await?;
        }
    }
    Ok(())
}

/// The number of the highest reopening that an edge tells of; `None` before the first.
fn number_told(readings: &[Reading]) -> Option<i64> {
    let numbers = readings.iter().map(|reading| reading.reopening);
    let number = numbers.max().filter(|number| *number > 0)?;
    i64::try_from(number).ok()
}

/// Its record is complete, and no edge says that it goes on: a number comes again where all that remembered it was
/// lost.
fn is_settled(known: Option<&ReopeningStatus>, number: i64, readings: &[Reading]) -> bool {
    let goes_on = |reading: &Reading| {
        i64::try_from(reading.reopening) == Ok(number)
            && matches!(reading.phase, Phase::Ramping | Phase::Holding)
    };
    known.is_some_and(|known| known.result.is_some()) && !readings.iter().any(goes_on)
}

fn newest_first(objects: &[Arc<Reopening>]) -> Vec<Arc<Reopening>> {
    let mut objects = objects.to_vec();
    objects.retain(|object| object.meta().deletion_timestamp.is_none());
    objects.sort_by_key(|object| std::cmp::Reverse(object.spec.number));
    objects
}
