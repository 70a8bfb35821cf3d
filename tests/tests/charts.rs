//! The charts: their copies are fresh, they render what is committed, they refuse bad values.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use herdgate_crds::MqttCluster;
use herdgate_tests::charts::{
    Helm, chart, check_generated, cluster_values_schema, golden_text, lost, read_yaml, root,
};
use herdgate_tests::cluster::{Cluster, Topology};
use herdgate_tests::process::run;
use herdgate_tests::setup::{ALICE, BOB, Setup};
use herdgate_tests::skip;
use herdgate_tests::wait::PATIENT;
use serde_json::Value;

const CHARTS: [&str; 3] = ["herdgate-crds", "herdgate", "herdgate-cluster"];

#[test]
fn the_crds_chart_has_the_generated_definitions() {
    let generated = root().join("crds/generated");
    let names = |folder: &Path| -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| {
                Path::new(name)
                    .extension()
                    .is_some_and(|kind| kind == "yaml")
            })
            .collect()
    };
    for name in names(&generated) {
        let wanted = fs::read_to_string(generated.join(&name)).unwrap();
        check_generated(&chart("herdgate-crds").join("files").join(&name), &wanted);
    }
    assert_eq!(
        names(&chart("herdgate-crds").join("files")),
        names(&generated)
    );
}

#[test]
fn the_cluster_charts_schema_is_that_of_the_definition() {
    let definition = read_yaml(&root().join("crds/generated/mqttclusters.yaml"));
    let schema = serde_json::to_string_pretty(&cluster_values_schema(&definition)).unwrap() + "\n";
    check_generated(
        &chart("herdgate-cluster").join("values.schema.json"),
        &schema,
    );
}

#[test]
fn charts_have_the_version_of_the_workspace() {
    for name in CHARTS {
        let file = read_yaml(&chart(name).join("Chart.yaml"));
        assert_eq!(file["version"], env!("CARGO_PKG_VERSION"), "{name}");
        assert_eq!(file["appVersion"], env!("CARGO_PKG_VERSION"), "{name}");
    }
}

#[test]
fn charts_pass_lint() {
    let Some(helm) = Helm::find() else { return };
    for name in CHARTS {
        let path = chart(name).display().to_string();
        helm.run(&["lint", "--strict", &path])
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn charts_render_what_is_committed() {
    let Some(helm) = Helm::find() else { return };
    for name in ["herdgate", "herdgate-cluster"] {
        for case in cases(name) {
            let golden = chart(name).join("ci/golden").join(format!("{case}.yaml"));
            check_generated(&golden, &golden_text(helm.case(name, &case)));
        }
    }
}

#[test]
fn the_rendered_definitions_are_the_generated_ones_and_kept() {
    let Some(helm) = Helm::find() else { return };
    let rendered = helm.render("herdgate-crds", &[]);
    assert_eq!(
        rendered.len(),
        fs::read_dir(root().join("crds/generated")).unwrap().count()
    );
    for definition in rendered {
        assert_eq!(
            definition["metadata"]["annotations"]["helm.sh/resource-policy"],
            "keep"
        );
        let plural = definition["spec"]["names"]["plural"].as_str().unwrap();
        let generated = read_yaml(&root().join(format!("crds/generated/{plural}.yaml")));
        assert_eq!(definition["spec"], generated["spec"], "{plural}");
    }
}

#[test]
fn rendered_clusters_are_understood_to_the_last_field() {
    let Some(helm) = Helm::find() else { return };
    for case in cases("herdgate-cluster") {
        let values = chart("herdgate-cluster")
            .join("ci")
            .join(format!("{case}-values.yaml"))
            .display()
            .to_string();
        let rendered = helm.render("herdgate-cluster", &["--values", &values]);
        let given = rendered
            .into_iter()
            .find(|document| document["kind"] == "MqttCluster")
            .unwrap();
        let cluster: MqttCluster = serde_json::from_value(given.clone()).unwrap();
        let kept = serde_json::to_value(&cluster).unwrap();
        assert_eq!(lost(&given, &kept, ""), Vec::<String>::new(), "{case}");
    }
}

#[test]
fn rules_name_no_wildcard_and_leases_stay_at_home() {
    let Some(helm) = Helm::find() else { return };
    let rendered = helm.render("herdgate", &[]);
    let roles = rendered
        .iter()
        .filter(|document| matches!(document["kind"].as_str(), Some("Role" | "ClusterRole")));
    let mut seen = 0;
    for role in roles {
        for rule in role["rules"].as_array().unwrap() {
            seen += 1;
            assert!(!rule.to_string().contains('*'), "wildcard in {rule}");
            if rule["resources"].to_string().contains("leases") {
                assert_eq!(role["kind"], "Role", "{rule}");
                assert_eq!(role["metadata"]["namespace"], "fleet");
            }
        }
    }
    assert!(seen > 5, "only {seen} rules were found");
}

#[test]
fn the_operator_may_do_what_it_says_it_does() {
    let Some(helm) = Helm::find() else { return };
    let said = read_yaml(&root().join("operator/rbac.yaml"));
    let list = |value: &Value| grants(value.as_array().unwrap());
    let rules_of = |documents: &[Value], kind: &str, name: &str| {
        let role = documents
            .iter()
            .find(|document| document["kind"] == kind && document["metadata"]["name"] == name);
        list(&role.unwrap_or_else(|| panic!("no {kind} {name}"))["rules"])
    };
    let everywhere = helm.render("herdgate", &[]);
    assert_eq!(
        rules_of(&everywhere, "ClusterRole", "demo-herdgate"),
        list(&said["cluster"])
    );
    assert_eq!(
        rules_of(&everywhere, "Role", "demo-herdgate-leader"),
        list(&said["own"])
    );
    let here = helm.render(
        "herdgate",
        &[
            "--set",
            "watchNamespaces={fleet}",
            "--set",
            "rbac.aggregate=false",
        ],
    );
    assert_eq!(
        rules_of(&here, "Role", "demo-herdgate"),
        list(&said["cluster"])
    );
    assert!(
        here.iter()
            .all(|document| document["kind"] != "ClusterRole")
    );
}

#[test]
fn every_rule_has_its_reason() {
    for name in ["_rules.tpl", "rbac.yaml", "aggregate.yaml"] {
        let template = fs::read_to_string(chart("herdgate").join("templates").join(name)).unwrap();
        let lines: Vec<&str> = template.lines().collect();
        let starts = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.trim_start().starts_with("- apiGroups:"));
        for (number, line) in starts {
            assert!(
                lines[number - 1].trim_start().starts_with("# "),
                "{name}:{} has no reason: {line}",
                number + 1
            );
        }
    }
}

#[test]
fn pods_are_restricted() {
    let Some(helm) = Helm::find() else { return };
    for (chart_name, kind, pod) in [
        ("herdgate", "Deployment", "/spec/template/spec"),
        ("herdgate-cluster", "Pod", "/spec"),
    ] {
        let rendered = helm.render(chart_name, &[]);
        let object = rendered
            .iter()
            .find(|document| document["kind"] == kind)
            .unwrap();
        let pod = object.pointer(pod).unwrap();
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(
            pod["securityContext"]["seccompProfile"]["type"],
            "RuntimeDefault"
        );
        for container in pod["containers"].as_array().unwrap() {
            let security = &container["securityContext"];
            assert_eq!(security["allowPrivilegeEscalation"], false);
            assert_eq!(security["readOnlyRootFilesystem"], true);
            assert_eq!(security["capabilities"]["drop"][0], "ALL");
        }
    }
}

#[test]
fn a_budget_needs_two_replicas() {
    let Some(helm) = Helm::find() else { return };
    let budgets = |replicas: &str| {
        let set = format!("replicas={replicas}");
        let rendered = helm.render("herdgate", &["--set", &set]);
        rendered
            .into_iter()
            .filter(|document| document["kind"] == "PodDisruptionBudget")
            .count()
    };
    assert_eq!((budgets("1"), budgets("2")), (0, 1));
}

#[test]
fn bad_values_are_refused_by_name() {
    let Some(helm) = Helm::find() else { return };
    let cases: &[(&str, &str, &str)] = &[
        ("herdgate-crds", "keeep=true", "keeep"),
        ("herdgate", "image.tga=1", "tga"),
        ("herdgate", "replicas=0", "replicas"),
        ("herdgate", "image.digest=latest", "digest"),
        ("herdgate", "logFormat=xml", "logFormat"),
        ("herdgate-cluster", "spec.edges.replicas=2", "edges"),
        ("herdgate-cluster", "spec.edge.replicas=0", "replicas"),
        ("herdgate-cluster", "spec.admission.mode=Shut", "mode"),
        ("herdgate-cluster", "spec.listeners[0].port=70000", "port"),
        ("herdgate-cluster", "test.serverNam=x", "serverNam"),
        (
            "herdgate-cluster",
            "test.listener=nope",
            "no MQTTS listener \"nope\"",
        ),
        (
            "herdgate-cluster",
            "nameOverride=7up",
            "cannot name a MqttCluster",
        ),
    ];
    for (chart_name, set, named) in cases {
        let error = helm.template(chart_name, &["--set", set]).expect_err(set);
        assert!(
            error.contains(named),
            "{chart_name} --set {set} names {named}: {error}"
        );
    }
}

#[test]
fn a_digest_pins_the_image() {
    let Some(helm) = Helm::find() else { return };
    let digest = format!("sha256:{}", "5e".repeat(32));
    let rendered = helm.render("herdgate", &["--set", &format!("image.digest={digest}")]);
    let deployment = rendered
        .iter()
        .find(|document| document["kind"] == "Deployment")
        .unwrap();
    let image: &Value = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
    assert!(
        image.as_str().unwrap().ends_with(&format!("@{digest}")),
        "{image}"
    );
}

/// What `helm test` runs in a pod, here as a process: only address and paths are other ones.
#[test]
fn the_charts_own_test_passes_and_can_fail() {
    let Some(helm) = Helm::find() else { return };
    let Some(swarm) = skip::binary("herdgate-swarm") else {
        return;
    };
    let setup = Setup::new();
    let Some(cluster) = Cluster::start(&setup, Topology::Standalone) else {
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

/// The names of `ci/*-values.yaml`.
fn cases(name: &str) -> Vec<String> {
    let files = fs::read_dir(chart(name).join("ci")).unwrap().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    let cases: Vec<String> = names
        .filter_map(|name| name.strip_suffix("-values.yaml").map(str::to_owned))
        .collect();
    assert!(!cases.is_empty(), "{name} has no ci/*-values.yaml");
    cases
}

/// What a list of rules grants, as `verb group/resource`.
fn grants<'a>(rules: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    let texts = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let mut grants = BTreeSet::new();
    for rule in rules {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                grants.extend(
                    texts(&rule["verbs"])
                        .iter()
                        .map(|verb| format!("{verb} {group}/{resource}")),
                );
            }
        }
    }
    grants
}
