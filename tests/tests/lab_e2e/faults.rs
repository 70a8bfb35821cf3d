//! In mid-ramp the operator, an edge, the shard and then the API server are killed: the data plane finishes alone.

use herdgate_tests::lab::edges::number;
use herdgate_tests::lab::kubernetes::ROLLOUT;
use herdgate_tests::lab::step;
use herdgate_tests::wait::until;
use serde_json::Value;

use crate::cpu_limit::{RETURN, gateways, herd, is_nearly_all, statuses_at};
use crate::reopening::{self, known, newest, number as number_of};
use crate::restart::kill_all_brokers;
use crate::world::World;

const API_SERVER: &str = "kube-apiserver";
/// Their watches rest for up to a minute each after an outage, and one waits for what another does: not what is tested.
const ITS_CLIENTS: [&str; 3] = ["kube-controller-manager", "kube-scheduler", "kubelet"];
/// Of three kinds, each with a watch of its own; running pods need none of them.
const CHILDREN: [&str; 4] = [
    "serviceaccount/herd-edge",
    "configmap/herd-edge",
    "service/herd-shards",
    "serviceaccount/herd-shard",
];

pub(crate) fn a_reopening_finishes_without_anybody(world: &World<'_>) {
    kill_all_brokers(world);
    let mut herd = herd(world, "faulted").start(&world.lab.swarm, world.lab.folder.path());
    let (first, _) = until_mid_ramp(world, 0);
    kill_operator_edge_and_shard(world);
    let (second, edges) = until_mid_ramp(world, first);
    world.lab.program("kill", API_SERVER);
    let (_, back) = back(&edges).expect("both edges answer");
    step(&format!(
        "reopening {second}: the API server is dead, {back} of {} are in",
        gateways()
    ));
    assert!(back < u64::from(gateways()), "it died in mid-ramp");
    herd.until_up(RETURN);
    until("the edges have all of them back", RETURN, || {
        let statuses = statuses_at(&edges);
        assert!(statuses.iter().all(|status| status["reopening"] == second));
        let open = statuses.iter().filter(|status| status["phase"] == "Open");
        (open.count() == edges.len()).then_some(())
    });
    step("the herd is back; the API server is started again");
    world.lab.program("start", API_SERVER);
    the_operator_completes_the_record(world, second);
}

/// Some are in and some are not, both edges serve, and the reopening is later than the one named: its number, and the edges.
fn until_mid_ramp(world: &World<'_>, after: u64) -> (u64, Vec<Value>) {
    until("the herd is on its way in", RETURN, || {
        let edges = world.edges().ready();
        let (reopening, back) = back(&edges).filter(|(reopening, _)| *reopening > after)?;
        let share = back * 100 / u64::from(gateways());
        (edges.len() == 2 && (5..60).contains(&share)).then_some((reopening, edges))
    })
}

/// Reopening of both edges, and how many are connected.
fn back(edges: &[Value]) -> Option<(u64, u64)> {
    let statuses = statuses_at(edges);
    let reopening = number(statuses.first()?, "/reopening");
    let alike = statuses
        .iter()
        .all(|status| status["reopening"] == reopening);
    let connected = statuses.iter().map(|status| number(status, "/connected"));
    (statuses.len() == edges.len() && alike).then(|| (reopening, connected.sum()))
}

fn kill_operator_edge_and_shard(world: &World<'_>) {
    let edge = world.edges().identities().swap_remove(0).name;
    let shard = world.shards().identities().swap_remove(0).name;
    kill(world, &world.namespace, &[&edge, &shard]);
    kill(world, &world.operator_namespace, &["--all"]);
}

fn kill(world: &World<'_>, namespace: &str, pods: &[&str]) {
    let how = ["--grace-period=0", "--force", "--wait=false"];
    let delete = ["delete", "pods", "--namespace", namespace];
    world
        .lab
        .kubernetes
        .kubectl(&[&delete[..], pods, &how].concat());
}

fn the_operator_completes_the_record(world: &World<'_>, reopening: u64) {
    let record = until("the operator completes the record", ROLLOUT, || {
        newest(world).filter(|newest| newest.pointer("/status/result").is_some())
    });
    assert_eq!(number_of(&record), reopening, "{record:#}");
    let status = &record["status"];
    assert_eq!(status["result"]["outcome"], "Open", "{status:#}");
    is_nearly_all(number(status, "/result/clients"));
    let timeline = status["timeline"].as_array().unwrap();
    let settled: Vec<u64> = timeline
        .iter()
        .map(|point| number(point, "/settled"))
        .collect();
    let within = |back: &&u64| (1..u64::from(gateways())).contains(*back);
    assert!(
        settled.iter().filter(within).count() > 3,
        "the way is on record: {settled:?}"
    );
    until("no record is left open", ROLLOUT, || {
        let open = |record: &Value| record.pointer("/status/result").is_none();
        (!known(world)?.iter().any(open)).then_some(())
    });
    reopening::show(world);
}

fn the_rest_of_the_node_looks_again(world: &World<'_>) {
    for program in ITS_CLIENTS {
        world.lab.program("kill", program);
        world.lab.program("start", program);
    }
}

/// The API server is away for a moment, too short a time for the operator to lose its Lease: it sees soon afterwards what
/// goes, for none of its watches waits for another that failed.
pub(crate) fn the_operator_mends_what_is_missing(world: &World<'_>) {
    world.lab.program("kill", API_SERVER);
    world.lab.program("start", API_SERVER);
    until("the API server answers again", ROLLOUT, || world.resource());
    the_rest_of_the_node_looks_again(world);
    let namespace = ["--namespace", &world.namespace];
    let delete = [&["delete"], &CHILDREN[..], &namespace].concat();
    world.lab.kubernetes.kubectl(&delete);
    let get = ["get", "--ignore-not-found", "--output=name"];
    let get = [&get[..], &CHILDREN[..], &namespace].concat();
    until("the operator has made them again", ROLLOUT, || {
        (world.lab.kubernetes.kubectl(&get).lines().count() == CHILDREN.len()).then_some(())
    });
}
