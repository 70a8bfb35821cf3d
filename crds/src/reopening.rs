use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Annotation of a Reopening by which people steer it: `pause`, `resume`, `skip` or `stop`. The operator takes it off
/// when it is done.
pub const STEER_ANNOTATION: &str = "herdgate.io/reopening";
/// Annotation of an MqttCluster: each new value starts a reopening.
pub const REOPEN_ANNOTATION: &str = "herdgate.io/reopen";

/// One passage of a cluster from closed to open: how it goes while it goes, and the record of it afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "herdgate.io",
    version = "v1alpha1",
    kind = "Reopening",
    plural = "reopenings",
    namespaced,
    status = "ReopeningStatus",
    derive = "PartialEq",
    shortname = "mqr",
    category = "herdgate",
    doc = "One passage of a cluster from closed to open: how it goes while it goes, and the record of it afterwards.",
    printcolumn(
        name = "Cluster",
        type_ = "string",
        json_path = ".spec.clusterRef.name"
    ),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Progress", type_ = "string", json_path = ".status.progress"),
    printcolumn(name = "Back", type_ = "string", json_path = ".status.back"),
    printcolumn(
        name = "Limiting",
        type_ = "string",
        json_path = ".status.limitingSignal"
    ),
    printcolumn(name = "ETA", type_ = "string", json_path = ".status.eta"),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Trigger",
        type_ = "string",
        json_path = ".status.trigger",
        priority = 1
    ),
    printcolumn(
        name = "Waiting",
        type_ = "integer",
        json_path = ".status.waiting",
        priority = 1
    ),
    validation = Rule::new("self.metadata.name.size() <= 61")
        .message("`metadata.name` must be the cluster's name, '-' and the number"),
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self == oldSelf").message("is fixed when the reopening begins"))]
pub struct ReopeningSpec {
    /// Cluster in the same namespace.
    pub cluster_ref: ClusterRef,
    /// Number of the reopening, which grows from one to the next.
    #[schemars(range(min = 1))]
    pub number: i64,
}

/// An MqttCluster in the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterRef {
    #[schemars(length(min = 1, max = 40))]
    pub name: String,
}

/// As the edges tell it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReopeningStatus {
    #[serde(default)]
    pub phase: ReopeningPhase,
    /// What set it off: `Start`, `Restart`, `Overload` or `Manual`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<ReopeningForecast>,
    /// Slices that are open.
    #[serde(default)]
    pub level: i32,
    #[serde(default)]
    pub slices: i32,
    /// Level of slices, such as `148/256`.
    #[serde(default)]
    pub progress: String,
    /// Clients that are back and done coming back.
    #[serde(default)]
    pub settled: i64,
    /// Clients that were connected before; absent without a census.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<i64>,
    /// Settled of expected, such as `4212/7000`.
    #[serde(default)]
    pub back: String,
    /// Clients that wait at the gate, in closed and in open slices.
    #[serde(default)]
    pub waiting: i64,
    #[serde(default)]
    pub entering: i64,
    #[serde(default)]
    pub settling: i64,
    /// What keeps the gate from opening faster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limiting_signal: Option<String>,
    /// Ordinal of the shard whose signal that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limiting_shard: Option<i32>,
    #[serde(default)]
    pub paused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<i64>,
    /// Time until all are back, such as `38s` or `4m10s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<String>,
    /// Oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), extend("x-kubernetes-list-type" = "atomic"))]
    pub timeline: Vec<TimelinePoint>,
    /// Slices whose last client came in latest after the slice was opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub slowest_slices: Vec<SlowestSlice>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ReopeningResult>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 8),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,
}

/// Where it is. One that begins by itself never waits for approval and begins with `Ramping`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReopeningPhase {
    #[default]
    Proposed,
    Approved,
    Ramping,
    Holding,
    Open,
    Stopped,
}

/// What was foreseen at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReopeningForecast {
    pub clients: i64,
    /// Until all are back.
    pub seconds: i64,
}

/// One moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelinePoint {
    /// Since the start.
    pub seconds: i64,
    pub level: i32,
    pub settled: i64,
    pub held: i64,
    pub door: i64,
    pub entering: i64,
    pub settling: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limiting_signal: Option<String>,
}

/// A slice that took long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlowestSlice {
    pub slice: i32,
    /// Its named range, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// From its opening to the last client that came in.
    pub seconds: i64,
    pub entered: i64,
}

/// How it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReopeningResult {
    pub outcome: ReopeningOutcome,
    pub seconds: i64,
    /// Clients that were back at the end.
    pub clients: i64,
    /// TLS handshakes that it took, over all edges; absent where another reopening began before they were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshakes: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReopeningOutcome {
    /// All slices are open and the herd is in.
    #[default]
    Open,
    /// Somebody opened all slices at once.
    Stopped,
    /// Another reopening began before this one was over.
    Superseded,
}
