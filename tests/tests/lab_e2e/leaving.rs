//! What is left when it goes: the resource definitions and the volumes.

use herdgate_tests::lab::kubernetes::ROLLOUT;
use herdgate_tests::lab::{rbac, step};
use herdgate_tests::wait::until;

use crate::calm::operator_prefix;
use crate::world::{CLUSTER, World};

/// What was there before the cluster, or comes with every namespace.
const NOT_OURS: [&str; 6] = [
    "configmap/kube-root-ca.crt",
    "serviceaccount/default",
    "secret/certificate",
    "secret/passwords",
    "secret/authority",
    "secret/costly",
];

/// First the cluster, then the operator.
pub(crate) fn uninstalling_leaves_only_volumes(world: &World<'_>) {
    uninstall(world, CLUSTER, &world.namespace);
    only_volumes_stay(world);
    uninstall_operator(world);
}

/// First the operator, then the cluster: nothing waits for one who is gone.
pub(crate) fn a_cluster_goes_without_its_operator(world: &World<'_>) {
    step("again, and the operator goes first");
    world.upgrade_operator();
    world.install_cluster();
    uninstall_operator(world);
    uninstall(world, CLUSTER, &world.namespace);
    only_volumes_stay(world);
}

pub(crate) fn every_right_was_used(world: &World<'_>) {
    let Some(asked) = &mut *world.asked.borrow_mut() else {
        return step("without an audit log nobody can tell which rights are used: left out");
    };
    let account = operator_prefix(world);
    let events: Vec<_> = asked
        .fresh()
        .into_iter()
        .filter(|event| event.user.username.starts_with(&account))
        .collect();
    let mut granted = world.granted.borrow().clone();
    assert!(!granted.is_empty(), "the operator has rights");
    // asked within the API server when owner references are set; the lab's demands it, but no request of its own shows it
    granted.retain(|grant| !grant.resource.ends_with("/finalizers"));
    let unused = rbac::unused(granted, &events);
    assert!(
        unused.is_empty(),
        "rights that were never used: {unused:#?}"
    );
}

fn uninstall_operator(world: &World<'_>) {
    uninstall(world, &world.operator, &world.operator_namespace);
    let selector = format!("app.kubernetes.io/instance={}", world.operator);
    let kinds = "clusterroles,clusterrolebindings";
    let left = || {
        world
            .lab
            .kubernetes
            .kubectl(&["get", kinds, "--selector", &selector, "--output=name"])
    };
    until("the operator's rights go", ROLLOUT, || {
        left().is_empty().then_some(())
    });
    until("the operator's namespace is empty", ROLLOUT, || {
        let left = world
            .lab
            .kubernetes
            .everything_in(&world.operator_namespace);
        let ours = left
            .iter()
            .filter(|object| !not_ours(object) && !object.starts_with("secret/sh.helm.release."));
        (ours.count() == 0).then_some(())
    });
    let definitions =
        world
            .lab
            .kubernetes
            .kubectl(&["get", "customresourcedefinitions", "--output=name"]);
    assert!(
        definitions.contains("mqttclusters.herdgate.io"),
        "the definitions stay: {definitions}"
    );
}

fn only_volumes_stay(world: &World<'_>) {
    let mut left = Vec::new();
    let mut look = || {
        left = world.lab.kubernetes.everything_in(&world.namespace);
        left.retain(|object| !not_ours(object));
        (!left.is_empty()
            && left
                .iter()
                .all(|object| object.starts_with("persistentvolumeclaim/")))
        .then_some(())
    };
    until("only volumes stay", ROLLOUT, &mut look);
}

fn not_ours(object: &str) -> bool {
    NOT_OURS.contains(&object)
}

fn uninstall(world: &World<'_>, release: &str, namespace: &str) {
    world.lab.kubernetes.helm(&[
        "uninstall",
        release,
        "--namespace",
        namespace,
        "--wait",
        "--timeout",
        "120s",
    ]);
}
