//! The JSON of `/status`.

use std::sync::Arc;

use herdgate_admission::progress::{ClientAddresses, Phase, Trigger};
use herdgate_admission::report::{ShardReport, Verdict};
use serde::Serialize;

use crate::config::{Mode, Role};

/// Asked at each request; must not block.
pub type StatusSource = Arc<dyn Fn() -> Status + Send + Sync>;

/// What the process would tell a person who asks what is going on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub role: Role,
    pub mode: Mode,
    /// Number of the reopening.
    pub reopening: u64,
    pub phase: Phase,
    pub trigger: Trigger,
    pub paused: bool,
    pub level: u32,
    pub slices: u32,
    /// How long clients are taken to wait for a CONNACK.
    pub patience_ms: u64,
    pub entering: u32,
    pub entering_limit: u32,
    pub settling: u32,
    pub settle_limit: u32,
    pub held: u32,
    pub door: u32,
    pub connected: u32,
    /// What the level waits for, such as `queue_wait`; `None` when nothing limits.
    pub limiting_signal: Option<String>,
    /// Whether edges see the addresses of clients, by the census.
    pub client_addresses: ClientAddresses,
    /// The limiting signal has been hard for two minutes: somebody has to act.
    pub stalled: bool,
    pub handshakes: HandshakeStatus,
    pub shards: Vec<ShardStatus>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HandshakeStatus {
    pub started: u64,
    pub completed: u64,
    pub failed: u64,
}

/// A shard as this process last heard of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShardStatus {
    pub shard: u32,
    pub boot_epoch: u64,
    pub reopening: u64,
    pub level: u32,
    /// `Good`, `Bad` or `Hard`.
    pub verdict: Verdict,
    pub signal: Option<String>,
    pub connected: u32,
    pub settling: u32,
    pub settle_limit: u32,
    pub attaching: u32,
}

impl From<&ShardReport> for ShardStatus {
    fn from(report: &ShardReport) -> Self {
        Self {
            shard: report.shard,
            boot_epoch: report.boot_epoch,
            reopening: report.reopening.0,
            level: report.level,
            verdict: report.verdict,
            signal: report.signal.clone(),
            connected: report.connected,
            settling: report.settling,
            settle_limit: report.settle_limit,
            attaching: report.attaching,
        }
    }
}
