//! How much of everything.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) storm_clients: usize,
    /// haproxy has two descriptors for each client, and 20,000 at most.
    pub(crate) storm_tls_clients: usize,
    pub(crate) connects: usize,
    pub(crate) idle_clients: usize,
    pub(crate) idle_time: Duration,
    /// Of a fan-in or fan-out, as time at the offered rate.
    pub(crate) message_time: Duration,
    pub(crate) probes: usize,
}

impl Scale {
    pub(crate) const FULL: Self = Self {
        storm_clients: 10_000,
        storm_tls_clients: 7_000,
        connects: 3_000,
        idle_clients: 4_000,
        idle_time: Duration::from_mins(1),
        message_time: Duration::from_secs(4),
        probes: 400,
    };

    pub(crate) const QUICK: Self = Self {
        storm_clients: 1_000,
        storm_tls_clients: 700,
        connects: 300,
        idle_clients: 400,
        idle_time: Duration::from_secs(6),
        message_time: Duration::from_secs(1),
        probes: 50,
    };
}
