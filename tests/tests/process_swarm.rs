//! Our own gateways: their certificates in turn, and the one that the chart's test sends.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use herdgate_tests::certs::{Identity, Validity};
use herdgate_tests::charts::Helm;
use herdgate_tests::cluster::{Cluster, Topology, stand_in_wanted};
use herdgate_tests::process::run;
use herdgate_tests::setup::{ALICE, BOB, Setup};
use herdgate_tests::skip;
use herdgate_tests::swarm::{Herd, USER};
use herdgate_tests::wait::PATIENT;
use serde_json::{Value, json};

const SPLIT: Topology = Topology::Split { edges: 1 };

#[test]
fn gateways_try_their_next_certificate_when_the_first_is_expired() {
    if stand_in_wanted() {
        return skip::skip("the stand-in has no client certificates");
    }
    let setup = Setup::new();
    let ca = setup.path("ca.crt").display().to_string();
    let setup = setup
        .set("/listeners/0/tls/clientAuth", "Required")
        .set("/listeners/0/tls/clientCaFile", ca);
    let identities = [Validity::Expired, Validity::Valid, Validity::Valid]
        .map(|validity| setup.authority.client(USER, validity));
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let files: Vec<Value> = identities
        .iter()
        .enumerate()
        .map(|(number, identity)| write(&setup, number, identity))
        .collect();
    let identity = json!({"clientId": format!("{USER}-{{n}}"), "certificates": files});
    for protocol in ["3.1.1", "5"] {
        let herd = Herd::new(&setup, 30, &cluster.listener("mqtts").to_string())
            .set("/identity", identity.clone())
            .set("/protocol", protocol);
        let Some(herd) = herd.start(&format!("herd-{protocol}")) else {
            return;
        };
        let report = herd.finish(PATIENT * 2);
        let tries = &report["counts"]["certificateTries"];
        // the second one works, so that nobody needs the third
        assert!(
            tries[0].as_u64() >= Some(30) && tries[1].as_u64() >= Some(30),
            "{report}"
        );
        assert!(tries[2].as_u64().unwrap_or(0) == 0, "{report}");
        assert!(
            report["counts"]["tlsAlerts"].as_u64() >= Some(30),
            "each was told why: {report}"
        );
    }
}

fn write(setup: &Setup, number: usize, identity: &Identity) -> Value {
    let certificate = setup.write(&format!("gateway-{number}.crt"), &identity.chain);
    let key = setup.write(&format!("gateway-{number}.key"), &identity.key);
    json!({"certificateFile": certificate.display().to_string(), "privateKeyFile": key.display().to_string()})
}

/// What `helm test` runs in a pod, here as a process: only address and paths are other ones.
#[test]
fn the_charts_own_test_passes_and_can_fail() {
    let Some(helm) = Helm::find() else { return };
    let Some(swarm) = skip::binary("herdgate-swarm") else {
        return;
    };
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, SPLIT) else {
        return;
    };
    let user = format!("test.userName={}", ALICE.0);
    let set = [
        "--set",
        &user,
        "--set",
        "test.passwordSecretRef.name=probe",
        "--set",
        "test.timeoutSeconds=5",
    ];
    let rendered = helm.render("herdgate-cluster", &set);
    let config = rendered
        .iter()
        .find(|document| document["kind"] == "ConfigMap")
        .unwrap();
    let scenario = setup.write(
        "scenario.yaml",
        config["data"]["scenario.yaml"].as_str().unwrap(),
    );
    let test = |password: &str, server_name: &str| {
        let password = setup.write("probe-password", password);
        let mut command = Command::new(&swarm);
        command
            .arg("run")
            .arg(&scenario)
            .arg("--target")
            .arg(cluster.listener("mqtts").to_string());
        command.args(["--server-name", server_name]);
        command
            .arg("--set")
            .arg(format!("target.caFile={}", setup.path("ca.crt").display()));
        command
            .arg("--set")
            .arg(format!("identity.passwordFile={}", password.display()));
        run("helm-test", command, setup.folder.path(), PATIENT * 2)
    };
    let (status, output) = test(ALICE.1, "localhost");
    assert!(status.success(), "{output}");
    let (status, output) = test(BOB.1, "localhost");
    assert!(!status.success(), "a wrong password: {output}");
    let (status, output) = test(ALICE.1, "mqtt.example.com");
    assert!(
        !status.success(),
        "a certificate for another name: {output}"
    );
}
