//! Who must wait before a login or a session.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{By, WaitReason};
use super::shapes::{counter, gauge};

#[derive(Clone, Debug)]
pub struct WaitMetrics {
    /// Times that a client came before its wait was over.
    pub early: By<WaitReason>,
    /// Clients that are held now.
    pub held: Gauge,
    /// Waits that were not held because too many were.
    pub unheld: Counter,
    /// Users at addresses, and addresses, whose logins are remembered.
    pub failures_tracked: Gauge,
    /// Clients whose fast ends are remembered.
    pub flaps_tracked: Gauge,
    /// What was forgotten early because a table was full.
    pub forgotten: Counter,
}

impl WaitMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            early: By::register(
                r,
                "login_waits",
                "Times that a client came before its wait was over",
                "reason",
            ),
            held: gauge(
                r,
                "logins_waiting",
                "Clients that are held for a wrong password or for flapping",
            ),
            unheld: counter(
                r,
                "login_waits_unheld",
                "Waits that were answered at once because too many were held",
            ),
            failures_tracked: gauge(
                r,
                "login_failures_tracked",
                "Users at addresses, and addresses, whose logins are remembered",
            ),
            flaps_tracked: gauge(
                r,
                "flapping_clients_tracked",
                "Clients whose fast ends are remembered",
            ),
            forgotten: counter(
                r,
                "login_waits_forgotten",
                "Logins and fast ends forgotten early because a table was full",
            ),
        }
    }
}
