use super::fixtures::{ALL, cluster, valid};
use super::*;

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

fn config_hash(template: &k8s_openapi::api::core::v1::PodTemplateSpec) -> String {
    template
        .metadata
        .as_ref()
        .unwrap()
        .annotations
        .as_ref()
        .unwrap()[CONFIG_HASH]
        .clone()
}

fn hashes(wanted: &herdgate_crds::MqttCluster) -> [String; 2] {
    let children = build(&super::super::validate::validate(wanted).unwrap()).unwrap();
    [
        config_hash(&children.edges.spec.unwrap().template),
        config_hash(&children.shards.spec.unwrap().template),
    ]
}

#[test]
fn a_setting_restarts_only_the_tier_that_reads_it() {
    let before = hashes(&cluster("full"));
    let mut changed = cluster("full");
    changed.spec.admission.entering_limit = 7;
    let [edge, shard] = hashes(&changed);
    assert_ne!(edge, before[0]);
    assert_eq!(shard, before[1]);
    let mut changed = cluster("full");
    changed.spec.admission.settle_limit = 7;
    let [edge, shard] = hashes(&changed);
    assert_eq!(edge, before[0]);
    assert_ne!(shard, before[1]);
}

#[test]
fn secrets_and_exposure_restart_nothing() {
    let before = hashes(&cluster("full"));
    let mut changed = cluster("full");
    changed.spec.exposure.hostname = Some("other.example.com".into());
    changed.spec.paused = true;
    assert_eq!(hashes(&changed), before);
}

#[test]
fn the_token_is_text_of_fixed_length() {
    let secret = token_secret(&valid("minimal"), [0xa5; token::TOKEN_BYTES]);
    assert_eq!(secret.string_data.unwrap()["token"], "a5".repeat(32));
}
