//! The configuration as the rest of the program sees it: every value checked, every default filled in.

mod admission;
mod authentication;
mod listener;
mod shard;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use admission::*;
pub use authentication::*;
pub use listener::*;
pub use shard::*;

/// What this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Standalone,
    Edge,
    Shard,
}

/// A whole, valid configuration for one role.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // one for each process, made once
pub enum Config {
    Standalone(Standalone),
    Edge(Edge),
    Shard(Shard),
}

impl Config {
    pub fn common(&self) -> &Common {
        match self {
            Self::Standalone(config) => &config.common,
            Self::Edge(config) => &config.common,
            Self::Shard(config) => &config.common,
        }
    }
}

/// Edge and shard workers in one process.
#[derive(Clone, Debug)]
pub struct Standalone {
    pub common: Common,
    pub edge: EdgeSettings,
    pub shard: ShardSettings,
}

/// The edge tier: sockets, TLS, the gate, authentication.
#[derive(Clone, Debug)]
pub struct Edge {
    pub common: Common,
    pub edge: EdgeSettings,
    pub links: EdgeLinks,
}

/// A shard: sessions, subscriptions, retained messages.
#[derive(Clone, Debug)]
pub struct Shard {
    pub common: Common,
    pub shard: ShardSettings,
    pub link: ShardLink,
}

#[derive(Clone, Debug)]
pub struct Common {
    /// Seeds the slice order.
    pub cluster: String,
    pub admin: SocketAddr,
    /// What those show who may steer a reopening; `None`: nobody may.
    pub admin_token_file: Option<PathBuf>,
    pub log: Log,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub level: LogLevel,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// What standalone and edge share.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// Unique in the cluster; the host name unless configured.
    pub id: String,
    pub workers: NonZeroUsize,
    /// Never empty; names and addresses are unique.
    pub listeners: Vec<Listener>,
    pub authentication: Authentication,
    pub admission: Admission,
    pub drain: Drain,
}

/// Where an edge finds its shards.
#[derive(Clone, Debug)]
pub struct EdgeLinks {
    /// `host:port`, never empty; resolved at each connect.
    pub shards: Vec<String>,
    pub token_file: PathBuf,
}

#[derive(Clone, Debug)]
pub struct ShardLink {
    pub address: SocketAddr,
    pub token_file: PathBuf,
}

/// How a process that must go lets its clients go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// Between readiness off and the first close.
    pub delay: Duration,
    pub clients_per_second: NonZeroU32,
}
