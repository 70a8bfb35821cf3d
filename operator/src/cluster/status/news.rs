//! Which transitions are worth an event.

use std::collections::BTreeSet;

use herdgate_crds::{MqttClusterStatus, conditions};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::events::News;

/// Told in this order. `Reconciling` is left out: it says the same as the others, only earlier.
const TOLD: [&str; 5] = [
    conditions::STALLED,
    conditions::CONFIG_APPLIED,
    conditions::READY,
    conditions::ADMISSION_OPEN,
    conditions::CLIENT_ADDRESS_TRUSTED,
];

/// A first look tells only what is wrong: a new operator must not repeat what the one before it told.
pub(crate) fn news(old: &MqttClusterStatus, new: &MqttClusterStatus) -> Vec<News> {
    let mut reasons = BTreeSet::new();
    let each = TOLD.iter().filter_map(|name| {
        let now = of(new, name)?;
        let before = of(old, name);
        let changed = before
            .is_some_and(|before| (&before.status, &before.reason) != (&now.status, &now.reason));
        let wrong_at_first =
            before.is_none() && *name == conditions::STALLED && now.status == "True";
        // one cause may move several conditions
        let told = (changed || wrong_at_first) && reasons.insert(now.reason.clone());
        told.then(|| tell(name, now))
    });
    each.collect()
}

fn of<'a>(status: &'a MqttClusterStatus, name: &str) -> Option<&'a Condition> {
    status
        .conditions
        .iter()
        .find(|condition| condition.type_ == name)
}

fn tell(name: &str, condition: &Condition) -> News {
    let good = if name == conditions::STALLED {
        "False"
    } else {
        "True"
    };
    // a gate that closes, and pods that are being replaced, are no faults
    let usual = condition.status == good
        || matches!(
            condition.reason.as_str(),
            "Reopening" | "GateClosed" | "RollingOut" | "Paused" | "NotJudgedYet"
        );
    News {
        warning: !usual,
        reason: condition.reason.clone(),
        note: format!("{name}: {}", condition.message),
    }
}
