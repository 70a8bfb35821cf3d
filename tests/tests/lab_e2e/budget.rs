//! The edges' disruption budget comes and goes with the nodes that they stand on.
//!
//! The lab has one node, so a second one joins that is but an entry at the API server: the scheduler puts an edge
//! there, and the test says in the kubelet's place that it is ready. All the rest is as on any cluster.

use std::cell::Cell;
use std::collections::BTreeMap;

use herdgate_tests::lab::kubernetes::ROLLOUT;
use herdgate_tests::lab::step;
use herdgate_tests::wait::until;
use serde_json::{Value, json};

use crate::world::{CLUSTER, World};

/// Its name says who left it behind, should anything ever be left.
const SECOND: &str = "herdgate-test-second";

pub(crate) fn a_budget_stands_over_edges_on_two_nodes_alone(world: &World<'_>) {
    if !world.lab.is_our_own() {
        return step("nodes of a cluster that somebody named are left alone: left out");
    }
    assert_eq!(budgets(world), 0, "both edges stand on the lab's only node");
    let before = node_of_edges(world);
    let node = SecondNode::join(world);
    scale_edges(world, 3);
    until("edges on two nodes have a budget", ROLLOUT, || {
        node.keep_ready();
        node.send_back(&before);
        (budgets(world) == 1).then_some(())
    });
    node.drain();
    until("edges on one node have none", ROLLOUT, || {
        (budgets(world) == 0).then_some(())
    });
    scale_edges(world, 2);
    until("two edges are left", ROLLOUT, || {
        (world.edges().list().len() == 2 && world.edges().ready().len() == 2).then_some(())
    });
}

fn budgets(world: &World<'_>) -> usize {
    let path = format!(
        "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
        world.namespace
    );
    world.lab.kubernetes.list(&path).len()
}

/// The edges that have a node, with its name.
fn node_of_edges(world: &World<'_>) -> BTreeMap<String, String> {
    let pods = world.edges().list();
    let placed = pods.iter().filter_map(|pod| {
        let name = pod["metadata"]["name"].as_str()?;
        Some((
            name.to_owned(),
            pod["spec"]["nodeName"].as_str()?.to_owned(),
        ))
    });
    placed.collect()
}

fn scale_edges(world: &World<'_>, replicas: u32) {
    let patch = json!({"spec": {"edge": {"replicas": replicas}}}).to_string();
    let object = format!("mqttcluster/{CLUSTER}");
    world.lab.kubernetes.kubectl(&[
        "patch",
        "--namespace",
        &world.namespace,
        &object,
        "--type=merge",
        "--patch",
        &patch,
    ]);
}

/// The only node that takes new pods while it is there.
struct SecondNode<'a> {
    world: &'a World<'a>,
    first: String,
    beats: Cell<u32>,
}

impl<'a> SecondNode<'a> {
    fn join(world: &'a World<'a>) -> Self {
        let nodes = world.lab.kubernetes.list("/api/v1/nodes");
        let first = nodes[0]["metadata"]["name"].as_str().unwrap().to_owned();
        let node = Self {
            world,
            first,
            beats: Cell::new(0),
        };
        world.lab.kubernetes.apply(&json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": SECOND, "labels": {"kubernetes.io/hostname": SECOND, "kubernetes.io/os": "linux"}},
        }));
        node.cordon(&node.first);
        node
    }

    /// What a kubelet would say of itself and of the edges it was given.
    fn keep_ready(&self) {
        let beat = self.beats.get() + 1;
        self.beats.set(beat);
        // the node's controller looks whether this changes, not what it is
        let heartbeat = format!("2000-01-01T00:{:02}:{:02}Z", beat / 60 % 60, beat % 60);
        let room = json!({"cpu": "8", "memory": "8Gi", "pods": "10", "ephemeral-storage": "8Gi"});
        self.patch_status(
            &["node", SECOND],
            &json!({
                "capacity": room, "allocatable": room,
                "conditions": [{
                    "type": "Ready", "status": "True", "reason": "Told", "message": "",
                    "lastHeartbeatTime": heartbeat, "lastTransitionTime": "2000-01-01T00:00:00Z",
                }],
            }),
        );
        for pod in self.edges() {
            self.patch_status(
                &["pod", &pod, "--namespace", &self.world.namespace],
                &json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
            );
        }
    }

    fn patch_status(&self, object: &[&str], status: &Value) {
        let patch = json!({ "status": status }).to_string();
        let mut arguments = vec!["patch", "--subresource=status", "--patch", &patch];
        arguments.extend(object);
        self.world.lab.kubernetes.kubectl(&arguments);
    }

    fn edges(&self) -> Vec<String> {
        let pods = self.world.edges().list();
        let here = pods.iter().filter(|pod| pod["spec"]["nodeName"] == SECOND);
        here.filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
            .collect()
    }

    /// A scheduler whose API server was away may place by what it knew before, on a node that takes no new pods: then again.
    fn send_back(&self, before: &BTreeMap<String, String>) {
        for (pod, node) in node_of_edges(self.world) {
            if node == self.first && !before.contains_key(&pod) {
                self.delete(&pod, &["--wait=false"]);
            }
        }
    }

    /// Its edges go to the first node; without a kubelet nobody else can say that they have ended.
    fn drain(&self) {
        self.cordon(SECOND);
        self.world
            .lab
            .kubernetes
            .kubectl(&["uncordon", &self.first]);
        for pod in self.edges() {
            self.delete(&pod, &["--force", "--grace-period=0"]);
        }
    }

    fn delete(&self, pod: &str, how: &[&str]) {
        let mut arguments = vec!["delete", "pod", pod, "--namespace", &self.world.namespace];
        arguments.extend(how);
        self.world.lab.kubernetes.kubectl(&arguments);
    }

    fn cordon(&self, node: &str) {
        self.world.lab.kubernetes.kubectl(&["cordon", node]);
    }
}

impl Drop for SecondNode<'_> {
    fn drop(&mut self) {
        let kubernetes = &self.world.lab.kubernetes;
        kubernetes.told(&format!("uncordon {}", self.first));
        kubernetes.told(&format!("delete node {SECOND} --ignore-not-found"));
    }
}
