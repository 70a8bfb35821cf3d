//! From what was seen to what is told. Pure: time is given.

mod address;
mod admission_open;
mod client_address;
mod config_applied;
mod due;
mod endpoints;
mod gate;
mod news;
mod ready;
mod reconciling;
mod seen;
mod stalled;
mod troubles;

use herdgate_crds::{MqttClusterStatus, TierStatus, conditions};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use super::names::Tier;

pub(crate) use address::{Address, address};
pub(crate) use due::{Due, due};
pub(crate) use endpoints::endpoints;
pub(crate) use gate::{client_address, clients, gate};
pub(crate) use news::news;
pub(crate) use seen::{Failure, Seen, TierSeen};
pub(crate) use troubles::troubles;

/// One condition's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Verdict {
    /// `None`: unknown.
    holds: Option<bool>,
    reason: &'static str,
    message: String,
}

impl Verdict {
    fn yes(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            holds: Some(true),
            reason,
            message: message.into(),
        }
    }

    fn no(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            holds: Some(false),
            reason,
            message: message.into(),
        }
    }

    fn unknown(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            holds: None,
            reason,
            message: message.into(),
        }
    }

    fn status(&self) -> &'static str {
        match self.holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        }
    }
}

/// A count, and why it is not what it should be.
fn with_troubles(count: String, troubles: &[String]) -> String {
    if troubles.is_empty() {
        count
    } else {
        format!("{count}; {}", troubles.join("; "))
    }
}

/// The whole status. `before` gives the times of transitions that did not happen now.
pub(crate) fn compute(
    seen: &Seen,
    before: &MqttClusterStatus,
    now: Timestamp,
) -> MqttClusterStatus {
    let verdicts = [
        (conditions::READY, ready::verdict(seen)),
        (conditions::RECONCILING, reconciling::verdict(seen)),
        (conditions::STALLED, stalled::verdict(seen)),
        (conditions::CONFIG_APPLIED, config_applied::verdict(seen)),
        (conditions::ADMISSION_OPEN, admission_open::verdict(seen)),
        (
            conditions::CLIENT_ADDRESS_TRUSTED,
            client_address::verdict(seen),
        ),
    ];
    let conditions = verdicts
        .into_iter()
        .map(|(name, verdict)| condition(name, verdict, seen.generation, before, now));
    MqttClusterStatus {
        observed_generation: seen.generation,
        conditions: conditions.collect(),
        edge: Some(tier(seen, Tier::Edge, &seen.edge)),
        shards: Some(tier(seen, Tier::Shard, &seen.shard)),
        clients: seen.clients,
        admission: seen.gate.clone(),
        reopen_handled: seen.reopen_handled.clone(),
        endpoints: seen.endpoints.clone(),
    }
}

fn condition(
    name: &str,
    verdict: Verdict,
    generation: Option<i64>,
    before: &MqttClusterStatus,
    now: Timestamp,
) -> Condition {
    let old = before
        .conditions
        .iter()
        .find(|old| old.type_ == name && old.status == verdict.status());
    Condition {
        type_: name.to_owned(),
        status: verdict.status().to_owned(),
        reason: verdict.reason.to_owned(),
        message: verdict.message,
        observed_generation: generation,
        last_transition_time: old.map_or_else(
            || Time(to_second(now)),
            |old| old.last_transition_time.clone(),
        ),
    }
}

/// The API server keeps whole seconds; more would never compare equal to what comes back.
fn to_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn tier(seen: &Seen, tier: Tier, of: &TierSeen) -> TierStatus {
    TierStatus {
        replicas: of.replicas,
        ready_replicas: of.ready,
        summary: format!("{}/{}", of.ready, of.wanted),
        selector: seen.names.selector_text(tier),
    }
}

#[cfg(test)]
mod tests;
