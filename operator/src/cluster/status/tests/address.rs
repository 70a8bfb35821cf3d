//! How long an address is waited for.

use herdgate_crds::ExposureType;
use k8s_openapi::api::core::v1::Service;

use super::{pending, well};
use crate::cluster::status::*;

fn service(ingress: &serde_json::Value) -> Service {
    serde_json::from_value(serde_json::json!({
        "metadata": {"name": "field"}, "status": {"loadBalancer": {"ingress": ingress}},
    }))
    .unwrap()
}

#[test]
fn only_a_balancer_is_waited_for() {
    let look = |exposure: ExposureType, ingress: &serde_json::Value| {
        let before = MqttClusterStatus::default();
        let service = service(ingress);
        address(exposure, Some(&service), &before, Timestamp::UNIX_EPOCH)
    };
    let none = serde_json::json!([]);
    assert_eq!(look(ExposureType::LoadBalancer, &none), pending(false));
    for exposure in [ExposureType::ClusterIp, ExposureType::NodePort] {
        assert_eq!(look(exposure, &none), Address::Settled);
    }
    for given in [
        serde_json::json!([{"ip": "198.19.255.1"}]),
        serde_json::json!([{"hostname": "lb.example.com"}]),
    ] {
        assert_eq!(look(ExposureType::LoadBalancer, &given), Address::Settled);
    }
}

#[test]
fn a_long_wait_for_an_address_is_told_once() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let none = service(&serde_json::json!([]));
    let mut status = compute(&well(), &MqttClusterStatus::default(), at(0));
    let mut messages = Vec::new();
    for second in (100..1000).step_by(10) {
        let seen = Seen {
            address: address(ExposureType::LoadBalancer, Some(&none), &status, at(second)),
            ..well()
        };
        status = compute(&seen, &status, at(second));
        messages.push(status.conditions[0].message.clone());
    }
    assert_eq!(status.conditions[0].reason, "AddressPending");
    messages.dedup();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[1].contains("still has no address"), "{messages:?}");
}
