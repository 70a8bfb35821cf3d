use super::fixtures::{ALL, cluster, valid};
use super::*;
use herdgate_crds::MqttClusterSpec;
use k8s_openapi::api::core::v1::PodTemplateSpec;

#[test]
fn children_of_each_fixture() {
    for name in ALL {
        let children = build(&valid(name)).unwrap();
        let mut documents = Vec::new();
        let mut add =
            |value: serde_json::Value| documents.push(serde_saphyr::to_string(&value).unwrap());
        children
            .accounts
            .iter()
            .for_each(|object| add(serde_json::to_value(object).unwrap()));
        children
            .configs
            .iter()
            .for_each(|object| add(serde_json::to_value(object).unwrap()));
        children
            .services
            .iter()
            .for_each(|object| add(serde_json::to_value(object).unwrap()));
        children
            .budget
            .iter()
            .for_each(|object| add(serde_json::to_value(object).unwrap()));
        add(serde_json::to_value(&children.shards).unwrap());
        add(serde_json::to_value(&children.edges).unwrap());
        insta::assert_snapshot!(format!("children_{name}"), documents.join("---\n"));
    }
}

#[test]
fn a_lone_edge_has_no_budget() {
    let mut lone = cluster("full");
    lone.spec.edge.replicas = 1;
    assert!(
        build(&super::super::validate::validate(&lone).unwrap())
            .unwrap()
            .budget
            .is_none()
    );
}

/// Edge and shard: what a pod is made from; any difference replaces the pods.
fn templates(change: impl FnOnce(&mut MqttClusterSpec)) -> [PodTemplateSpec; 2] {
    let mut wanted = cluster("full");
    change(&mut wanted.spec);
    let children = build(&super::super::validate::validate(&wanted).unwrap()).unwrap();
    [
        children.edges.spec.unwrap().template,
        children.shards.spec.unwrap().template,
    ]
}

#[test]
fn a_setting_restarts_only_the_tier_that_reads_it() {
    let [edge, shard] = templates(|_| {});
    let of_edges: [fn(&mut MqttClusterSpec); 9] = [
        |spec| spec.limits.publish_rate = 7,
        |spec| spec.admission.entering_limit = 7,
        |spec| spec.listeners[0].max_connections = 7,
        |spec| drop(spec.listeners.pop()),
        |spec| spec.listeners[0].authentication_methods = None,
        |spec| spec.listeners[0].limits = None,
        |spec| spec.authentication.flapping.free_ends = 7,
        |spec| spec.authentication.wrong_password_wait.longest_seconds = 7,
        |spec| spec.edge.drain.delay_seconds = 8,
    ];
    for change in of_edges {
        let changed = templates(change);
        assert_ne!(changed[0], edge);
        assert_eq!(changed[1], shard);
    }
    let of_shards: [fn(&mut MqttClusterSpec); 5] = [
        |spec| spec.limits.max_subscriptions = 400,
        |spec| spec.limits.max_kept_sessions = 7,
        |spec| spec.shards.sys_interval_seconds = 7,
        |spec| spec.admission.settle_limit = 7,
        |spec| spec.shards.drain.delay_seconds = 8,
    ];
    for change in of_shards {
        let changed = templates(change);
        assert_eq!(changed[0], edge);
        assert_ne!(changed[1], shard);
    }
}

#[test]
fn counts_and_exposure_restart_nothing() {
    let changed = templates(|spec| {
        spec.exposure.hostname = Some("other.example.com".into());
        spec.paused = true;
        spec.edge.replicas = 9;
    });
    assert_eq!(changed, templates(|_| {}));
}

#[test]
fn the_token_is_text_of_fixed_length() {
    let secret = token_secret(&valid("minimal"), "field-link", [0xa5; token::TOKEN_BYTES]);
    assert_eq!(secret.string_data.unwrap()["token"], "a5".repeat(32));
}
