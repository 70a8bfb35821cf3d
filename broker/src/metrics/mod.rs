//! Every figure the process tells: one registry, its families handed around by clone.

mod backend;
mod edge;
mod labels;
mod link;
mod login;
mod process;
mod registry;
mod shapes;
mod shard;
mod tls;
mod transport;
mod waits;

pub use backend::BackendMetrics;
pub use edge::EdgeMetrics;
pub use labels::{
    BackendOutcome, By, EdgeLimit, ExchangeOutcome, GateDecision, HandshakeFailure, Label,
    ListenerLabels, LoginDrop, MessageDrop, ProxyHeader, ReloadOutcome, ShardLimit, UpgradeOutcome,
    WaitReason,
};
pub use link::LinkMetrics;
pub use login::LoginMetrics;
pub use process::ProcessMetrics;
pub use registry::Metrics;
pub use shard::{ShardMetrics, StateMetrics};
pub use tls::TlsMetrics;
pub use transport::TransportMetrics;
pub use waits::WaitMetrics;
