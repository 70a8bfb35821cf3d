//! The tables behind their locks, with the clock and the counters.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use super::failures::{Because, FailureTable, NameHash, Place};
use super::flaps::{ClientHash, FlapTable};
use super::locked::Locked;
use crate::config::{Flapping, GrowingWait};
use crate::metrics::{LoginMetrics, WaitReason};

/// Wrong passwords of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::auth) struct Failures(Arc<FailuresInner>);

#[derive(Debug)]
struct FailuresInner {
    /// Once per login that shows a password or a proof.
    table: Locked<FailureTable>,
    off: bool,
    start: Instant,
    names: RandomState,
    metrics: LoginMetrics,
}

/// A password that is looked at. Dropped without a verdict, it was none.
#[derive(Debug)]
pub(in crate::auth) struct Attempt {
    failures: Failures,
    place: Place,
    name: NameHash,
    began: Duration,
    decided: bool,
}

impl Failures {
    pub(in crate::auth) fn new(growth: GrowingWait, metrics: &LoginMetrics) -> Self {
        Self(Arc::new(FailuresInner {
            table: Locked::new(FailureTable::new(growth)),
            off: growth.is_off(),
            start: Instant::now(),
            names: RandomState::new(),
            metrics: metrics.clone(),
        }))
    }

    /// `Err`: how long until a password of this user is looked at when it comes from this address.
    pub(in crate::auth) fn begin(&self, address: IpAddr, user: &str) -> Result<Attempt, Duration> {
        let (place, name) = (Place::of(address), NameHash(self.0.names.hash_one(user)));
        let began = self.now();
        if !self.0.off {
            let looked_at = self.table().begin(began, place, name);
            looked_at.map_err(|(because, wait)| {
                self.0.metrics.waits.early.inc(match because {
                    Because::User => WaitReason::User,
                    Because::Address => WaitReason::Address,
                });
                wait
            })?;
        }
        Ok(Attempt {
            failures: self.clone(),
            place,
            name,
            began,
            decided: self.0.off,
        })
    }

    fn now(&self) -> Duration {
        self.0.start.elapsed()
    }

    fn table(&self) -> MutexGuard<'_, FailureTable> {
        self.0.table.lock()
    }

    fn told(&self, tracked: usize, forgotten: bool) {
        let waits = &self.0.metrics.waits;
        waits
            .failures_tracked
            .set(i64::try_from(tracked).unwrap_or(i64::MAX));
        waits.forgotten.inc_by(forgotten.into());
    }
}

impl Attempt {
    /// Another of this user has failed meanwhile: not worth a hash any more.
    pub(in crate::auth) fn is_stale(&self) -> bool {
        let failures = &self.failures;
        !failures.0.off
            && failures
                .table()
                .is_stale(failures.now(), self.place, self.name, self.began)
    }

    /// How long its answer waits.
    pub(in crate::auth) fn failed(mut self) -> Duration {
        let failures = self.failures.clone();
        failures.0.metrics.wrong.inc();
        if self.decided {
            return Duration::ZERO;
        }
        self.decided = true;
        let mut table = failures.table();
        let (wait, forgotten) = table.failed(failures.now(), self.place, self.name, self.began);
        failures.told(table.len(), forgotten);
        wait
    }

    pub(in crate::auth) fn succeeded(mut self) {
        if self.decided {
            return;
        }
        self.decided = true;
        let failures = self.failures.clone();
        let mut table = failures.table();
        let forgotten = table.succeeded(failures.now(), self.place, self.name);
        failures.told(table.len(), forgotten);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.decided {
            let failures = &self.failures;
            failures
                .table()
                .abandoned(failures.now(), self.place, self.name);
        }
    }
}

/// Clients of a process that come and go. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Flaps(Arc<FlapsInner>);

#[derive(Debug)]
struct FlapsInner {
    /// Once per attach while somebody flaps, and once per fast end.
    table: Locked<FlapTable>,
    /// Nobody flaps: a herd that comes back never meets the lock.
    empty: AtomicBool,
    off: bool,
    start: Instant,
    clients: RandomState,
    metrics: LoginMetrics,
}

/// One client's time with its session.
#[derive(Debug)]
pub(crate) struct Stay {
    client: ClientHash,
    since: Instant,
}

impl Flaps {
    pub(crate) fn new(rule: Flapping, metrics: &LoginMetrics) -> Self {
        Self(Arc::new(FlapsInner {
            table: Locked::new(FlapTable::new(rule)),
            empty: AtomicBool::new(true),
            off: rule.within.is_zero() || rule.wait.is_off(),
            start: Instant::now(),
            clients: RandomState::new(),
            metrics: metrics.clone(),
        }))
    }

    /// How long until this client is attached.
    pub(crate) fn wait(&self, principal: Option<&str>, client_id: &str) -> Duration {
        if self.0.off || self.0.empty.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let client = self.client(principal, client_id);
        let wait = self.table().wait(self.0.start.elapsed(), client);
        if !wait.is_zero() {
            self.0.metrics.waits.early.inc(WaitReason::Flapping);
        }
        wait
    }

    /// It is attached now.
    pub(crate) fn begin(&self, principal: Option<&str>, client_id: &str) -> Stay {
        Stay {
            client: self.client(principal, client_id),
            since: Instant::now(),
        }
    }

    /// It is gone, and neither by its own DISCONNECT nor by our doing.
    pub(crate) fn ended(&self, stay: &Stay) {
        if self.0.off {
            return;
        }
        let now = self.0.start.elapsed();
        let mut table = self.table();
        let forgotten = table.ended(now, stay.client, stay.since.elapsed());
        self.0.empty.store(table.is_empty(), Ordering::Relaxed);
        let waits = &self.0.metrics.waits;
        waits
            .flaps_tracked
            .set(i64::try_from(table.len()).unwrap_or(i64::MAX));
        waits.forgotten.inc_by(forgotten.into());
    }

    fn client(&self, principal: Option<&str>, client_id: &str) -> ClientHash {
        ClientHash(self.0.clients.hash_one((principal, client_id)))
    }

    fn table(&self) -> MutexGuard<'_, FlapTable> {
        self.0.table.lock()
    }
}
