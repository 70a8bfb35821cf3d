//! What follows a failed pass: it is counted, logged, and not tried again for a while.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tokio::time::Instant;

use super::context::Scope;
use super::error::Error;
use super::hash::fingerprint;
use super::memory::{Memory, Stuck};
use crate::backoff;
use crate::metrics::FailureLabels;

/// Notes the failure and says how long to wait. Looking goes on meanwhile: a cluster that cannot be changed still
/// reopens, and people want to see it.
pub(super) fn note(
    scope: &Scope,
    metadata: &ObjectMeta,
    memory: &mut Memory,
    error: &Error,
) -> Duration {
    memory.failures = memory.failures.saturating_add(1);
    let category = error.category();
    let counts = &scope.context.metrics.failures;
    counts.get_or_create(&FailureLabels { category }).inc();
    let uid = metadata.uid.as_deref().unwrap_or_default();
    let wait = backoff::wait(memory.failures, spread(uid, memory.failures));
    memory.stuck = Some(Stuck {
        until: Instant::now() + wait,
        generation: metadata.generation,
        failure: error.failure(),
    });
    let cluster = metadata.name.as_deref().unwrap_or_default();
    let (failures, wait_seconds) = (memory.failures, wait.as_secs_f64());
    tracing::warn!(cluster, %error, failures, wait_seconds, "pass failed");
    wait
}

/// Another part of 0..1 for each object and try.
fn spread(uid: &str, failures: u32) -> f64 {
    let digits = fingerprint(&format!("{uid}/{failures}"));
    digits
        .get(..4)
        .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        .map_or(0.0, |part| f64::from(part) / 65_536.0)
}
