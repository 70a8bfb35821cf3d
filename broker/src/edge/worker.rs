//! One edge worker: the sockets of one thread, and what they share.

mod coming;
mod reminding;
mod telling;
mod traffic;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use herdgate_admission::census::Tally;
use herdgate_admission::edge::EdgeView;
use herdgate_admission::last_class::Comer;
use herdgate_admission::places::Place;
use herdgate_admission::report::EdgeReport;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinSet;

use super::conn::{Conn, Ending};
use super::control::ControlMail;
use super::counting::Censuses;
use super::entering::{Entering, Enterings};
use super::gate::Gate;
use super::handshake::Handshakes;
use super::keepalive::Wheel;
use super::links::Links;
use super::proxied::Balancers;
use super::questions::{self, Question};
use super::read_ahead::ReadAhead;
use super::replies::Hearer;
use super::shared::Shared;
use super::{accept, drain, intake};
use crate::link::{DetachReason, StreamId, StreamMap, ToEdge, ToShard};
use crate::link::{LinkEvent, LinkTarget};
use crate::process::Clock;
use coming::Unsettled;
use traffic::Traffic;

/// What one read takes at most: a TLS record, and a storm's worth of small packets.
const READ_BUFFER: usize = 16 * 1024;

/// Everything that an edge worker's thread needs to start.
pub struct EdgeWorker {
    pub index: usize,
    pub shared: Arc<Shared>,
    /// One per listener, in the settings' order.
    pub sockets: Vec<TcpListener>,
    pub links: Vec<LinkTarget>,
    pub wires: WorkerWires,
}

/// Between a worker and control.
#[derive(Clone, Debug)]
pub struct WorkerWires {
    pub control: UnboundedSender<ControlMail>,
    pub view: watch::Receiver<EdgeView>,
    /// What the links tell the shards.
    pub report: watch::Receiver<Option<Arc<EdgeReport>>>,
    /// What the first worker's links tell the shards of all.
    pub census: Censuses,
    pub drain: watch::Receiver<drain::Stage>,
    pub questions: broadcast::Sender<Question>,
}

#[derive(Debug)]
pub(super) struct Worker {
    index: usize,
    pub(super) clock: Clock,
    pub(super) shared: Arc<Shared>,
    pub(super) gate: Gate,
    pub(super) handshakes: Handshakes,
    pub(super) balancers: Balancers,
    pub(super) links: Links,
    pub(super) read_buffer: RefCell<Box<[u8]>>,
    pub(super) traffic: Traffic,
    /// Clients that are held for a wrong password or for flapping.
    pub(super) held_logins: Cell<usize>,
    /// Of clients that send faster than they may.
    pub(super) read_ahead: ReadAhead,
    conns: RefCell<StreamMap<Rc<Conn>>>,
    next_stream: Cell<u32>,
    wheel: RefCell<Wheel>,
    /// Of clients that are slowed down or take nothing.
    alarms: RefCell<Wheel>,
    tally: RefCell<Tally>,
    counted_at: Cell<Duration>,
    entering: Rc<Enterings>,
    /// Addresses of clients that waited in vain for a shard, since control was last told.
    refused: RefCell<Vec<(IpAddr, u32)>>,
    /// Clients with a session that are not done coming back.
    unsettled: RefCell<StreamMap<Unsettled>>,
    /// Told when shards may be asked to take more clients.
    granted: Notify,
    /// Balancers on their own behalf: how long they take says nothing about clients.
    probing: Rc<Enterings>,
}

impl EdgeWorker {
    /// Runs until the process ends or a task that it needs does. Needs a `LocalSet`.
    pub async fn run(self) -> io::Result<Infallible> {
        let Self {
            index,
            shared,
            sockets,
            links,
            wires,
        } = self;
        let worker = Rc::new(Worker::new(
            index,
            Arc::clone(&shared),
            links.len(),
            wires.view.borrow().clone(),
        ));
        // Without any of these the worker only seems to serve.
        let mut essential = JoinSet::new();
        for (shard, target) in links.into_iter().enumerate() {
            essential.spawn_local(Rc::clone(&worker).run_link(shard, target, wires.clone()));
        }
        let mut accepting = Vec::new();
        for (listener, socket) in shared.listeners.iter().zip(sockets) {
            let socket = tokio::net::TcpListener::from_std(socket)?;
            let accept = accept::run(Rc::clone(&worker), Arc::clone(listener), socket);
            accepting.push(tokio::task::spawn_local(accept));
        }
        let drain = drain::run(Rc::clone(&worker), wires.drain.clone(), accepting);
        essential.spawn_local(drain);
        let pace = worker.handshakes.pace.clone();
        essential.spawn_local(async move { pace.run().await });
        let gate = Rc::clone(&worker);
        let views = wires.view.clone();
        essential.spawn_local(async move { gate.gate.run(&gate.shared, views).await });
        essential.spawn_local(Rc::clone(&worker).follow(wires.view.clone()));
        essential.spawn_local(Rc::clone(&worker).watch_keep_alives());
        let asked = wires.questions.subscribe();
        essential.spawn_local(questions::run(Rc::clone(&worker), asked));
        if index == 0 {
            essential.spawn_local(Rc::clone(&worker).tell_census(wires.census));
        }
        essential.spawn_local(Rc::clone(&worker).tell(wires.control));
        Err(match essential.join_next().await {
            Some(Err(panicked)) => io::Error::other(panicked),
            Some(Ok(())) | None => io::Error::other("a task of the worker has ended"),
        })
    }
}

impl Worker {
    fn new(index: usize, shared: Arc<Shared>, shards: usize, view: EdgeView) -> Self {
        let gate = Gate::new(index, &shared, view);
        let read_ahead = ReadAhead::new(shared.metrics.edge.read_ahead.clone());
        Self {
            index,
            clock: shared.clock,
            entering: Rc::new(Enterings::new(gate.given_back())),
            gate,
            handshakes: Handshakes::new(index, &shared),
            balancers: Balancers::default(),
            links: Links::new(shards),
            probing: Rc::default(),
            read_buffer: RefCell::new(vec![0; READ_BUFFER].into_boxed_slice()),
            traffic: Traffic::default(),
            held_logins: Cell::new(0),
            read_ahead,
            conns: RefCell::default(),
            next_stream: Cell::new(0),
            wheel: RefCell::default(),
            alarms: RefCell::default(),
            tally: RefCell::default(),
            counted_at: Cell::default(),
            refused: RefCell::default(),
            unsettled: RefCell::default(),
            granted: Notify::new(),
            shared,
        }
    }

    pub(super) fn begin_entering(&self, place: Place, comer: Option<Comer>) -> Entering {
        self.entering
            .begin(place, comer, self.clock, self.gate.aim())
    }

    pub(super) fn begin_probing(&self, place: Place) -> Entering {
        self.probing.begin(place, None, self.clock, self.gate.aim())
    }

    /// The client has its CONNACK, whatever it says.
    pub(super) fn entered(&self, entering: Entering) {
        let took = entering.connack();
        self.shared
            .metrics
            .edge
            .connack_wait
            .observe(took.as_secs_f64());
    }

    /// A new stream, not yet known to the shard.
    pub(super) fn open(
        &self,
        shard: usize,
        hearer: Hearer,
        patience: Option<Duration>,
    ) -> Rc<Conn> {
        let mut conns = self.conns.borrow_mut();
        let mut stream = StreamId(self.next_stream.get());
        // Around 4 billion streams later, some of the first may still be there.
        while conns.contains_key(&stream) {
            stream = StreamId(stream.0.wrapping_add(1));
        }
        self.next_stream.set(stream.0.wrapping_add(1));
        let conn = Rc::new(Conn::new(stream, shard, hearer, patience, self.clock.now()));
        conns.insert(stream, Rc::clone(&conn));
        if let Some(deadline) = conn.deadline() {
            self.wheel.borrow_mut().insert(stream, deadline);
        }
        conn
    }

    /// The client's task will run at `at`, or a grain later.
    pub(super) fn remind(&self, stream: StreamId, at: Duration) {
        self.alarms.borrow_mut().insert(stream, at);
    }

    pub(super) fn send(&self, conn: &Conn, frame: ToShard) {
        if !conn.is_freed() {
            self.links.push(conn.shard(), frame);
        }
    }

    /// It has a session now, until it is released.
    pub(super) fn count(&self, conn: &Conn, address: IpAddr) {
        conn.count(address);
        let shard = u32::try_from(conn.shard()).unwrap_or(u32::MAX);
        self.tally.borrow_mut().enter(address, shard);
    }

    /// The client does not want its session any more before it has it.
    pub(super) fn cancel(&self, conn: &Conn) {
        self.send(
            conn,
            ToShard::Cancel {
                stream: conn.stream,
            },
        );
        self.unsettled.borrow_mut().remove(&conn.stream);
        self.conns.borrow_mut().remove(&conn.stream);
    }

    /// `flaps`: it was neither the client's own DISCONNECT nor our doing.
    pub(super) fn release(&self, conn: &Conn, reason: DetachReason, flaps: bool) {
        let unsettled = self.unsettled.borrow_mut().remove(&conn.stream);
        if let (Some(Unsettled::Client(Some(comer))), true) = (unsettled, flaps) {
            self.came_to_nothing(comer);
        }
        if let Some(address) = conn.uncount() {
            let shard = u32::try_from(conn.shard()).unwrap_or(u32::MAX);
            self.tally.borrow_mut().leave(address, shard);
        }
        self.send(
            conn,
            ToShard::Detach {
                stream: conn.stream,
                reason,
            },
        );
        self.conns.borrow_mut().remove(&conn.stream);
    }

    pub(super) fn clients(&self) -> usize {
        self.conns.borrow().len()
    }

    /// Ends so many clients because this edge goes away; the number that there were.
    pub(super) fn drain(&self, clients: usize) -> usize {
        let conns = self.conns.borrow();
        let ended = conns
            .values()
            .filter(|conn| conn.ending().is_none())
            .take(clients);
        ended.map(|conn| conn.end(Ending::Drained)).count()
    }

    fn conn(&self, shard: usize, stream: StreamId) -> Option<Rc<Conn>> {
        self.conns
            .borrow()
            .get(&stream)
            .filter(|conn| conn.shard() == shard)
            .cloned()
    }

    async fn run_link(self: Rc<Self>, shard: usize, target: LinkTarget, wires: WorkerWires) {
        if let Some(queue) = self.links.queue(shard) {
            let on_event = |event| self.on_link(shard, event, &wires.control, &wires.census);
            target.run(queue, wires.report, self.clock, on_event).await;
        }
    }

    fn on_link(
        &self,
        shard: usize,
        event: LinkEvent,
        control: &UnboundedSender<ControlMail>,
        census: &Censuses,
    ) {
        match event {
            LinkEvent::Up => {
                self.links.set_up(shard, true);
                if let (0, Some(census)) = (self.index, &*census.borrow()) {
                    self.links.push(shard, ToShard::Census(Arc::clone(census)));
                }
                let _ = control.send(ControlMail::Link {
                    link: shard,
                    up: true,
                });
            }
            LinkEvent::Frames(frames) => frames
                .into_iter()
                .for_each(|frame| self.on_frame(shard, frame, control)),
            LinkEvent::Down => {
                self.links.set_up(shard, false);
                let _ = control.send(ControlMail::Link {
                    link: shard,
                    up: false,
                });
                let conns = self.conns.borrow();
                conns
                    .values()
                    .filter(|conn| conn.shard() == shard)
                    .for_each(|conn| conn.end(Ending::LinkLost));
            }
        }
    }

    fn on_frame(&self, shard: usize, frame: ToEdge, control: &UnboundedSender<ControlMail>) {
        match frame {
            ToEdge::Attached { stream, connack } => {
                self.traffic.delivers(1);
                self.with(shard, stream, |conn| {
                    conn.attach(connack, self.clock.now());
                });
            }
            ToEdge::Refused { stream, connack } => {
                self.with(shard, stream, |conn| conn.refuse(connack));
            }
            ToEdge::Data { stream, packets } => {
                self.traffic.delivers(intake::count(&packets));
                self.with(shard, stream, |conn| conn.deliver(packets));
            }
            ToEdge::Fan { streams, packets } => {
                let each = intake::count(&packets);
                self.traffic.delivers(each * streams.len() as u64);
                for stream in streams {
                    self.with(shard, stream, |conn| conn.deliver(packets.clone()));
                }
            }
            ToEdge::Window { stream, bytes } => self.with(shard, stream, |conn| conn.credit(bytes)),
            ToEdge::Close { stream, reason } => {
                self.with(shard, stream, |conn| conn.end(Ending::Closed(reason)));
            }
            ToEdge::Settled { stream } => self.has_settled(shard, stream),
            ToEdge::Table(table) => {
                let _ = control.send(ControlMail::Table(table));
            }
            ToEdge::Health(report) => {
                let _ = control.send(ControlMail::Shard {
                    link: shard,
                    report,
                });
            }
        }
    }

    /// Frames of a stream that has just ended here are on their way for a moment longer.
    fn with(&self, shard: usize, stream: StreamId, then: impl FnOnce(&Conn)) {
        if let Some(conn) = self.conn(shard, stream) {
            then(&conn);
        }
    }
}
