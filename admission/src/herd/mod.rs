//! A small event model of the founding herd: what the law does to a fleet and one server, in a second of CPU.
//!
//! Clients connect in step, wait for a CONNACK as long as their patience lasts, start again after `retry`, and once in
//! send one SUBSCRIBE after the other. The server has one core: SUBSCRIBEs first, then TLS, then logins.

mod server;
mod tests;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::edge::{EdgeAdmission, EdgeCounts, EdgeSettings, EdgeView, Mode, REPORT_EVERY, TICK};
use crate::hold::{Hold, SWEEP_EVERY};
use crate::places::{Place, Places};
use crate::report::EdgeId;
use crate::shard::{ShardAdmission, ShardCounts};
use crate::slicing::{PrefixLengths, SlicePlan, Slicing};
use crate::stable::Random;
use crate::times::Times;
use server::{Connection, Server, Work};

/// A fleet and the server that it comes back to.
#[derive(Clone, Debug)]
pub(crate) struct Herd {
    pub(crate) mode: Mode,
    pub(crate) edges: u32,
    pub(crate) clients: u32,
    pub(crate) handshake: Duration,
    pub(crate) login: Duration,
    pub(crate) subscribes: u32,
    pub(crate) subscribe: Duration,
    pub(crate) round_trip: Duration,
    pub(crate) patience: Duration,
    pub(crate) retry: Duration,
    pub(crate) settle_limit: u32,
    /// From when until when all work takes how many times as long.
    pub(crate) slow: Option<(Duration, Duration, u32)>,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) back: u32,
    pub(crate) handshakes: u32,
    /// Percent of the time that the work alone takes.
    pub(crate) percent_of_ideal: u128,
    pub(crate) level: u32,
}

/// One try of one client to come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Try {
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
    pub(crate) fn founding() -> Self {
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
            slow: None,
        }
    }

    /// The time that the work alone takes.
    fn ideal(&self) -> Duration {
        (self.handshake + self.login + self.subscribe * self.subscribes) * self.clients
    }

    /// Until everybody is back, or for `at_most` times the ideal.
    pub(crate) fn run(self, at_most: u32) -> Outcome {
        let ideal = self.ideal();
        let mut run = Run::new(self);
        while run.back < run.herd.clients && run.now < ideal * at_most {
            run.step();
        }
        Outcome {
            back: run.back,
            handshakes: run.handshakes,
            percent_of_ideal: run.now.as_micros() * 100 / ideal.as_micros(),
            level: run.edges[0].view.level,
        }
    }

    fn edge(&self, number: u32) -> Edge {
        let plan = SlicePlan::new(256, &Slicing::PrefixHash(PrefixLengths::default())).unwrap();
        let admission = EdgeAdmission::new(EdgeSettings {
            edge: EdgeId(format!("edge-{number}")),
            mode: self.mode,
            cluster: "herd".to_owned(),
            plan,
            patience: self.patience,
            entering_cap: None,
        });
        Edge {
            view: admission.view(),
            admission,
            places: Places::default(),
            hold: Hold::new(self.patience, 20_000, u64::from(number)),
            times: Times::default(),
        }
    }
}

impl Run {
    fn new(herd: Herd) -> Self {
        let client = || Client {
            tries: 0,
            connected: false,
            subscribes_left: herd.subscribes,
        };
        let mut run = Self {
            now: Duration::ZERO,
            order: 0,
            events: BinaryHeap::new(),
            clients: (0..herd.clients).map(|_| client()).collect(),
            edges: (0..herd.edges).map(|number| herd.edge(number)).collect(),
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
        run
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

    // The clients.

    fn connect(&mut self, client: u32) {
        let number = self.clients[client as usize].tries + 1;
        self.clients[client as usize].tries = number;
        let attempt = Try { client, number };
        self.after(self.herd.round_trip, Event::Arrive(attempt));
        self.after(self.herd.patience, Event::GiveUp(attempt));
    }

    fn give_up(&mut self, attempt: Try) {
        if self.is_current(attempt) && !self.clients[attempt.client as usize].connected {
            self.clients[attempt.client as usize].tries += 1;
            self.after(self.herd.round_trip / 2, Event::SeenGone(attempt));
            self.after(self.herd.retry, Event::Connect(attempt.client));
        }
    }

    fn reset(&mut self, attempt: Try) {
        if self.is_current(attempt) {
            self.clients[attempt.client as usize].tries += 1;
            self.after(
                self.herd.round_trip / 2 + self.herd.retry,
                Event::Connect(attempt.client),
            );
        }
    }

    fn connacked(&mut self, attempt: Try) {
        if self.is_current(attempt) {
            self.clients[attempt.client as usize].connected = true;
            self.after(
                self.herd.round_trip / 2,
                Event::Packet(attempt, Work::Subscribe),
            );
        }
    }

    fn subacked(&mut self, attempt: Try) {
        let client = &mut self.clients[attempt.client as usize];
        client.subscribes_left -= 1;
        if client.subscribes_left > 0 {
            self.after(
                self.herd.round_trip,
                Event::Packet(attempt, Work::Subscribe),
            );
        } else {
            self.back += 1;
        }
    }

    // The edges.

    fn arrive(&mut self, attempt: Try) {
        if !self.is_current(attempt) {
            return;
        }
        let address = address_of(attempt.client);
        let edge_number = self.edge_of(attempt);
        let edge = &mut self.edges[edge_number];
        let slice = edge.view.table.slice_of(address);
        let place = if edge.view.admits(slice) {
            edge.places.try_take()
        } else {
            None
        };
        match place {
            Some(place) => self.enter(attempt, place),
            None if edge.hold.hold(attempt, slice, self.now).is_err() => self.reset(attempt),
            None => {}
        }
    }

    fn enter(&mut self, attempt: Try, place: Place) {
        self.handshakes += 1;
        self.server
            .connections
            .insert(attempt, Connection::new(place, self.now));
        self.packet(attempt, Work::Handshake);
    }

    fn seen_gone(&mut self, attempt: Try) {
        let edge = self.edge_of(attempt);
        self.edges[edge].hold.remove(attempt);
        if let Some(connection) = self.server.connections.remove(&attempt) {
            let telling = self.herd.patience / 5;
            self.edges[edge]
                .times
                .record_at_least(self.now.saturating_sub(connection.entered), telling);
            self.server.forget_settling(&connection);
        }
        self.promote(edge);
        self.attach_waiting();
    }

    fn promote(&mut self, edge: usize) {
        let usual = self.edges[edge].view.usual_time_to_connack;
        for attempt in self.edges[edge].hold.expire(usual, self.now) {
            self.reset(attempt);
        }
        let Edge { hold, places, .. } = &mut self.edges[edge];
        for (attempt, place) in hold.promote(places, usual, self.now) {
            self.enter(attempt, place);
        }
    }

    fn sweep(&mut self) {
        for edge in 0..self.edges.len() {
            self.promote(edge);
        }
        self.after(SWEEP_EVERY, Event::Sweep);
    }

    fn counts(&self, edge: usize) -> EdgeCounts {
        let entering = self
            .server
            .connections
            .iter()
            .filter(|(attempt, connection)| {
                self.edge_of(**attempt) == edge && connection.place.is_some()
            });
        let Edge { hold, places, .. } = &self.edges[edge];
        EdgeCounts {
            door: hold.door(),
            held: hold.held(),
            entering: places.used(),
            entering_peak: places.take_peak(),
            oldest_entering: entering
                .map(|(_, connection)| self.now.saturating_sub(connection.entered))
                .max(),
        }
    }

    fn tick(&mut self) {
        for number in 0..self.edges.len() {
            let counts = self.counts(number);
            let edge = &mut self.edges[number];
            edge.admission
                .tick(counts, &std::mem::take(&mut edge.times), self.now);
            self.publish(number);
        }
        self.after(TICK, Event::Tick);
    }

    fn report(&mut self) {
        for number in 0..self.edges.len() {
            let Edge {
                hold,
                places,
                admission,
                ..
            } = &self.edges[number];
            let counts = EdgeCounts {
                door: hold.door(),
                held: hold.held(),
                entering: places.used(),
                ..EdgeCounts::default()
            };
            let report = admission.report(counts);
            self.shard.hear(report, self.now);
        }
        let settling = self.server.settling;
        let counts = ShardCounts {
            settling,
            settle_limit: self.herd.settle_limit,
            ..ShardCounts::default()
        };
        let report = self.shard.report(counts, self.now);
        for number in 0..self.edges.len() {
            if self.edges[number].admission.hear(report.clone(), self.now) {
                self.publish(number);
            }
        }
        self.after(REPORT_EVERY, Event::Report);
    }

    fn publish(&mut self, number: usize) {
        let edge = &mut self.edges[number];
        let view = edge.admission.view();
        if view.reopening == edge.view.reopening {
            edge.hold.open_to(view.level);
        } else {
            let table = view.table.clone();
            edge.hold.recut(view.level, |attempt| {
                table.slice_of(address_of(attempt.client))
            });
        }
        edge.places.set_limit(view.entering_limit);
        edge.view = view;
        self.promote(number);
    }

    // The server.

    fn packet(&mut self, attempt: Try, work: Work) {
        if !self.server.connections.contains_key(&attempt) {
            return;
        }
        if work == Work::Subscribe {
            self.server.subscribed(attempt, self.now);
        }
        self.server.queue(attempt, work, self.cost(work), self.now);
        self.keep_core_busy();
    }

    fn cost(&self, work: Work) -> Duration {
        let cost = match work {
            Work::Handshake => self.herd.handshake,
            Work::Login => self.herd.login,
            Work::Subscribe => self.herd.subscribe,
        };
        match self.herd.slow {
            Some((from, to, factor)) if (from..to).contains(&self.now) => cost * factor,
            _ => cost,
        }
    }

    fn keep_core_busy(&mut self) {
        if let Some(turn) = self.server.start_turn(self.now) {
            self.after(turn, Event::CoreFree);
        }
    }

    fn core_free(&mut self) {
        match self.server.end_turn() {
            Some((attempt, Work::Handshake)) => {
                self.after(self.herd.round_trip, Event::Packet(attempt, Work::Login));
            }
            Some((attempt, Work::Login)) => {
                self.server.attaching.push_back(attempt);
                self.attach_waiting();
            }
            Some((attempt, Work::Subscribe)) => self.subacked(attempt),
            None => {}
        }
        self.keep_core_busy();
    }

    fn attach_waiting(&mut self) {
        while self.server.settling < self.herd.settle_limit
            && let Some(attempt) = self.server.attaching.pop_front()
        {
            let edge = self.edge_of(attempt);
            let Some(connection) = self.server.connections.get_mut(&attempt) else {
                continue;
            };
            let took = connection.attach(self.now);
            self.server.settling += 1;
            self.edges[edge].times.record(took);
            self.after(self.herd.round_trip / 2, Event::Connacked(attempt));
            self.after(self.server.quiet(), Event::SettleLook(attempt));
            self.promote(edge);
        }
    }

    fn settle_look(&mut self, attempt: Try) {
        if let Some(look_again) = self.server.settle(attempt, self.now) {
            self.after(look_again, Event::SettleLook(attempt));
        }
        self.attach_waiting();
    }
}

/// Scattered over the address space, as a provider's customers are.
fn address_of(client: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(
        (Random::new(u64::from(client)).next() >> 32) as u32,
    ))
}
