//! The configuration as the rest of the program sees it: every value checked, every default filled in.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use herdgate_admission::keeper::KeeperSettings;
use herdgate_admission::progress::GateMode;
use herdgate_admission::tuning::Tuning;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::http_url::HttpUrl;
use super::pattern::ClientIdPattern;
use crate::link::ListenerLimits;

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

/// What standalone and shard share.
#[derive(Clone, Debug)]
pub struct ShardSettings {
    pub ordinal: u32,
    /// Shards of the cluster; more than `ordinal`.
    pub count: u32,
    pub workers: NonZeroUsize,
    /// Where admission is kept over a restart.
    pub data_directory: Option<PathBuf>,
    pub keeper: KeeperSettings,
    /// Clients that may be settling at once.
    pub settle_limit: NonZeroU32,
    pub tuning: Tuning,
    pub patience: Duration,
    pub mode: Mode,
    pub drain: Drain,
    pub routing: Routing,
    pub limits: Limits,
    /// Between two looks at what `$SYS` tells; zero: it tells nothing.
    pub system_interval: Duration,
}

#[derive(Clone, Debug)]
pub struct ShardLink {
    pub address: SocketAddr,
    pub token_file: PathBuf,
}

#[derive(Clone, Debug)]
pub struct Listener {
    pub name: String,
    pub address: SocketAddr,
    /// `Some` for mqtts and wss, `None` for mqtt and ws.
    pub tls: Option<Tls>,
    /// `Some` for ws and wss, `None` for mqtt and mqtts.
    pub web_socket: Option<WebSocket>,
    /// `None`: clients connect directly.
    pub proxy_protocol: Option<ProxyProtocol>,
    pub max_connections: NonZeroU32,
    /// From the end of TLS (or the accept without) to a whole CONNECT.
    pub connect_timeout: Duration,
    /// Bytes of the largest whole MQTT packet that a client may send.
    pub max_packet_bytes: u32,
    pub max_client_id_bytes: u16,
    /// Both ways; 0: none.
    pub topic_alias_maximum: u16,
    /// What a shard holds its clients to, beside its own limits.
    pub limits: ListenerLimits,
    /// Packets of one client a second; `None`: as many as it likes.
    pub publish_rate: Option<NonZeroU32>,
    pub subscribe_rate: Option<NonZeroU32>,
    /// How long a client may take nothing while packets wait for it.
    pub unread_timeout: Duration,
    /// `None`: no cap.
    pub max_keep_alive_seconds: Option<u16>,
    /// Methods of enhanced authentication; `None`: those that the password file has users for.
    pub authentication_methods: Option<Vec<AuthenticationMethod>>,
    /// How long sent data may stay unacknowledged; `None`: as the kernel likes, some 15 minutes.
    pub tcp_user_timeout: Option<Duration>,
}

/// A method of MQTT 5's enhanced authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum AuthenticationMethod {
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
}

/// Balancers pass clients on, and say in a header whose connection it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyProtocol {
    /// Where balancers connect from. Never empty.
    pub trusted: Vec<IpNet>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    pub certificate_file: PathBuf,
    pub private_key_file: PathBuf,
    pub client_auth: ClientAuth,
    pub min_version: TlsVersion,
    pub alpn: Alpn,
}

/// What is agreed on to be spoken within TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// Whatever a client offers, nothing is agreed on: MQTT.
    None,
    /// `http/1.1`; who offers others only is refused.
    Http1,
}

/// What a request for WebSocket is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocket {
    /// Begins with `/`.
    pub path: String,
    pub allowed_origins: AllowedOrigins,
}

/// Pages of which origins may connect. Who names none is no browser, and may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedOrigins {
    Any,
    /// Those of the host that was asked, and these.
    OwnAnd(Vec<String>),
}

/// Whether a listener asks its clients for a certificate, and by which authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    None,
    Optional { ca_file: PathBuf },
    Required { ca_file: PathBuf },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum TlsVersion {
    #[serde(rename = "1.2")]
    V12,
    #[serde(rename = "1.3")]
    V13,
}

#[derive(Clone, Debug)]
pub struct Authentication {
    pub anonymous: Anonymous,
    pub password_file: Option<PathBuf>,
    /// Judges logins with a password whose user is not in the file.
    pub http: Option<HttpBackend>,
    pub client_id_pattern: ClientIdPattern,
    pub hashing_threads: NonZeroUsize,
    /// Before the next password of a user is looked at.
    pub wrong_password_wait: GrowingWait,
    pub flapping: Flapping,
}

/// Where logins are judged by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpBackend {
    pub url: HttpUrl,
    /// For one request, connecting included.
    pub timeout: Duration,
    /// Requests at once; the others wait.
    pub concurrency: NonZeroUsize,
    /// `None`: the system's authorities.
    pub ca_file: Option<PathBuf>,
    /// What it is shown with each login.
    pub token_file: Option<PathBuf>,
}

/// Doubles from `first` to `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrowingWait {
    /// Zero: there are no waits.
    pub first: Duration,
    pub longest: Duration,
}

/// Clients that are attached and gone again, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flapping {
    /// An end that comes sooner is fast; zero: none is.
    pub within: Duration,
    /// Fast ends that cost nothing.
    pub free_ends: u32,
    pub wait: GrowingWait,
}

impl Authentication {
    /// Without certificates, nobody could log in.
    pub(super) fn admits_nobody(&self) -> bool {
        self.anonymous == Anonymous::Never && self.password_file.is_none() && self.http.is_none()
    }
}

/// Who may come without any credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Anonymous {
    Never,
    Loopback,
    Always,
}

#[derive(Clone, Debug)]
pub struct Admission {
    pub mode: Mode,
    pub slices: Slices,
    pub slicing: Slicing,
    pub always_allow: Vec<IpNet>,
    pub patience: Duration,
    /// Cap of this edge's entering limit; `None`: the law alone.
    pub entering_limit: Option<NonZeroU32>,
    /// Concurrent TLS handshakes of this process, in every mode.
    pub handshake_limit: NonZeroU32,
    /// Whether the patience is learned from clients; `patience` is what to start with then.
    pub patience_learning: bool,
    pub tuning: Tuning,
    /// Sockets held before the gate.
    pub hold_budget: u32,
    /// Clients held after CONNECT.
    pub client_hold_budget: u32,
    /// An address with more clients in the census is sliced by client id.
    pub crowded_address_clients: NonZeroU32,
    /// Addresses of nodes and pods, which are never those of clients.
    pub node_networks: Vec<IpNet>,
    pub count_every: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// No gate, no entering or settle limit; the handshake bound and the login pool stay.
    Open,
    Staged,
    /// Nobody but `alwaysAllow` comes in.
    Closed,
    /// The level moves by hand alone.
    Manual,
    /// Decides and counts as `Staged` does, and holds nobody.
    DryRun,
}

impl Mode {
    /// Whether limits bind.
    pub fn binds(self) -> bool {
        !matches!(self, Self::Open | Self::DryRun)
    }
}

impl From<Mode> for GateMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Open => Self::Open,
            Mode::Staged => Self::Staged,
            Mode::Closed => Self::Closed,
            Mode::Manual => Self::Manual,
            Mode::DryRun => Self::DryRun,
        }
    }
}

/// How many slices the address space has: a power of two, 1..=65536.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slices(u32);

impl Slices {
    pub const MAX: u32 = 65_536;

    pub fn new(count: u32) -> Option<Self> {
        (count.is_power_of_two() && count <= Self::MAX).then_some(Self(count))
    }

    pub fn get(self) -> u32 {
        self.0
    }
}

/// How an address finds its slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slicing {
    PrefixHash(PrefixLengths),
    /// Named ranges in the order in which they open; `PrefixHash` within each.
    CidrList {
        ranges: Vec<AddressRange>,
        within: PrefixLengths,
    },
    /// Neighbours together, equal numbers of clients in each slice, by the census.
    Ranges(PrefixLengths),
    ClientIdHash,
}

/// Addresses with the same prefix share a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixLengths {
    /// 1..=32
    pub v4: u8,
    /// 1..=128
    pub v6: u8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressRange {
    pub name: String,
    /// Never empty.
    pub cidrs: Vec<IpNet>,
}

/// How a process that must go lets its clients go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// Between readiness off and the first close.
    pub delay: Duration,
    pub clients_per_second: NonZeroU32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    /// The topic level (from 0) that is a topic's key; `None`: the whole topic.
    pub topic_key_level: Option<u16>,
    /// Several shards that know nothing of each other.
    pub isolated_shards: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Per client.
    pub max_queued_messages: NonZeroU32,
    /// Per client.
    pub max_queued_bytes: u32,
    /// Outbound QoS 1 and 2 window when the client names none.
    pub max_inflight: u16,
    /// Inbound QoS 1 window, of every client; at least 1.
    pub receive_maximum: u16,
    pub max_topic_bytes: u16,
    /// 1..=128
    pub max_topic_levels: u8,
    /// Per client.
    pub max_subscriptions: NonZeroU32,
    /// 0: no session outlives its connection.
    pub max_session_expiry_seconds: u32,
    /// Per shard.
    pub max_kept_sessions: u32,
    /// Per shard, waiting for all its clients.
    pub max_total_queued_bytes: u32,
    /// Per shard.
    pub max_retained_messages: u32,
    /// Per shard.
    pub max_retained_bytes: u32,
}
