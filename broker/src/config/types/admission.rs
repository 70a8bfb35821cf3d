//! How an edge lets clients in: the gate, and how it is sliced.

use std::num::NonZeroU32;
use std::time::Duration;

use herdgate_admission::progress::GateMode;
use herdgate_admission::tuning::Tuning;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

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
