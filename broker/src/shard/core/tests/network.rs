//! Workers, the channels between them, and clients that speak MQTT.

mod clients;
mod messages;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use crate::codec::{self, Packet, PacketId, Protocol, frame};
use crate::link::{CloseReason, ListenerLimits, StreamId, ToEdge, ToShard};
use crate::session::Session;
use crate::shard::core::{
    CoreSettings, Input, Layout, LinkId, Outbox, PeerMessage, WorkerCore, WorkerIndex, partition_of,
};

pub(super) use messages::{disconnected, publish, show, subscribe};

pub(super) fn id(id: u16) -> PacketId {
    PacketId::new(id).unwrap()
}

/// What a client has got.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    pub(super) connack: Option<Packet>,
    pub(super) refused: Option<Bytes>,
    pub(super) packets: VecDeque<Packet>,
    pub(super) closed: Option<CloseReason>,
    /// Bytes of `Data`.
    pub(super) bytes: usize,
    /// Frames of `Data`.
    pub(super) frames: usize,
    /// Given back by the shard.
    pub(super) window: u32,
    /// How often the shard said that the client is done coming back.
    pub(super) settled: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Client {
    pub(super) link: LinkId,
    pub(super) stream: StreamId,
    pub(super) protocol: Protocol,
    pub(super) worker: u16,
}

/// All workers of a shard. Messages between two workers keep their order; which pair goes next is up to `choose`.
pub(super) struct Network {
    pub(super) workers: Vec<WorkerCore>,
    channels: HashMap<(u16, u16), VecDeque<PeerMessage>>,
    inboxes: HashMap<(LinkId, StreamId), (Protocol, Inbox)>,
    pub(super) now: Duration,
    next_stream: u32,
    layout: Layout,
    /// Windows are given back as soon as bytes come.
    pub(super) reads: bool,
    /// Of the listener that clients come to.
    pub(super) listener: ListenerLimits,
}

impl Network {
    pub(super) fn new(settings: &CoreSettings) -> Self {
        let new = |index| WorkerCore::new(WorkerIndex(index), settings.clone());
        Self {
            workers: (0..settings.workers).map(new).collect(),
            channels: HashMap::new(),
            inboxes: HashMap::new(),
            now: Duration::from_secs(100),
            next_stream: 0,
            layout: settings.layout(),
            reads: true,
            listener: ListenerLimits::default(),
        }
    }

    pub(super) fn with_workers(workers: u16) -> Self {
        Self::new(&CoreSettings {
            workers,
            ..CoreSettings::default()
        })
    }

    /// One input and its batch's end, on one worker.
    pub(super) fn input(&mut self, worker: u16, input: Input) {
        self.inputs(worker, [input]);
    }

    pub(super) fn inputs(&mut self, worker: u16, inputs: impl IntoIterator<Item = Input>) {
        let mut out = Outbox::default();
        let core = &mut self.workers[usize::from(worker)];
        for input in inputs {
            core.handle(self.now, input, &mut out);
        }
        core.flush(self.now, &mut out);
        for (peer, message) in out.to_peers {
            assert_ne!(peer.0, worker, "a worker has sent to itself");
            self.channels
                .entry((worker, peer.0))
                .or_default()
                .push_back(message);
        }
        for (link, frame) in out.to_links {
            self.edge_hears(worker, link, frame);
        }
    }

    fn edge_hears(&mut self, worker: u16, link: LinkId, frame: ToEdge) {
        let (ToEdge::Attached { stream, .. }
        | ToEdge::Refused { stream, .. }
        | ToEdge::Data { stream, .. }
        | ToEdge::Window { stream, .. }
        | ToEdge::Settled { stream }
        | ToEdge::Close { stream, .. }) = frame
        else {
            panic!("a worker has sent HEALTH")
        };
        let (protocol, inbox) = self
            .inboxes
            .get_mut(&(link, stream))
            .expect("a known stream");
        assert_eq!(inbox.closed, None, "something follows Close: {frame:?}");
        match frame {
            ToEdge::Attached { connack, .. } => {
                inbox.connack = Some(codec::decode(*protocol, &connack).unwrap());
            }
            ToEdge::Refused { connack, .. } => inbox.refused = Some(connack),
            ToEdge::Data { packets, .. } => {
                assert!(inbox.connack.is_some(), "Data before CONNACK");
                inbox.bytes += packets.len();
                inbox.frames += 1;
                let bytes = u32::try_from(packets.len()).unwrap();
                for packet in frame::packets(packets) {
                    inbox
                        .packets
                        .push_back(codec::decode(*protocol, &packet.unwrap()).unwrap());
                }
                if self.reads {
                    let frame = ToShard::Window { stream, bytes };
                    self.input(
                        worker,
                        Input::Link {
                            link,
                            frame,
                            waited: Duration::ZERO,
                        },
                    );
                }
            }
            ToEdge::Window { bytes, .. } => inbox.window += bytes,
            ToEdge::Settled { .. } => inbox.settled += 1,
            ToEdge::Close { reason, .. } => inbox.closed = Some(reason),
            // only the shell around the core makes fans
            ToEdge::Fan { .. } | ToEdge::Health(_) | ToEdge::Table(_) => {}
        }
    }

    /// Channels with something in them, in a fixed order.
    pub(super) fn busy(&self) -> Vec<(u16, u16)> {
        let mut busy: Vec<_> = self
            .channels
            .iter()
            .filter(|(_, queue)| !queue.is_empty())
            .map(|(pair, _)| *pair)
            .collect();
        busy.sort_unstable();
        busy
    }

    /// Moves one message between two workers.
    pub(super) fn step(&mut self, (from, to): (u16, u16)) {
        let message = self
            .channels
            .get_mut(&(from, to))
            .and_then(VecDeque::pop_front)
            .expect("a busy channel");
        self.input(to, Input::Peer(WorkerIndex(from), message));
    }

    /// Moves all that one worker has for another, as one batch.
    pub(super) fn step_all(&mut self, (from, to): (u16, u16)) {
        let queue = self.channels.get_mut(&(from, to)).map(std::mem::take);
        let inputs = queue.unwrap_or_default().into_iter();
        self.inputs(
            to,
            inputs.map(|message| Input::Peer(WorkerIndex(from), message)),
        );
    }

    /// Until nothing moves.
    pub(super) fn run(&mut self) {
        loop {
            if let Some(pair) = self.busy().first() {
                self.step(*pair);
            } else if let Some(worker) = self.replaying() {
                self.input(worker, Input::Tick);
            } else {
                return;
            }
        }
    }

    /// A worker with pages of retained messages to send.
    pub(super) fn replaying(&self) -> Option<u16> {
        let at = self.workers.iter().position(|it| it.serving.is_running())?;
        u16::try_from(at).ok()
    }

    pub(super) fn tick(&mut self, after: Duration) {
        self.now += after;
        for worker in 0..self.workers.len() {
            self.input(u16::try_from(worker).unwrap(), Input::Tick);
        }
        self.run();
    }

    /// Whether the client's session keeps a message with this payload for it.
    pub(super) fn holds(&self, client_id: &str, payload: &str) -> bool {
        self.session(client_id)
            .is_some_and(|session| session.outbound.holds(payload.as_bytes()))
    }

    /// Whether nothing is under way between the client and its session.
    pub(super) fn is_done(&self, client_id: &str) -> bool {
        self.session(client_id).is_none_or(Session::is_done)
    }

    fn session(&self, client_id: &str) -> Option<&Session> {
        let worker = self.layout.worker_of(partition_of(client_id));
        let sessions = &self.workers[usize::from(worker)].sessions;
        let key = sessions.by_client(client_id)?;
        sessions.at(key.index).map(|seat| &seat.session)
    }

    pub(super) fn inbox(&mut self, client: Client) -> &mut Inbox {
        &mut self
            .inboxes
            .get_mut(&(client.link, client.stream))
            .unwrap()
            .1
    }

    pub(super) fn packets(&mut self, client: Client) -> Vec<Packet> {
        self.inbox(client).packets.drain(..).collect()
    }
}
