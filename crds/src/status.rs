use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the operator sees of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MqttClusterStatus {
    /// Generation of the spec that the rest of the status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<TierStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<TierStatus>,
    /// Clients connected, over all edges; absent while no edge can be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission: Option<AdmissionStatus>,
    /// Value of the annotation `herdgate.io/reopen` that was acted on last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopen_handled: Option<String>,
    /// Addresses under which clients reach the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "atomic"))]
    pub endpoints: Vec<Endpoint>,
}

/// Pods of one tier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TierStatus {
    /// Pods that exist.
    pub replicas: i32,
    /// Pods that are ready and run with the wanted settings.
    pub ready_replicas: i32,
    /// Ready of wanted, such as `2/2`.
    pub summary: String,
    /// Label selector of the pods.
    pub selector: String,
}

/// The gate, as the edge with the highest reopening number and level tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionStatus {
    /// Mode in which the edges run.
    pub mode: String,
    /// Number of the reopening.
    pub reopening: i64,
    /// Where it is: `None`, `Ramping`, `Holding`, `Open` or `Stopped`.
    #[serde(default)]
    pub phase: String,
    #[serde(default)]
    pub paused: bool,
    /// `limitingSignal` has been hard for two minutes: somebody has to act.
    #[serde(default)]
    pub stalled: bool,
    /// Slices that are open.
    pub level: i32,
    pub slices: i32,
    /// Level of slices, such as `148/256`.
    pub summary: String,
    /// Clients that wait in closed slices, over all edges.
    pub held: i64,
    /// Clients let in whose CONNACK is not yet sent, over all edges.
    pub entering: i64,
    /// Clients with a CONNACK that are not done coming back, over all shards.
    pub settling: i64,
    /// What keeps the gate from opening further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limiting_signal: Option<String>,
}

/// One way to reach one listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Name of the listener.
    pub listener: String,
    /// Address or host name.
    pub address: String,
    pub port: i32,
}
