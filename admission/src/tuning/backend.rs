//! When the backend that judges logins is not well.

use std::time::Duration;

/// The lines of a backend's health; it takes as many windows in a row as a process's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackendTuning {
    /// Half of the time to CONNACK that is aimed at where clients wait for five seconds: the way in needs the other half.
    pub slow: Duration,
    /// Percent of logins that the backend says nothing of. Beyond it whoever is let in does its handshake in vain too often.
    pub most_errors_percent: u32,
}

impl Default for BackendTuning {
    fn default() -> Self {
        Self {
            slow: Duration::from_millis(500),
            most_errors_percent: 10,
        }
    }
}
