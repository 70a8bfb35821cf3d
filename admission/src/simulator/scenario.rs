//! What is simulated: a fleet, what it comes back to, what goes wrong meanwhile, and who lets it in.

use std::time::Duration;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    pub name: String,
    pub law: Law,
    pub slicing: SlicingType,
    pub herd: Herd,
    pub capacity: Capacity,
    pub faults: Vec<Fault>,
    /// The run ends after this even when clients are missing.
    pub at_most: Duration,
    /// Two runs of the same seed are the same.
    pub seed: u64,
}

/// Who decides how many may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// This library's.
    Staged,
    /// Nobody: whoever knocks comes in.
    Open,
    /// So many may be coming back at a time, over all edges.
    Constant(u32),
    /// As many as keep the 95th percentile of the waits for a core under this: some more while it does, half when not.
    Aimd(Duration),
}

/// How slices are cut under this library's law.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SlicingType {
    #[default]
    PrefixHash,
    Ranges,
    /// Of four quarters of the address space, the last of which has no name.
    CidrList,
    ClientIdHash,
}

/// The fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Herd {
    pub clients: u32,
    /// Of 100 clients, so many have gone for good.
    pub never_return_percent: u8,
    /// Beside the others: clients that leave soon after each CONNACK and come again, for ever.
    pub flapping: u32,
    /// How long a flapping client stays.
    pub flapping_stays: Duration,
    /// Of `clients`, so many dial through carriers' addresses ...
    pub behind_carriers: u32,
    /// ... of which each has so many.
    pub clients_per_carrier: u32,
    /// Of 100 clients, the census has so many; 0: there was none. Of the others every second one is in the prefix of one
    /// that it has.
    pub census_percent: u8,
    /// First tries are spread over this.
    pub dials_within: Duration,
    /// How long a client waits for its CONNACK.
    pub patience: Duration,
    /// Of 100 clients, so many wait for this long instead.
    pub other_patience_percent: u8,
    pub other_patience: Duration,
    /// How long it waits for a SUBACK.
    pub step_timeout: Duration,
    /// From a failure until the next try.
    pub retry: Duration,
    /// A wait is longer or shorter by a random part of so many percent.
    pub jitter_percent: u8,
    /// Each wait is so many percent of the one before; 100: all are the same.
    pub back_off_percent: u16,
    /// But no longer than this.
    pub longest_retry: Duration,
    /// After so many failures in a row a client gives up for a while; 0: never.
    pub gives_up_after: u16,
    pub gives_up_for: Duration,
    /// Carried by each client; of several the first is expired, and the next is tried after any failure.
    pub certificates: u8,
    /// SUBSCRIBE packets, one after the other.
    pub subscribes: u16,
    /// From a SUBACK until the next SUBSCRIBE, beside the round trip.
    pub subscribe_gap: Duration,
    pub round_trip: Duration,
    /// A client that is back is heard of this often, and leaves when it is not answered within half of it; 0: never.
    pub keep_alive: Duration,
}

/// What the fleet comes back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    pub edges: u16,
    pub shards: u16,
    /// Of each edge; of all processes together on `one_machine`.
    pub edge_cores: u16,
    /// Of each shard.
    pub shard_cores: u16,
    pub one_machine: bool,
    /// Off: a core takes its work in the order of its coming, as brokers that know no priorities do.
    pub priorities: bool,
    /// Core time of one TLS handshake.
    pub handshake: Duration,
    /// Core time of one login.
    pub login: Duration,
    /// Core time of opening one session, at its shard.
    pub session: Duration,
    /// Core time of one SUBSCRIBE, at its shard.
    pub subscribe: Duration,
    /// Clients of one shard that may be settling at once, and fewer while SUBACKs are late.
    pub settle_limit: u32,
    /// Sockets that one edge may hold.
    pub hold_budget: u32,
    /// Clients that one edge may hold after CONNECT.
    pub client_hold_budget: u32,
    pub backend: Option<Backend>,
    /// How patient edges take the fleet to be before they know; `None`: as it is.
    pub first_patience: Option<Duration>,
    /// Whether they learn it from clients that give up.
    pub learns_patience: bool,
    /// Never more than so many entering at one edge.
    pub entering_cap: Option<u32>,
}

/// An authentication backend, asked once for each login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    pub latency: Duration,
    /// Requests that one edge has under way at most.
    pub concurrent: u32,
    /// Of 100 requests, so many fail.
    pub failing_percent: u8,
}

/// Something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub when: When,
    /// Until it is well again.
    pub lasting: Duration,
    pub mishap: Mishap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    At(Duration),
    /// So many percent of the slices are open; under another law: of the clients are back.
    Level(u8),
    /// So long after the fault before it in the list has begun.
    After(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// All work takes so many percent of its time.
    Slow { whose: Whose, percent: u32 },
    /// So many other processes want the cores.
    Hog { whose: Whose, processes: u16 },
    /// Nothing runs.
    Stall { whose: Whose },
    /// Its clients' connections break; it comes back empty.
    EdgeKilled { edge: u16 },
    /// Its clients' sessions end; it comes back empty, and another reopening begins.
    ShardKilled { shard: u16 },
    /// The authentication backend changes.
    Backend {
        latency: Duration,
        failing_percent: u8,
    },
}

/// The cores that a fault meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    All,
    Edge(u16),
    Shard(u16),
}

impl Default for Herd {
    /// 7,000 gateways with 40 SUBSCRIBEs each.
    fn default() -> Self {
        Self {
            clients: 7_000,
            never_return_percent: 0,
            flapping: 0,
            flapping_stays: Duration::from_millis(100),
            behind_carriers: 0,
            clients_per_carrier: 1_000,
            census_percent: 0,
            dials_within: Duration::ZERO,
            patience: Duration::from_secs(5),
            other_patience_percent: 0,
            other_patience: Duration::from_secs(5),
            step_timeout: Duration::from_secs(5),
            retry: Duration::from_secs(1),
            jitter_percent: 0,
            back_off_percent: 100,
            longest_retry: Duration::from_mins(1),
            gives_up_after: 0,
            gives_up_for: Duration::from_mins(1),
            certificates: 1,
            subscribes: 40,
            subscribe_gap: Duration::ZERO,
            round_trip: Duration::from_millis(30),
            keep_alive: Duration::ZERO,
        }
    }
}

impl Default for Capacity {
    /// One process on one core, logins of 10 ms.
    fn default() -> Self {
        Self {
            edges: 1,
            shards: 1,
            edge_cores: 1,
            shard_cores: 1,
            one_machine: true,
            priorities: true,
            handshake: Duration::from_millis(1),
            login: Duration::from_millis(10),
            session: Duration::ZERO,
            subscribe: Duration::from_micros(25),
            settle_limit: 1_000,
            hold_budget: 20_000,
            client_hold_budget: 4_000,
            backend: None,
            first_patience: None,
            learns_patience: false,
            entering_cap: None,
        }
    }
}

impl Scenario {
    /// The founding herd.
    pub fn founding() -> Self {
        Self {
            name: "founding".to_owned(),
            law: Law::Staged,
            slicing: SlicingType::default(),
            herd: Herd::default(),
            capacity: Capacity::default(),
            faults: Vec::new(),
            at_most: Duration::from_secs(400),
            seed: 1,
        }
    }

    /// How patient edges take the fleet to be at first.
    pub(super) fn first_patience(&self) -> Duration {
        self.capacity.first_patience.unwrap_or(self.herd.patience)
    }

    /// Clients that can come back and stay.
    pub fn expected(&self) -> u32 {
        let gone = u64::from(self.herd.clients) * u64::from(self.herd.never_return_percent) / 100;
        self.herd.clients - u32::try_from(gone).unwrap_or(0)
    }

    /// The time that the work alone takes where most of it waits: no order of admission can be faster.
    pub fn ideal(&self) -> Duration {
        let Capacity {
            handshake,
            login,
            session,
            subscribe,
            ..
        } = self.capacity;
        let (edges, shards) = (
            u32::from(self.capacity.edges),
            u32::from(self.capacity.shards),
        );
        let at_edges = handshake + login;
        let at_shards = session + subscribe * u32::from(self.herd.subscribes);
        let edge_cores = u32::from(self.capacity.edge_cores);
        let clients = self.expected();
        let cores = if self.capacity.one_machine {
            (at_edges + at_shards) * clients / edge_cores.max(1)
        } else {
            let edge = at_edges * clients / (edges * edge_cores).max(1);
            edge.max(at_shards * clients / (shards * u32::from(self.capacity.shard_cores)).max(1))
        };
        let backend = self.capacity.backend.map_or(Duration::ZERO, |backend| {
            backend.latency * clients / (edges * backend.concurrent).max(1)
        });
        cores.max(backend)
    }

    /// How long one client alone takes.
    pub fn alone(&self) -> Duration {
        let Capacity {
            handshake,
            login,
            session,
            subscribe,
            ..
        } = self.capacity;
        let subscribes = u32::from(self.herd.subscribes);
        let trips = self.herd.round_trip * (3 + subscribes) + self.herd.subscribe_gap * subscribes;
        let backend = self
            .capacity
            .backend
            .map_or(Duration::ZERO, |backend| backend.latency);
        handshake + login + session + subscribe * subscribes + trips + backend
    }
}
