//! What goes wrong in mid-ramp, and when.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use herdgate_bench::machine::BROKER_CORE;
use serde::Deserialize;

use crate::backend::Health;

/// One fault; steps happen one after another.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) when: When,
    pub(crate) what: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum When {
    /// This share of the fleet is back.
    SettledShare(f64),
    /// This share of the slices is open; where there are none, as `SettledShare`.
    LevelShare(f64),
    /// So long after the step before.
    AfterSeconds(f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Fault {
    /// The broker dies once more.
    Crash,
    /// The authentication backend changes.
    Backend(Health),
    /// Another process wants the broker's core for so long.
    Hog { seconds: u32 },
}

/// How the run stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// Of the fleet, back since the restart.
    pub(crate) settled_share: f64,
    /// Of slices; `None` where nobody tells of any.
    pub(crate) level_share: Option<f64>,
    pub(crate) since_last_step: Duration,
}

impl When {
    pub(crate) fn is_now(self, now: &Now) -> bool {
        match self {
            Self::SettledShare(share) => now.settled_share >= share,
            Self::LevelShare(share) => now.level_share.unwrap_or(now.settled_share) >= share,
            Self::AfterSeconds(seconds) => now.since_last_step.as_secs_f64() >= seconds,
        }
    }
}

/// A process that uses all it gets of the broker's core.
#[derive(Debug)]
pub(crate) struct Hog(Child);

impl Hog {
    pub(crate) fn start(seconds: u32) -> anyhow::Result<Self> {
        let child = Command::new("taskset")
            .args(["-c", &BROKER_CORE.to_string()])
            .args(["timeout", &seconds.to_string()])
            .args(["sh", "-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn()
            .context("failed to start a hog")?;
        Ok(Self(child))
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        // its time may be over; `timeout` passes the signal on to the loop
        _ = Command::new("kill").arg(self.0.id().to_string()).status();
        _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_nobody_tells_is_the_share_of_those_who_are_back() {
        let now = |level_share| Now {
            settled_share: 0.4,
            level_share,
            since_last_step: Duration::from_secs(2),
        };
        assert!(!When::LevelShare(0.5).is_now(&now(None)));
        assert!(When::LevelShare(0.5).is_now(&now(Some(0.6))));
        assert!(When::SettledShare(0.4).is_now(&now(None)));
        assert!(When::AfterSeconds(2.0).is_now(&now(None)));
        assert!(!When::AfterSeconds(2.1).is_now(&now(None)));
    }
}
