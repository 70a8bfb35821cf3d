//! Clients are served, and a resource that cannot be meant is refused.

use std::net::{IpAddr, Ipv4Addr};

use herdgate_tests::lab::edges::number;
use herdgate_tests::mqtt::{Client, publish};
use herdgate_tests::wait::{PATIENT, until};
use serde_json::{Value, json};

use crate::world::{CLUSTER, World};

/// The schema says no, and names the field.
pub(crate) fn a_bad_range_is_refused(world: &World<'_>) {
    let mut spec = world.spec();
    spec["admission"]["slicing"] =
        json!({"type": "CIDRList", "ranges": [{"name": "north", "cidrs": ["198.18.300.0/20"]}]});
    is_refused(world, &spec, "spec.admission.slicing.ranges[0].cidrs[0]");
}

/// The schema's rules over several fields hold as well.
pub(crate) fn bad_limits_and_waits_are_refused(world: &World<'_>) {
    for (pointer, value, told) in [
        (
            "/listeners/0/limits",
            json!({"maxClientIdBytes": 22}),
            "spec.listeners[0].limits.maxClientIdBytes",
        ),
        (
            "/listeners/0/limits",
            json!({"maxSubscriptions": 10_001}),
            "`listeners[].limits.maxSubscriptions` must not be more than `limits.maxSubscriptions`",
        ),
        (
            "/listeners/0/authenticationMethods",
            json!(["SCRAM-SHA-1"]),
            "spec.listeners[0].authenticationMethods[0]",
        ),
        (
            "/authentication/flapping",
            json!({"firstMilliseconds": 2_001, "longestSeconds": 2}),
            "spec.authentication.flapping.longestSeconds",
        ),
        (
            "/authentication/wrongPasswordWait",
            json!({"longestSeconds": 241}),
            "spec.authentication.wrongPasswordWait.longestSeconds",
        ),
    ] {
        let mut spec = world.spec();
        let (section, field) = pointer.rsplit_once('/').unwrap();
        spec.pointer_mut(section).expect(section)[field] = value;
        is_refused(world, &spec, told);
    }
}

fn is_refused(world: &World<'_>, spec: &Value, told: &str) {
    let refused = world.lab.kubernetes.try_apply(&json!({
        "apiVersion": "herdgate.io/v1alpha1", "kind": "MqttCluster",
        "metadata": {"name": "mistaken", "namespace": world.namespace}, "spec": spec,
    }));
    let error = refused.expect_err(told);
    assert!(error.contains(told), "{error}");
}

pub(crate) fn helm_test_passes(world: &World<'_>) {
    let arguments = [
        "test",
        CLUSTER,
        "--namespace",
        &world.namespace,
        "--logs",
        "--timeout",
        "120s",
    ];
    world.lab.kubernetes.helm(&arguments);
}

/// Clients come in over the balancer's address until both edges have some; one speaks, all hear it.
pub(crate) fn clients_of_both_edges_hear_each_other(world: &World<'_>) {
    let balancer = world.balancer();
    let mut clients: Vec<Client> = Vec::new();
    until("both edges have a client", PATIENT, || {
        let number = clients.len();
        let mut client = world.persistent_client(
            &format!("listener-{number}"),
            source(world, number),
            balancer,
        );
        assert_eq!(client.subscribe("alice/news", 1), 1);
        clients.push(client);
        let statuses = world.edges().statuses();
        let connected = statuses
            .iter()
            .filter(|status| status_counts_clients(status))
            .count();
        (connected == 2).then_some(())
    });
    clients[0]
        .send(&publish("alice/news", "the herd is well"))
        .unwrap();
    for client in &mut clients {
        let packet = client.read().expect("the message reaches every edge");
        assert_eq!(
            packet.published(),
            ("alice/news".to_owned(), b"the herd is well".to_vec())
        );
    }
}

fn status_counts_clients(status: &serde_json::Value) -> bool {
    number(status, "/connected") > 0
}

/// One address of each range in turn.
fn source(world: &World<'_>, number: usize) -> Option<IpAddr> {
    let third = [128, 144, 160][number % 3];
    let last = u8::try_from(number % 200 + 1).unwrap();
    world
        .lab
        .fleet
        .then(|| Ipv4Addr::new(198, 18, third, last).into())
}
