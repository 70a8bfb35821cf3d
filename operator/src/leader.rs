//! One operator works at a time: whoever holds the Lease. Who loses it must end, since another may work already.
//!
//! The Lease itself is part of the installation: it goes when that goes, and nobody needs the right to make Leases.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::calls::{CallError, Calls};

/// After so long without renewal others may take the Lease.
pub(crate) const DURATION: Duration = Duration::from_secs(15);
/// A holder that could not renew for so long stops; less than `DURATION`, so that two never work at once.
pub(crate) const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// Between two tries.
const PERIOD: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
pub(crate) enum LeaseLost {
    #[error("the lease is held by '{0}'")]
    Taken(String),
    #[error("the lease was not renewed for {} s", RENEW_DEADLINE.as_secs())]
    NotRenewed,
}

/// Which Lease, and who sits down on it.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    namespace: String,
    name: String,
    me: String,
}

impl Seat {
    pub(crate) fn new(namespace: String, name: String, me: String) -> Self {
        Self {
            namespace,
            name,
            me,
        }
    }
}

pub(crate) struct Leader {
    seat: Seat,
    api: Api<Lease>,
    calls: Calls,
}

impl Leader {
    /// Waits until the Lease is ours; `None` when told to stop before.
    pub(crate) async fn wait(
        seat: Seat,
        client: Client,
        calls: Calls,
        stop: &CancellationToken,
    ) -> Option<Self> {
        let api = Api::namespaced(client, &seat.namespace);
        let leader = Self { seat, api, calls };
        let mut seen = Seen::default();
        loop {
            match leader.attempt(&mut seen).await {
                Ok(Attempt::Held) => {
                    tracing::info!(
                        lease = leader.seat.name,
                        identity = leader.seat.me,
                        "lease taken"
                    );
                    return Some(leader);
                }
                Ok(Attempt::HeldBy(holder)) => tracing::debug!(holder, "waiting for the lease"),
                Err(error) => tracing::warn!(%error, "failed to take the lease"),
            }
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// Renews until told to stop, or until the Lease is lost.
    pub(crate) async fn keep(&self, stop: &CancellationToken) -> Result<(), LeaseLost> {
        let mut seen = Seen::default();
        let mut renewed = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(PERIOD) => {}
            }
            let left = RENEW_DEADLINE.saturating_sub(renewed.elapsed());
            let started = Instant::now();
            match tokio::time::timeout(left, self.attempt(&mut seen)).await {
                Ok(Ok(Attempt::Held)) => renewed = started,
                Ok(Ok(Attempt::HeldBy(holder))) => return Err(LeaseLost::Taken(holder)),
                Ok(Err(error)) => tracing::warn!(%error, "failed to renew the lease"),
                Err(_) => return Err(LeaseLost::NotRenewed),
            }
        }
    }

    /// Leaves the Lease to whoever waits for it.
    pub(crate) async fn release(&self) {
        let Ok(mut lease) = self
            .calls
            .run("get", "Lease", self.api.get(&self.seat.name))
            .await
        else {
            return;
        };
        if holder(&lease) != Some(self.seat.me.as_str()) {
            return;
        }
        if let Some(spec) = lease.spec.as_mut() {
            spec.holder_identity = None;
        }
        match self.write(&lease).await {
            Ok(()) => tracing::info!("lease given back"),
            Err(error) => tracing::warn!(%error, "failed to give the lease back"),
        }
    }

    /// One look at the Lease and, where it is free or ours, one write. The version read guards the write.
    async fn attempt(&self, seen: &mut Seen) -> Result<Attempt, CallError> {
        let lease = self
            .calls
            .run("get", "Lease", self.api.get(&self.seat.name))
            .await?;
        if let Some(other) = seen.blocking(&lease, &self.seat.me, Instant::now()) {
            return Ok(Attempt::HeldBy(other));
        }
        self.write(&renewed(lease, &self.seat.me, Timestamp::now()))
            .await?;
        Ok(Attempt::Held)
    }

    async fn write(&self, lease: &Lease) -> Result<(), CallError> {
        let params = PostParams::default();
        self.calls
            .run(
                "update",
                "Lease",
                self.api.replace(&self.seat.name, &params, lease),
            )
            .await
            .map(drop)
    }
}

enum Attempt {
    Held,
    HeldBy(String),
}

/// The Lease as last seen and when, by our own clock: clocks of others are not trusted.
#[derive(Default)]
struct Seen {
    version: Option<String>,
    at: Option<Instant>,
}

impl Seen {
    /// The holder that must be respected, if any.
    fn blocking(&mut self, lease: &Lease, me: &str, now: Instant) -> Option<String> {
        if self.version != lease.metadata.resource_version {
            self.version.clone_from(&lease.metadata.resource_version);
            self.at = Some(now);
        }
        let holder = holder(lease).filter(|holder| *holder != me)?;
        let seconds = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.lease_duration_seconds)
            .unwrap_or(0);
        let duration = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        let fresh = self.at.is_some_and(|at| now.duration_since(at) < duration);
        fresh.then(|| holder.to_owned())
    }
}

fn holder(lease: &Lease) -> Option<&str> {
    lease
        .spec
        .as_ref()?
        .holder_identity
        .as_deref()
        .filter(|holder| !holder.is_empty())
}

fn renewed(mut lease: Lease, me: &str, now: Timestamp) -> Lease {
    let mine = holder(&lease) == Some(me);
    let old = lease.spec.take().unwrap_or_default();
    let transitions = old.lease_transitions.unwrap_or(0);
    lease.spec = Some(LeaseSpec {
        holder_identity: Some(me.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: if mine {
            old.acquire_time
        } else {
            Some(MicroTime(now))
        },
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(if mine {
            transitions
        } else {
            transitions.saturating_add(1)
        }),
        ..LeaseSpec::default()
    });
    lease
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(holder: Option<&str>, version: &str) -> Lease {
        let mut lease = Lease::default();
        lease.metadata.resource_version = Some(version.into());
        lease.spec = Some(LeaseSpec {
            holder_identity: holder.map(str::to_owned),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(3),
            ..LeaseSpec::default()
        });
        lease
    }

    #[tokio::test]
    async fn a_holder_who_renews_is_respected_and_one_who_does_not_is_not() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut seen = Seen::default();
        assert_eq!(
            seen.blocking(&lease(Some("a"), "1"), "b", after(0))
                .as_deref(),
            Some("a")
        );
        assert_eq!(
            seen.blocking(&lease(Some("a"), "2"), "b", after(14))
                .as_deref(),
            Some("a")
        );
        assert_eq!(
            seen.blocking(&lease(Some("a"), "2"), "b", after(28))
                .as_deref(),
            Some("a")
        );
        assert_eq!(seen.blocking(&lease(Some("a"), "2"), "b", after(29)), None);
    }

    #[tokio::test]
    async fn a_free_lease_and_our_own_block_nobody() {
        let now = Instant::now();
        assert_eq!(Seen::default().blocking(&lease(None, "1"), "b", now), None);
        assert_eq!(
            Seen::default().blocking(&lease(Some(""), "1"), "b", now),
            None
        );
        assert_eq!(
            Seen::default().blocking(&lease(Some("b"), "1"), "b", now),
            None
        );
    }

    #[test]
    fn taking_over_counts_and_renewing_does_not() {
        let now = Timestamp::UNIX_EPOCH;
        let transitions = |lease: Lease| lease.spec.unwrap().lease_transitions;
        assert_eq!(
            transitions(renewed(lease(Some("a"), "1"), "b", now)),
            Some(4)
        );
        assert_eq!(
            transitions(renewed(lease(Some("b"), "1"), "b", now)),
            Some(3)
        );
        assert_eq!(transitions(renewed(Lease::default(), "b", now)), Some(1));
    }
}
