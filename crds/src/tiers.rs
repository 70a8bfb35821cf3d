//! The two tiers: edges without state, shards with a volume each.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pods::{Drain, Resources, Scheduling};

/// The edge tier: a Deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// Number of edge pods.
    #[serde(default = "default_edges")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: i32,
    #[serde(default)]
    pub resources: Resources,
    #[serde(default)]
    pub scheduling: Scheduling,
    #[serde(default)]
    pub drain: Drain,
}

impl Default for Edge {
    fn default() -> Self {
        Self {
            replicas: default_edges(),
            resources: Resources::default(),
            scheduling: Scheduling::default(),
            drain: Drain::default(),
        }
    }
}

/// The shard tier: a StatefulSet with a volume for each pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shards {
    /// Number of shards.
    #[serde(default = "default_shards")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: i32,
    #[serde(default)]
    pub resources: Resources,
    #[serde(default)]
    pub scheduling: Scheduling,
    #[serde(default = "default_shard_drain")]
    pub drain: Drain,
    #[serde(default)]
    pub persistence: Persistence,
    /// How often `$SYS/broker/...` is written, where it changed. 0: never.
    #[serde(default = "default_sys_interval")]
    #[schemars(range(min = 0, max = 86_400))]
    pub sys_interval_seconds: i32,
}

impl Default for Shards {
    fn default() -> Self {
        Self {
            replicas: default_shards(),
            resources: Resources::default(),
            scheduling: Scheduling::default(),
            drain: default_shard_drain(),
            persistence: Persistence::default(),
            sys_interval_seconds: default_sys_interval(),
        }
    }
}

/// The volume of each shard. Everything but the retention policy is fixed when the cluster is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.size == oldSelf.size")
    .message("`size` must not be changed: volumes cannot be resized yet")
    .field_path(".size")
    .reason(Reason::FieldValueForbidden))]
#[x_kube(validation = Rule::new("has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)")
    .message("`storageClassName` must not be changed")
    .reason(Reason::FieldValueForbidden))]
#[x_kube(validation = Rule::new("self.accessMode == oldSelf.accessMode")
    .message("`accessMode` must not be changed")
    .field_path(".accessMode")
    .reason(Reason::FieldValueForbidden))]
pub struct Persistence {
    /// Size of the volume.
    #[serde(default = "default_size")]
    #[schemars(
        length(max = 20),
        regex(pattern = r"^[1-9][0-9]*(\.[0-9]+)?([KMGTP]i|[kMGTP])?$")
    )]
    pub size: String,
    /// Storage class; without it, the cluster's default class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
    #[serde(default)]
    pub access_mode: AccessMode,
    /// What becomes of the volumes when the cluster is deleted.
    #[serde(default)]
    pub retention_policy: RetentionPolicy,
}

impl Default for Persistence {
    fn default() -> Self {
        Self {
            size: default_size(),
            storage_class_name: None,
            access_mode: AccessMode::default(),
            retention_policy: RetentionPolicy::default(),
        }
    }
}

/// How a volume may be mounted; `ReadWriteOncePod` needs a CSI driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AccessMode {
    #[default]
    ReadWriteOnce,
    ReadWriteOncePod,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RetentionPolicy {
    #[default]
    Retain,
    Delete,
}

fn default_edges() -> i32 {
    2
}

fn default_shards() -> i32 {
    1
}

fn default_sys_interval() -> i32 {
    10
}

fn default_size() -> String {
    "10Gi".into()
}

/// No balancer stands in front of a shard, so nothing needs time to notice.
fn default_shard_drain() -> Drain {
    Drain {
        delay_seconds: 0,
        ..Drain::default()
    }
}
