//! Whether clients have an address to come to.

use herdgate_crds::{ExposureType, MqttClusterStatus, conditions};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt as _;

use super::endpoints::balanced;
use super::ready::ADDRESS_PENDING;

/// Balancers of clouds take a minute or two.
const USUAL: SignedDuration = SignedDuration::from_mins(5);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// There is one, or none is to come.
    Settled,
    Pending {
        service: String,
        /// Longer than it usually takes.
        for_long: bool,
    },
}

/// Since when it is waited for is remembered by the condition `Ready` of the status before, so that it outlasts the
/// operator; what it waited for before counts as well, since the balancer had that time, too.
pub(crate) fn address(
    exposure: ExposureType,
    service: Option<&Service>,
    before: &MqttClusterStatus,
    now: Timestamp,
) -> Address {
    let Some(service) = service.filter(|_| exposure == ExposureType::LoadBalancer) else {
        return Address::Settled;
    };
    if !balanced(service).is_empty() {
        return Address::Settled;
    }
    let waiting = before.conditions.iter().find(|condition| {
        condition.type_ == conditions::READY && condition.reason == ADDRESS_PENDING
    });
    let for_long =
        waiting.is_some_and(|ready| now.duration_since(ready.last_transition_time.0) >= USUAL);
    Address::Pending {
        service: service.name_any(),
        for_long,
    }
}
