//! Pods at their CPU limit: logins are dear, the herd is known by a census, and its return is foreseen, seen and on record.

use std::env;
use std::process::Command;
use std::time::Duration;

use herdgate_tests::lab::edges::{address, number};
use herdgate_tests::lab::http;
use herdgate_tests::lab::kubernetes::ROLLOUT;
use herdgate_tests::lab::step;
use herdgate_tests::lab::swarm::{Herd, Run};
use herdgate_tests::process::{Process, run};
use herdgate_tests::skip;
use herdgate_tests::wait::until;
use serde_json::{Value, json};

use crate::reopening::{self, event, name, newest};
use crate::restart::kill_all_brokers;
use crate::world::{CLUSTER, SLICES, World};

const RANGES: [(&str, &str); 6] = [
    ("north", "198.18.128.0/21"),
    ("east", "198.18.136.0/21"),
    ("south", "198.18.144.0/21"),
    ("west", "198.18.152.0/21"),
    ("coast", "198.18.160.0/21"),
    ("hills", "198.18.168.0/21"),
];
/// As many as `make test` can afford; `HERDGATE_LAB_GATEWAYS` names another number.
const GATEWAYS: u32 = 300;
/// Of two cores most is left to the herd and to Kubernetes; below 100 millicores an edge would count as starved.
const EDGE_CPU: &str = "150m";
const SHARD_CPU: &str = "100m";
const CPU_THROTTLING: &str = "cpu_throttling";
/// For 2,000 gateways some two minutes.
pub(crate) const RETURN: Duration = Duration::from_mins(7);

pub(crate) fn gateways() -> u32 {
    let Ok(text) = env::var("HERDGATE_LAB_GATEWAYS") else {
        return GATEWAYS;
    };
    let wanted = text.parse().ok().filter(|number| *number >= 60);
    wanted.unwrap_or_else(|| panic!("HERDGATE_LAB_GATEWAYS={text}: allowed: a number from 60 on"))
}

/// A login takes some 10 ms of a core.
pub(crate) fn logins_become_dear_and_cpu_scarce(world: &World<'_>) {
    let passwords = include_str!("../../fixtures/costly-passwords");
    world.apply_secret("costly", "Opaque", &json!({"passwords": passwords}));
    let ranges: Vec<Value> = RANGES
        .iter()
        .map(|(name, cidr)| json!({"name": name, "cidrs": [cidr]}))
        .collect();
    let mut spec = world.spec();
    spec["edge"]["resources"] = json!({"limits": {"cpu": EDGE_CPU}});
    spec["shards"]["resources"] = json!({"limits": {"cpu": SHARD_CPU}});
    spec["authentication"]["passwordSecretRef"]["name"] = json!("costly");
    spec["admission"] = json!({
        "slices": SLICES, "slicing": {"type": "CIDRList", "ranges": ranges},
        "censusSeconds": 1, "quietSeconds": 3,
    });
    world.upgrade_cluster_to(&spec);
    until("all pods have the limit", ROLLOUT, || {
        let holds = |condition| world.condition(condition).as_deref() == Some("True");
        (holds("Ready") && holds("ConfigApplied")).then_some(())
    });
}

/// As many gateways in each range, all on their way at once.
pub(crate) fn herd<'a>(world: &World<'a>, name: &'a str) -> Herd<'a> {
    let each = gateways() / u32::try_from(RANGES.len()).unwrap();
    let rest = gateways() - each * u32::try_from(RANGES.len()).unwrap();
    let ranges = RANGES.iter().enumerate().map(|(place, (name, cidr))| {
        let more = if place == 0 { rest } else { 0 };
        (*name, each + more, Some(*cidr))
    });
    Herd {
        name,
        concurrent: gateways(),
        topics: 10,
        ..world.herd(ranges.collect())
    }
}

pub(crate) fn a_herd_comes_and_is_counted(world: &World<'_>) -> Run {
    let (binary, folder) = (&world.lab.swarm, world.lab.folder.path());
    let run = herd(world, "counted").bring_up(binary, folder, RETURN);
    let all = format!("{} clients", gateways());
    let census = until("the census has the whole herd", ROLLOUT, || {
        let census = herdgate(world, &["census", "--top", "6"])?;
        census.starts_with(&all).then_some(census)
    });
    step(&format!("kubectl herdgate census:\n{census}"));
    run
}

pub(crate) fn it_returns_as_fast_as_the_limit_permits(world: &World<'_>, herd: &mut Run) {
    let (records, gate) = (watch_records(world), watch_gate(world));
    kill_all_brokers(world);
    let person = reopening::watch_as_a_person(world, "at-the-limit");
    an_edge_names_the_limit(world, herd);
    let report = herd.report(RETURN);
    assert_eq!(report["back"], gateways(), "{report:#}");
    step(&format!("the herd: {}", told(&report)));
    if let Some(person) = person {
        reopening::a_person_saw_it(person);
    }
    let record = until("its record is complete", ROLLOUT, || {
        newest(world).filter(|newest| newest.pointer("/status/result").is_some())
    });
    the_record_tells_all(world, &record);
    the_limit_was_seen_on_the_way(&record, &records, &gate);
    event(world, name(&record), "Ramping", "level");
    event(world, name(&record), "Open", "clients are back");
    event(world, CLUSTER, "Reopening", "slices are open");
    event(world, CLUSTER, "AllSlicesOpen", "all slices are open");
    until("admission is open", ROLLOUT, || {
        (world.condition("AdmissionOpen").as_deref() == Some("True")).then_some(())
    });
}

/// What `kubectl get reopenings --watch` prints.
fn watch_records(world: &World<'_>) -> Process {
    let namespace = world.namespace.as_str();
    let arguments = [
        "get",
        "reopenings",
        "--namespace",
        namespace,
        "--watch",
        "--output=wide",
    ];
    world.lab.kubernetes.start("records", &arguments)
}

/// What the condition `AdmissionOpen` says, a line for each change of the resource.
fn watch_gate(world: &World<'_>) -> Process {
    let resource = format!("mqttcluster/{CLUSTER}");
    let path = r#"--output=jsonpath={.status.conditions[?(@.type=="AdmissionOpen")].status} {.status.conditions[?(@.type=="AdmissionOpen")].message}{"\n"}"#;
    let namespace = world.namespace.as_str();
    let arguments = ["get", &resource, "--namespace", namespace, "--watch", path];
    world.lab.kubernetes.start("gate", &arguments)
}

/// Asked past the API server, which is busy enough.
pub(crate) fn statuses_at(pods: &[Value]) -> Vec<Value> {
    let admin = pods.iter().filter_map(|pod| address(pod, "admin"));
    admin
        .filter_map(|address| http::get(address, "/status"))
        .filter_map(|(_, body)| serde_json::from_str(&body).ok())
        .collect()
}

fn an_edge_names_the_limit(world: &World<'_>, herd: &mut Run) {
    let edges = until("an edge is there again", ROLLOUT, || {
        Some(world.edges().ready()).filter(|edges| !edges.is_empty())
    });
    let status = until("an edge names the limit", RETURN, || {
        assert!(herd.process.exited().is_none(), "the herd returned before");
        let limited = |status: &Value| status["limitingSignal"] == CPU_THROTTLING;
        statuses_at(&edges).into_iter().find(limited)
    });
    assert!(number(&status, "/level") < SLICES || number(&status, "/door") > 0);
    step(&format!("an edge says: {status}"));
}

fn the_record_tells_all(world: &World<'_>, record: &Value) {
    let kubernetes = &world.lab.kubernetes;
    let namespace = ["--namespace", &world.namespace];
    let yaml = ["get", "reopening", name(record), "--output=yaml"];
    let yaml = kubernetes.kubectl(&[&yaml[..], &namespace].concat());
    let table = kubernetes.kubectl(&[&["get", "reopenings"], &namespace[..]].concat());
    step(&format!("kubectl get reopenings:\n{table}"));
    step(&format!("kubectl get reopening --output=yaml:\n{yaml}"));
    let status = &record["status"];
    for (pointer, value) in [
        ("/phase", json!("Open")),
        ("/trigger", json!("Restart")),
        ("/expected", json!(gateways())),
        ("/forecast/clients", json!(gateways())),
        ("/result/outcome", json!("Open")),
    ] {
        assert_eq!(status.pointer(pointer), Some(&value), "{pointer}: {yaml}");
    }
    assert!(number(status, "/forecast/seconds") > 0, "{yaml}");
    is_nearly_all(number(status, "/result/clients"));
    // one that came in a moment before an edge heard of the reopening is not of it
    let handshakes = number(status, "/result/handshakes");
    is_nearly_all(handshakes.min(u64::from(gateways())));
    let timeline = status["timeline"].as_array().unwrap();
    let levels = timeline.iter().map(|point| number(point, "/level"));
    assert!(timeline.len() > 3 && levels.is_sorted(), "{yaml}");
}

/// In the record itself, in the list of records as it changed, and in the cluster's condition.
fn the_limit_was_seen_on_the_way(record: &Value, records: &Process, gate: &Process) {
    let timeline = record["status"]["timeline"].as_array().unwrap();
    let limited = timeline
        .iter()
        .filter(|point| point["limitingSignal"] == CPU_THROTTLING);
    let (limited, all) = (limited.count(), timeline.len());
    step(&format!(
        "{limited} of {all} points of the timeline name the CPU limit"
    ));
    assert!(limited > 0, "{record:#}");
    let (records, gate) = (records.log(), gate.log());
    step(&format!("kubectl get reopenings --watch:\n{records}"));
    step(&format!("AdmissionOpen:\n{gate}"));
    let on_the_way = records.lines().filter(|line| {
        line.starts_with(name(record)) && line.contains("Ramping") && line.contains(CPU_THROTTLING)
    });
    assert!(on_the_way.count() >= 2, "{records}");
    let told = format!("limited by {CPU_THROTTLING}");
    let closed = |line: &str| line.starts_with("False") && line.contains(&told);
    assert!(gate.lines().any(closed), "{gate}");
}

/// Nobody waits for a client that is between two tries when all others are in.
pub(crate) fn is_nearly_all(clients: u64) {
    let all = u64::from(gateways());
    assert!(
        (all * 95 / 100..=all).contains(&clients),
        "{clients} of {all}"
    );
}

/// What matters of the herd's own report.
fn told(report: &Value) -> Value {
    json!({
        "gateways": report["gateways"], "back": report["back"], "seconds": report["seconds"],
        "counts": report["counts"],
    })
}

/// What `kubectl herdgate` answers; nothing when it fails.
fn herdgate(world: &World<'_>, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(skip::binary("kubectl-herdgate")?);
    command
        .args(arguments)
        .args(["--cluster", CLUSTER, "--namespace", &world.namespace])
        .arg("--kubeconfig")
        .arg(env::var_os("HERDGATE_LAB_KUBECONFIG")?);
    let folder = tempfile::tempdir_in(world.lab.folder.path()).unwrap();
    let (status, text) = run("kubectl-herdgate", command, folder.path(), ROLLOUT);
    status.success().then_some(text)
}
