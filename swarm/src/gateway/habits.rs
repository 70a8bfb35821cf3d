//! What all gateways of a fleet have in common.

use std::time::Duration;

/// The firmware's constants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Habits {
    /// From `connect()` to the CONNACK.
    pub(crate) patience: Duration,
    /// For each SUBACK, for its own message and for a PINGRESP.
    pub(crate) step_timeout: Duration,
    /// From a failure to the next dial.
    pub(crate) retry: Duration,
    /// A random part of this comes on top; fielded gateways have none.
    pub(crate) retry_jitter: Duration,
    /// Announced in CONNECT, and a PINGREQ goes out this long after the last packet; `None` announces 0 and never pings.
    pub(crate) keep_alive: Option<Duration>,
    /// Certificates tried in turn; 0 when the gateway has none.
    pub(crate) certificates: u8,
    /// One SUBSCRIBE packet each; at least 1, because the own message must come back.
    pub(crate) topics: u16,
    /// What a gateway that is back tells again and again.
    pub(crate) telemetry: Option<Telemetry>,
}

/// One message each time, the first after a random part of the interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Telemetry {
    pub(crate) every: Duration,
    /// `QoS` 1 rather than 0.
    pub(crate) acknowledged: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(5),
            step_timeout: Duration::from_secs(5),
            retry: Duration::from_secs(1),
            retry_jitter: Duration::ZERO,
            keep_alive: Some(Duration::from_secs(30)),
            certificates: 0,
            topics: 40,
            telemetry: None,
        }
    }
}
