use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// How a herd that comes back is let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Admission {
    /// `Staged` opens slice by slice; `Open` lets everyone in at once; `Closed` nobody but `alwaysAllow`, and those who are
    /// in stay in; in `Manual` the level moves by hand; `DryRun` counts whom `Staged` would hold, and holds nobody.
    #[serde(default)]
    pub mode: AdmissionMode,
    /// Number of slices, a power of two.
    #[serde(default = "default_slices")]
    #[schemars(range(min = 1, max = 65536))]
    #[x_kube(validation = Rule::new("self in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]")
        .message("must be a power of two from 1 to 65536"))]
    pub slices: i32,
    #[serde(default)]
    pub slicing: Slicing,
    /// Addresses that pass whatever the level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::cidrs")]
    pub always_allow: Vec<String>,
    /// How long clients wait for a CONNACK before they start again.
    #[serde(default = "default_patience")]
    #[schemars(range(min = 1, max = 60))]
    pub patience_seconds: i32,
    /// Whether the patience is learned from clients that give up; `patienceSeconds` is then where it starts.
    #[serde(default = "default_patience_learning")]
    pub patience_learning: bool,
    /// Within this all slices are open, counted while shards are well enough and nobody pauses; 0: no such end. In mode
    /// `Staged` alone.
    #[serde(default = "default_max_blocked")]
    #[schemars(range(min = 0, max = 86_400))]
    pub max_blocked_seconds: i32,
    /// Cap of one edge's entering limit; 0 leaves it to the control loop alone.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub entering_limit: i32,
    /// Clients that one shard lets settle at a time.
    #[serde(default = "default_settle_limit")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub settle_limit: i32,
    /// TLS handshakes at a time in one edge.
    #[serde(default = "default_handshake_limit")]
    #[schemars(range(min = 1, max = 100_000))]
    pub handshake_limit: i32,
    /// Refused clients that one edge holds at a time.
    #[serde(default = "default_hold_budget")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub hold_budget: i32,
    /// Clients that one edge lets wait after CONNECT, where client ids and not addresses tell the slice; each takes some
    /// 30 KB with TLS. Without room for one, nobody from a crowded address would come in.
    #[serde(default = "default_client_hold_budget")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub client_hold_budget: i32,
    /// An address with more clients than this in the census is sliced by client id, as behind a carrier's NAT.
    #[serde(default = "default_crowded")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub crowded_address_clients: i32,
    /// Networks of nodes and pods: when nearly all clients come from there, a balancer hides their addresses, and slices
    /// go by client id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::cidrs")]
    pub node_networks: Vec<String>,
    /// How often edges count their clients for the census.
    #[serde(default = "default_census")]
    #[schemars(range(min = 1, max = 3_600))]
    pub census_seconds: i32,
    /// All slices open and no reopening for so long, and the count replaces the census.
    #[serde(default = "default_quiet")]
    #[schemars(range(min = 1, max = 86_400))]
    pub quiet_seconds: i32,
    /// Records of reopenings that are kept; older ones are deleted.
    #[serde(default = "default_reopenings_kept")]
    #[schemars(range(min = 0, max = 100))]
    pub reopenings_kept: i32,
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            mode: AdmissionMode::default(),
            slices: default_slices(),
            slicing: Slicing::default(),
            always_allow: Vec::new(),
            patience_seconds: default_patience(),
            patience_learning: default_patience_learning(),
            max_blocked_seconds: default_max_blocked(),
            entering_limit: 0,
            settle_limit: default_settle_limit(),
            handshake_limit: default_handshake_limit(),
            hold_budget: default_hold_budget(),
            client_hold_budget: default_client_hold_budget(),
            crowded_address_clients: default_crowded(),
            node_networks: Vec::new(),
            census_seconds: default_census(),
            quiet_seconds: default_quiet(),
            reopenings_kept: default_reopenings_kept(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AdmissionMode {
    Open,
    #[default]
    Staged,
    Closed,
    Manual,
    DryRun,
}

/// How client addresses are cut into slices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.type == 'CIDRList') == (has(self.ranges) && self.ranges.size() > 0)")
    .message("`ranges` must be specified when `type` is 'CIDRList' and may not be specified otherwise"))]
pub struct Slicing {
    /// `PrefixHash` mixes address prefixes; `CIDRList` opens named ranges in their order; `Ranges` opens neighbouring addresses
    /// together, equal numbers of clients in each slice; `ClientIdHash` goes by client ids, where addresses are not those of
    /// clients.
    #[serde(default, rename = "type")]
    pub type_: SlicingType,
    /// IPv4 addresses with equal bits up to here stay together.
    #[serde(default = "default_prefix_v4")]
    #[schemars(range(min = 1, max = 32))]
    pub prefix_length_v4: i32,
    /// IPv6 addresses with equal bits up to here stay together.
    #[serde(default = "default_prefix_v6")]
    #[schemars(range(min = 1, max = 128))]
    pub prefix_length_v6: i32,
    /// Ranges in the order in which they open; all other addresses come last.
    // atomic: a merge by name would not keep an order that was changed
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 256),
        extend("x-kubernetes-list-type" = "atomic")
    )]
    #[x_kube(validation = Rule::new("self.all(r, self.exists_one(o, o.name == r.name))")
        .message("each `name` must be used once"))]
    pub ranges: Vec<AddressRange>,
}

impl Default for Slicing {
    fn default() -> Self {
        Self {
            type_: SlicingType::default(),
            prefix_length_v4: default_prefix_v4(),
            prefix_length_v6: default_prefix_v6(),
            ranges: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SlicingType {
    #[serde(rename = "CIDRList")]
    CidrList,
    #[default]
    PrefixHash,
    Ranges,
    ClientIdHash,
}

/// A named range of client addresses; no two ranges may overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressRange {
    #[schemars(
        length(min = 1, max = 15),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    #[x_kube(validation = Rule::new("self != 'others'")
        .message("must not be 'others': so are called the addresses that match no range"))]
    pub name: String,
    #[schemars(schema_with = "schema::some_cidrs")]
    pub cidrs: Vec<String>,
}

fn default_slices() -> i32 {
    256
}

fn default_patience() -> i32 {
    5
}

fn default_patience_learning() -> bool {
    true
}

fn default_max_blocked() -> i32 {
    900
}

fn default_settle_limit() -> i32 {
    1000
}

fn default_handshake_limit() -> i32 {
    64
}

fn default_hold_budget() -> i32 {
    20_000
}

fn default_client_hold_budget() -> i32 {
    4_000
}

fn default_crowded() -> i32 {
    32
}

fn default_census() -> i32 {
    60
}

fn default_quiet() -> i32 {
    600
}

fn default_reopenings_kept() -> i32 {
    10
}

fn default_prefix_v4() -> i32 {
    24
}

fn default_prefix_v6() -> i32 {
    56
}
