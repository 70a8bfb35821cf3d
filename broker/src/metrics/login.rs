//! The login queue and the threads behind it.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::BackendMetrics;
use super::labels::{By, ExchangeOutcome, LoginDrop, ReloadOutcome};
use super::shapes::{counter, gauge, waits};
use super::waits::WaitMetrics;

#[derive(Clone, Debug)]
pub struct LoginMetrics {
    /// Passwords hashed, right and wrong ones.
    pub hashed: Counter,
    pub dropped: By<LoginDrop>,
    pub queued: Gauge,
    /// Seconds from the queue's entrance to the end of the hash.
    pub wait: Histogram,
    pub users: Gauge,
    pub password_reloads: By<ReloadOutcome>,
    /// Passwords and proofs that were looked at, and wrong.
    pub wrong: Counter,
    pub waits: WaitMetrics,
    pub exchanges: By<ExchangeOutcome>,
    pub backend: BackendMetrics,
}

impl LoginMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            hashed: counter(r, "logins_hashed", "Passwords hashed, right and wrong ones"),
            dropped: By::register(
                r,
                "logins_dropped",
                "Logins that left the queue unhashed",
                "reason",
            ),
            queued: gauge(r, "logins_queued", "Logins in the queue"),
            wait: waits(
                r,
                "login_wait_seconds",
                "From the login queue's entrance to the end of the hash",
            ),
            users: gauge(r, "users", "Users in the password file"),
            password_reloads: By::register(
                r,
                "password_reloads",
                "Reloads of the password file",
                "outcome",
            ),
            wrong: counter(
                r,
                "logins_wrong",
                "Passwords and proofs that were looked at, and wrong",
            ),
            waits: WaitMetrics::register(r),
            exchanges: By::register(
                r,
                "auth_exchanges",
                "Exchanges of enhanced authentication that ended",
                "outcome",
            ),
            backend: BackendMetrics::register(r),
        }
    }
}
