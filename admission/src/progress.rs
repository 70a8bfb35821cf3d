//! What the admin port tells of a reopening, and what it is asked to do: the JSON of `/reopening`, `/admission`,
//! `/census` and `/explain`. Broker, operator and command line share these types.
//!
//! A reader takes what a later or earlier broker leaves out as nothing, and ignores what it does not know.

use serde::{Deserialize, Serialize};

/// Most points of a timeline.
pub const MOST_POINTS: usize = 200;
/// Most slices named as the slowest.
pub const MOST_SLOWEST: usize = 8;

/// How clients are let in, as people write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GateMode {
    #[default]
    Staged,
    Open,
    Closed,
    Manual,
    DryRun,
}

/// Where a reopening is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// There was none yet.
    #[default]
    None,
    /// Slices open, or clients of open slices are still on their way in.
    Ramping,
    /// Paused, or nothing opened and nobody came back for a while although clients wait.
    Holding,
    /// All slices are open and the herd is in.
    Open,
    /// Somebody opened all slices at once.
    Stopped,
}

/// What set a reopening off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trigger {
    #[default]
    None,
    /// Shards started and nobody had heard of a reopening before.
    Start,
    /// Shards started again.
    Restart,
    /// Far more arrivals than usual while everything was open.
    Overload,
    /// By hand.
    Manual,
}

/// Whether edges see the addresses of clients, as `/status` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressTrust {
    /// Too few clients were connected to judge; counts as trusted.
    #[default]
    Unknown,
    Trusted,
    /// Nearly all clients come from a few peers.
    FewPeers,
    /// Nearly all clients come from addresses of nodes or pods.
    Inside,
}

/// What the census says of clients' addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientAddresses {
    pub trust: AddressTrust,
    /// Clients of the census; 0 without one.
    pub clients: u64,
    /// Those of the few peers with most clients; addresses with a single client at one edge worker are not among them.
    pub of_few_peers: u64,
    /// Those whose addresses are of nodes or pods.
    pub inside: u64,
}

/// The answer of `/reopening`. An edge answers for the cluster as it hears it; what is of itself alone says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Progress {
    /// 0: there was none yet.
    pub number: u64,
    pub mode: GateMode,
    pub phase: Phase,
    pub trigger: Trigger,
    /// RFC 3339, when this process first heard of the number.
    pub started_at: Option<String>,
    /// RFC 3339; `None` while it goes on.
    pub finished_at: Option<String>,
    pub slices: u32,
    /// Slices under this are open.
    pub level: u32,
    /// Such as `PrefixHash`.
    pub slicing: String,
    /// Clients that the census expects; `None` without a census.
    pub expected: Option<u64>,
    /// Clients that are back and done coming back.
    pub settled: u64,
    pub entering: u64,
    pub settling: u64,
    /// Waiting in closed slices.
    pub held: u64,
    /// Waiting in open slices.
    pub door: u64,
    /// TLS handshakes that this process alone began since the reopening started.
    pub handshakes: u64,
    /// What keeps those who wait from coming in faster, such as `queue_wait`.
    pub limiting_signal: Option<String>,
    /// Ordinal of the shard whose signal that is.
    pub limiting_shard: Option<u32>,
    pub paused: bool,
    /// Until all are back at the present pace; `None` while nothing tells.
    pub eta_seconds: Option<u64>,
    pub forecast: Option<Forecast>,
    /// At most [`MOST_POINTS`], oldest first.
    pub timeline: Vec<Point>,
    /// At most [`MOST_SLOWEST`], slowest first; of this process's own clients.
    pub slowest: Vec<SlowSlice>,
    /// Where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_slice: Option<PerSlice>,
}

/// What was foreseen when the reopening started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    pub clients: u64,
    /// Until all are back.
    pub seconds: u64,
}

/// One moment of a reopening.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Point {
    /// Since the start of the reopening.
    pub seconds: u64,
    pub level: u32,
    pub settled: u64,
    pub held: u64,
    pub door: u64,
    pub entering: u64,
    pub settling: u64,
    pub limiting_signal: Option<String>,
}

/// A slice whose last client came in long after it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SlowSlice {
    pub slice: u32,
    /// Its named range, where there are any.
    pub range: Option<String>,
    /// From its opening to the last client that came in.
    pub seconds: u64,
    /// Clients that came in.
    pub entered: u32,
}

/// One number for each slice, in the order in which they open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PerSlice {
    /// Of the census; empty without one.
    pub expected: Vec<u32>,
    /// Clients let in during this reopening, of this process alone.
    pub entered: Vec<u32>,
}

/// What `/admission` is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Starts a reopening.
    Reopen,
    /// Freezes the level; what is open goes on letting in.
    Pause,
    Resume,
    /// Opens to the end of the range that is being opened.
    Skip,
    /// Opens all slices at once; the limits go on binding.
    Stop,
    /// In mode `Manual`: to a level.
    Advance,
}

impl Action {
    pub const ALL: [Self; 6] = [
        Self::Reopen,
        Self::Pause,
        Self::Resume,
        Self::Skip,
        Self::Stop,
        Self::Advance,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Reopen => "reopen",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Skip => "skip",
            Self::Stop => "stop",
            Self::Advance => "advance",
        }
    }

    /// The action of this name, in lower case.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.word() == word)
    }
}

/// The body of a request to `/admission`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steer {
    pub action: Action,
    /// For `advance` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
}

/// The answer of `/admission`: how the reopening is steered now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Steered {
    /// The reopening that it is about; after `reopen` the new one.
    pub reopening: u64,
    /// Grows with each change.
    pub revision: u64,
    pub paused: bool,
    /// The level that was asked for at least.
    pub at_least: u32,
    pub stopped: bool,
}

/// The body of every answer that is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refusal {
    pub error: String,
}

/// The answer of `/census`: who was connected before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CensusPage {
    pub clients: u64,
    /// RFC 3339; `None` without a census.
    pub taken_at: Option<String>,
    /// It stays as it was when the reopening started until that is over.
    pub is_frozen: bool,
    pub addresses: ClientAddresses,
    /// Those with most clients, most first.
    pub buckets: Vec<CensusBucket>,
    /// Addresses with more clients than one address may have before they are told apart by client id.
    pub crowded: Vec<CrowdedAddress>,
    /// In the order in which they open; empty unless ranges have names.
    pub ranges: Vec<CensusRange>,
}

/// Clients whose addresses begin alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CensusBucket {
    /// Such as `198.18.3.0/24`.
    pub prefix: String,
    pub clients: u64,
}

/// An address that many clients share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrowdedAddress {
    pub address: String,
    pub clients: u64,
}

/// A named range and its part of the slices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CensusRange {
    pub name: String,
    pub clients: u64,
    pub first_slice: u32,
    pub slices: u32,
}

/// How a client stands, as far as the process that was asked sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientState {
    Connected,
    Settling,
    Entering,
    /// At the open door.
    Waiting,
    /// Its slice is closed.
    Held,
    #[default]
    NotSeen,
}

/// The answer of `/explain`: why a client waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Explanation {
    /// The client id or address that was asked for.
    pub subject: String,
    pub address: Option<String>,
    pub slice: Option<u32>,
    /// The slice's named range, where there are any.
    pub range: Option<String>,
    pub level: u32,
    /// Whether its slice is open.
    pub is_open: bool,
    pub state: ClientState,
    /// RFC 3339, since when it stands like that, where known.
    pub since: Option<String>,
    /// One plain sentence for a person.
    pub reason: String,
}
