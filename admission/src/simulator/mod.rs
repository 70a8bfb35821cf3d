//! A small event model of the founding herd: what the law does to a fleet and one server, in a second of CPU.
//!
//! Clients connect in step, wait for a CONNACK as long as their patience lasts, start again after `retry`, and once in
//! send one SUBSCRIBE after the other. The server has one core: SUBSCRIBEs first, then TLS, then logins.

mod clients;
mod edges;
mod server;
#[cfg(test)]
mod tests;
mod work;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::edge::{EdgeAdmission, EdgeSettings, EdgeView, Mode};
use crate::hold::Hold;
use crate::places::Places;
use crate::report::EdgeId;
use crate::shard::ShardAdmission;
use crate::slicing::{PrefixLengths, SlicePlan, Slicing, SlicingErrors};
use crate::stable::Random;
use crate::times::Times;
use server::{Connection, Server, Work};

/// A fleet and the server that it comes back to.
#[derive(Clone, Debug)]
pub struct Herd {
    pub mode: Mode,
    /// At least 1.
    pub edges: u32,
    pub clients: u32,
    /// Core time of one TLS handshake.
    pub handshake: Duration,
    /// Core time of one login.
    pub login: Duration,
    /// SUBSCRIBE packets of each client, one after the other; at least 1.
    pub subscribes: u32,
    /// Core time of one SUBSCRIBE.
    pub subscribe: Duration,
    pub round_trip: Duration,
    /// How long a client waits for its CONNACK.
    pub patience: Duration,
    /// From a failure until the next try.
    pub retry: Duration,
    pub settle_limit: u32,
    /// Carried by each client; of several the first is expired, and the next is tried after any failure.
    /// At least 1.
    pub certificates: u32,
    /// From when until when all work takes how many times as long.
    pub slow: Option<(Duration, Duration, u32)>,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Clients that have all their SUBACKs.
    pub back: u32,
    pub handshakes: u32,
    /// Percent of the time that the work alone takes.
    pub percent_of_ideal: u128,
    pub level: u32,
}

/// Why a herd cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HerdError {
    #[error("failed to run a herd: {0} must be at least 1")]
    Zero(&'static str),
    #[error("failed to run a herd: its work takes no time at all")]
    NoWork,
    #[error("failed to run a herd")]
    Slicing(#[from] SlicingErrors),
}

/// One try of one client to come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Try {
    client: u32,
    number: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Connect(u32),
    Arrive(Try),
    GiveUp(Try),
    SeenGone(Try),
    Packet(Try, Work),
    CoreFree,
    Connacked(Try),
    SettleLook(Try),
    Sweep,
    Report,
    Tick,
}

struct Client {
    tries: u32,
    /// Which one it presents next.
    certificate: u32,
    connected: bool,
    subscribes_left: u32,
}

struct Edge {
    admission: EdgeAdmission,
    view: EdgeView,
    places: Places,
    hold: Hold<Try>,
    times: Times,
}

/// One run of a herd.
struct Run {
    herd: Herd,
    now: Duration,
    order: u64,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    clients: Vec<Client>,
    edges: Vec<Edge>,
    shard: ShardAdmission,
    server: Server,
    back: u32,
    handshakes: u32,
}

impl Herd {
    /// 7,000 gateways, 10 ms a login, 40 SUBSCRIBEs each.
    pub fn founding() -> Self {
        Self {
            mode: Mode::Staged,
            edges: 1,
            clients: 7_000,
            handshake: Duration::from_millis(1),
            login: Duration::from_millis(10),
            subscribes: 40,
            subscribe: Duration::from_micros(25),
            round_trip: Duration::from_millis(30),
            patience: Duration::from_secs(5),
            retry: Duration::from_secs(1),
            settle_limit: 1_000,
            certificates: 1,
            slow: None,
        }
    }

    /// The time that the work alone takes.
    fn ideal(&self) -> Duration {
        (self.handshake + self.login + self.subscribe * self.subscribes) * self.clients
    }

    /// Until everybody is back, or for `at_most` times the ideal.
    pub fn run(self, at_most: u32) -> Result<Outcome, HerdError> {
        self.check()?;
        let ideal = self.ideal();
        let mut run = Run::new(self)?;
        while run.back < run.herd.clients && run.now < ideal * at_most {
            run.step();
        }
        Ok(Outcome {
            back: run.back,
            handshakes: run.handshakes,
            percent_of_ideal: run.now.as_micros() * 100 / ideal.as_micros(),
            level: run.edges[0].view.level,
        })
    }

    fn check(&self) -> Result<(), HerdError> {
        let counts = [
            ("edges", self.edges),
            ("clients", self.clients),
            ("subscribes", self.subscribes),
            ("certificates", self.certificates),
        ];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(HerdError::Zero(name));
        }
        if self.ideal() < Duration::from_micros(1) {
            return Err(HerdError::NoWork);
        }
        Ok(())
    }

    fn edge(&self, number: u32) -> Result<Edge, SlicingErrors> {
        let plan = SlicePlan::new(256, &Slicing::PrefixHash(PrefixLengths::default()))?;
        let admission = EdgeAdmission::new(EdgeSettings {
            edge: EdgeId(format!("edge-{number}")),
            mode: self.mode,
            cluster: "herd".to_owned(),
            plan,
            patience: self.patience,
            entering_cap: None,
        });
        Ok(Edge {
            view: admission.view(),
            admission,
            places: Places::default(),
            hold: Hold::new(self.patience, 20_000, u64::from(number)),
            times: Times::default(),
        })
    }
}

impl Run {
    fn new(herd: Herd) -> Result<Self, HerdError> {
        let client = || Client {
            tries: 0,
            certificate: 0,
            connected: false,
            subscribes_left: herd.subscribes,
        };
        let mut run = Self {
            now: Duration::ZERO,
            order: 0,
            events: BinaryHeap::new(),
            clients: (0..herd.clients).map(|_| client()).collect(),
            edges: (0..herd.edges)
                .map(|number| herd.edge(number))
                .collect::<Result<_, _>>()?,
            shard: ShardAdmission::new(0, 1),
            server: Server::new(herd.patience),
            back: 0,
            handshakes: 0,
            herd,
        };
        for edge in 0..run.edges.len() {
            run.publish(edge);
        }
        for client in 0..run.herd.clients {
            run.after(Duration::ZERO, Event::Connect(client));
        }
        for event in [Event::Sweep, Event::Report, Event::Tick] {
            run.after(Duration::ZERO, event);
        }
        Ok(run)
    }

    fn after(&mut self, wait: Duration, event: Event) {
        self.order += 1;
        self.events
            .push(Reverse((self.now + wait, self.order, event)));
    }

    fn step(&mut self) {
        let Some(Reverse((at, _, event))) = self.events.pop() else {
            return;
        };
        self.now = at;
        match event {
            Event::Connect(client) => self.connect(client),
            Event::Arrive(attempt) => self.arrive(attempt),
            Event::GiveUp(attempt) => self.give_up(attempt),
            Event::SeenGone(attempt) => self.seen_gone(attempt),
            Event::Packet(attempt, work) => self.packet(attempt, work),
            Event::CoreFree => self.core_free(),
            Event::Connacked(attempt) => self.connacked(attempt),
            Event::SettleLook(attempt) => self.settle_look(attempt),
            Event::Sweep => self.sweep(),
            Event::Report => self.report(),
            Event::Tick => self.tick(),
        }
    }

    fn is_current(&self, attempt: Try) -> bool {
        self.clients[attempt.client as usize].tries == attempt.number
    }

    fn edge_of(&self, attempt: Try) -> usize {
        ((attempt.client + attempt.number) % self.herd.edges) as usize
    }
}

/// Scattered over the address space, as a provider's customers are.
fn address_of(client: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(
        (Random::new(u64::from(client)).next() >> 32) as u32,
    ))
}
