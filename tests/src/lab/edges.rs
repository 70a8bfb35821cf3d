//! The pods of a cluster, and what its edges say of themselves.

use std::net::SocketAddr;

use serde_json::Value;

use super::kubernetes::Kubernetes;

/// One pod as a restart would change it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pod {
    pub name: String,
    pub uid: String,
    pub restarts: u64,
}

/// A ready pod's container port by name.
pub fn address(pod: &Value, port: &str) -> Option<SocketAddr> {
    let ip = pod["status"]["podIP"].as_str()?.parse().ok()?;
    let ports = pod.pointer("/spec/containers/0/ports")?.as_array()?;
    let number = ports.iter().find(|known| known["name"] == port)?["containerPort"].as_u64()?;
    Some(SocketAddr::new(ip, u16::try_from(number).ok()?))
}

pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    ready && pod["metadata"]["deletionTimestamp"].is_null()
}

/// The pods of one kind in a namespace.
pub struct Pods<'a> {
    pub kubernetes: &'a Kubernetes,
    pub namespace: &'a str,
    /// Label selector.
    pub selector: String,
}

impl Pods<'_> {
    pub fn list(&self) -> Vec<Value> {
        let selector = self.selector.replace('=', "%3D").replace(',', "%2C");
        self.kubernetes.list(&format!(
            "/api/v1/namespaces/{}/pods?labelSelector={selector}",
            self.namespace
        ))
    }

    pub fn ready(&self) -> Vec<Value> {
        self.list().into_iter().filter(is_ready).collect()
    }

    pub fn identities(&self) -> Vec<Pod> {
        let mut pods: Vec<Pod> = self.list().iter().map(identity).collect();
        pods.sort();
        pods
    }

    /// `/status` of each pod that answers.
    pub fn statuses(&self) -> Vec<Value> {
        let pods = self.list();
        pods.iter()
            .filter_map(|pod| {
                let port = address(pod, "admin")?.port();
                let name = pod["metadata"]["name"].as_str()?;
                self.kubernetes.get(&format!(
                    "/api/v1/namespaces/{}/pods/{name}:{port}/proxy/status",
                    self.namespace
                ))
            })
            .collect()
    }

    /// The sum of a number of `/status` over the pods.
    pub fn sum(&self, pointer: &str) -> u64 {
        let statuses = self.statuses();
        statuses.iter().map(|status| number(status, pointer)).sum()
    }
}

pub fn number(status: &Value, pointer: &str) -> u64 {
    let found = status.pointer(pointer).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("/status has no number at {pointer}: {status}"))
}

fn identity(pod: &Value) -> Pod {
    let statuses = pod.pointer("/status/containerStatuses");
    let restarts = statuses.and_then(Value::as_array).into_iter().flatten();
    Pod {
        name: pod["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        uid: pod["metadata"]["uid"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        restarts: restarts
            .filter_map(|status| status["restartCount"].as_u64())
            .sum(),
    }
}
