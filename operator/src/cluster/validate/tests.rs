use super::*;
use crate::cluster::build::fixtures;

#[test]
fn fixtures_are_valid() {
    for name in fixtures::ALL {
        let cluster = fixtures::cluster(name);
        validate(&cluster).unwrap_or_else(|problems| panic!("{name}: {problems}"));
    }
}

#[test]
fn all_problems_are_told_at_once() {
    insta::assert_snapshot!(
        validate(&fixtures::cluster("wrong"))
            .unwrap_err()
            .to_string()
            .replace("; ", "\n")
    );
}

#[test]
fn privileged_ports_move_within_the_pod() {
    let cluster = validate(&fixtures::cluster("full")).unwrap();
    let ports: Vec<_> = cluster
        .listeners
        .iter()
        .map(|listener| (listener.port, listener.container_port))
        .collect();
    assert_eq!(ports, [(8883, 8883), (443, 8443), (1883, 1883)]);
}

#[test]
fn each_foreign_secret_is_named_once() {
    let cluster = validate(&fixtures::cluster("full")).unwrap();
    assert_eq!(
        cluster.foreign_secrets(),
        [
            "field-ca",
            "field-login-ca",
            "field-login-token",
            "field-tls",
            "field-users"
        ]
    );
}
