//! The workers of a shard, the channels between them, and the edge's side of their streams.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use herdgate::codec::{self, Connect, Packet, Protocol, frame};
use herdgate::link::{
    Attach, CloseReason, DetachReason, ListenerLimits, StreamId, ToEdge, ToShard,
};
use herdgate::shard::core::{
    CoreSettings, Input, LinkId, Outbox, PeerMessage, WorkerCore, WorkerIndex, WorkerStats,
    partition_of,
};

/// What the shard said on a stream.
#[derive(Debug)]
pub(super) enum Heard {
    Packet(Packet),
    Refused,
    Closed(CloseReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Attaching,
    Attached,
    /// From either side: nothing may follow.
    Ended,
}

#[derive(Debug)]
struct Stream {
    worker: u16,
    protocol: Protocol,
    packet_size: usize,
    state: State,
    /// The client's socket takes nothing.
    stalled: bool,
    /// Bytes that it has not taken.
    unread: u32,
    /// Bytes that the shard has got and not given back.
    sent: u64,
}

/// Places in `Shard::streams`; a stream has a link of its own.
pub(super) type StreamIndex = usize;

pub(super) struct Shard {
    workers: Vec<WorkerCore>,
    channels: BTreeMap<(u16, u16), VecDeque<PeerMessage>>,
    streams: Vec<Stream>,
    heard: VecDeque<(StreamIndex, Heard)>,
    settings: CoreSettings,
    pub(super) now: Duration,
}

fn index(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn link_of(stream: StreamIndex) -> LinkId {
    LinkId(stream as u64)
}

fn id_of(stream: StreamIndex) -> StreamId {
    StreamId(u32::try_from(stream).unwrap_or(u32::MAX))
}

impl Shard {
    pub(super) fn new(settings: CoreSettings) -> Self {
        let worker = |number| WorkerCore::new(WorkerIndex(number), settings.clone());
        Self {
            workers: (0..settings.workers).map(worker).collect(),
            channels: BTreeMap::new(),
            streams: Vec::new(),
            heard: VecDeque::new(),
            settings,
            now: Duration::from_secs(100),
        }
    }

    pub(super) fn next_heard(&mut self) -> Option<(StreamIndex, Heard)> {
        self.heard.pop_front()
    }

    /// `connect`: the bytes, where they are not those of a client that keeps to the standard.
    pub(super) fn attach(
        &mut self,
        client_id: &str,
        connect: &Connect,
        bytes: Option<Bytes>,
    ) -> StreamIndex {
        let stream = self.streams.len();
        let worker = self.settings.layout().worker_of(partition_of(client_id));
        let size = connect.properties.maximum_packet_size;
        self.streams.push(Stream {
            worker,
            protocol: connect.protocol,
            packet_size: size.map_or(usize::MAX, |size| size.get() as usize),
            state: State::Attaching,
            stalled: false,
            unread: 0,
            sent: 0,
        });
        let written = codec::encode(
            connect.protocol,
            &Packet::Connect(Box::new(connect.clone())),
        );
        let attach = Box::new(Attach {
            client_id: client_id.into(),
            client_id_assigned: false,
            principal: None,
            protocol: connect.protocol,
            connect: bytes.or(written.ok()).unwrap_or_default(),
            peer: ([127, 0, 0, 1], 40_000).into(),
            max_packet_bytes: 1 << 20,
            server_keep_alive: None,
            authenticated: None,
            topic_alias_maximum: 0,
            limits: ListenerLimits::default(),
        });
        let id = id_of(stream);
        self.frame(stream, ToShard::Attach { stream: id, attach });
        stream
    }

    pub(super) fn send(&mut self, stream: StreamIndex, packets: Bytes) {
        self.streams[stream].sent += packets.len() as u64;
        let id = id_of(stream);
        self.frame(
            stream,
            ToShard::Data {
                stream: id,
                packets,
            },
        );
    }

    pub(super) fn is_open(&self, stream: StreamIndex) -> bool {
        self.streams[stream].state != State::Ended
    }

    /// `with_link`: the link is lost, and the stream with it.
    pub(super) fn lose(&mut self, stream: StreamIndex, with_link: bool) {
        if !self.is_open(stream) {
            return;
        }
        self.streams[stream].state = State::Ended;
        if with_link {
            let worker = self.streams[stream].worker;
            self.input(worker, Input::LinkLost(link_of(stream)));
        } else {
            let detach = ToShard::Detach {
                stream: id_of(stream),
                reason: DetachReason::PeerGone,
            };
            self.frame(stream, detach);
        }
    }

    pub(super) fn stall(&mut self, stream: StreamIndex, stalled: bool) {
        self.streams[stream].stalled = stalled;
        self.give_back(stream);
    }

    fn give_back(&mut self, stream: StreamIndex) {
        let known = &mut self.streams[stream];
        if known.stalled || known.unread == 0 || known.state != State::Attached {
            return;
        }
        let bytes = std::mem::take(&mut known.unread);
        let id = id_of(stream);
        self.frame(stream, ToShard::Window { stream: id, bytes });
    }

    fn frame(&mut self, stream: StreamIndex, frame: ToShard) {
        let input = Input::Link {
            link: link_of(stream),
            frame,
            waited: Duration::ZERO,
        };
        self.input(self.streams[stream].worker, input);
    }

    fn input(&mut self, worker: u16, input: Input) {
        let mut out = Outbox::default();
        let core = &mut self.workers[usize::from(worker)];
        core.handle(self.now, input, &mut out);
        core.flush(self.now, &mut out);
        for (peer, message) in out.to_peers {
            assert_ne!(peer.0, worker, "a worker has sent to itself");
            let channel = self.channels.entry((worker, peer.0)).or_default();
            channel.push_back(message);
        }
        let mut told = Vec::new();
        for (link, frame) in out.to_links {
            told.push(self.edge_hears(link, frame));
        }
        for stream in told {
            self.give_back(stream);
        }
    }

    fn edge_hears(&mut self, link: LinkId, frame: ToEdge) -> StreamIndex {
        let stream = usize::try_from(link.0).unwrap_or(usize::MAX);
        let state = self.streams.get(stream).map(|it| it.state);
        assert!(
            state.is_some_and(|state| state != State::Ended),
            "{frame:?} on a stream that is {state:?}"
        );
        let known = &mut self.streams[stream];
        match frame {
            ToEdge::Attached { connack, .. } => {
                assert_eq!(known.state, State::Attaching);
                known.state = State::Attached;
                self.packet(stream, &connack);
            }
            ToEdge::Refused { .. } => {
                assert_eq!(known.state, State::Attaching);
                known.state = State::Ended;
                self.heard.push_back((stream, Heard::Refused));
            }
            ToEdge::Data { packets, .. } => {
                assert_eq!(known.state, State::Attached, "Data before CONNACK");
                known.unread += u32::try_from(packets.len()).unwrap_or(u32::MAX);
                for packet in frame::packets(packets) {
                    assert!(packet.is_ok(), "{packet:?}");
                    self.packet(stream, &packet.unwrap_or_default());
                }
            }
            ToEdge::Window { bytes, .. } => {
                assert!(
                    known.sent >= u64::from(bytes),
                    "more is given back than was sent"
                );
                known.sent -= u64::from(bytes);
            }
            ToEdge::Settled { .. } => assert_eq!(known.state, State::Attached),
            ToEdge::Close { reason, .. } => {
                known.state = State::Ended;
                self.heard.push_back((stream, Heard::Closed(reason)));
            }
            ToEdge::Fan { .. } | ToEdge::Health(_) | ToEdge::Table(_) => {
                unreachable!("only the shell around a worker sends {frame:?}")
            }
        }
        stream
    }

    fn packet(&mut self, stream: StreamIndex, bytes: &Bytes) {
        let known = &self.streams[stream];
        assert!(
            bytes.len() <= known.packet_size,
            "{} bytes for a client that takes {}",
            bytes.len(),
            known.packet_size
        );
        let read = codec::decode(known.protocol, bytes);
        assert!(read.is_ok(), "the shard has sent {bytes:02x?}: {read:?}");
        let packet = read.ok().map(|packet| (stream, Heard::Packet(packet)));
        self.heard.extend(packet);
    }

    /// One message between two workers; `which` of the channels that have one. `false`: there is none.
    pub(super) fn route(&mut self, which: usize) -> bool {
        let busy = self.channels.iter().filter(|(_, queue)| !queue.is_empty());
        let busy: Vec<_> = busy.map(|(pair, _)| *pair).collect();
        let pair = busy.get(which % busy.len().max(1)).copied();
        let message = pair.and_then(|pair| self.channels.get_mut(&pair)?.pop_front());
        if let (Some((from, to)), Some(message)) = (pair, message) {
            self.input(to, Input::Peer(WorkerIndex(from), message));
            return true;
        }
        // pages of retained messages that wait for their turn
        let serving = self
            .workers
            .iter()
            .position(|worker| worker.next_deadline() == Some(Duration::ZERO));
        if let Some(worker) = serving {
            self.input(index(worker), Input::Tick);
        }
        serving.is_some()
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        for worker in 0..self.workers.len() {
            self.input(index(worker), Input::Tick);
        }
    }

    /// Messages that wait for the clients of this one's worker.
    pub(super) fn waiting_beside(&self, client_id: &str) -> u64 {
        let worker = self.settings.layout().worker_of(partition_of(client_id));
        self.workers[usize::from(worker)].stats().queued
    }

    pub(super) fn stats(&self) -> impl Iterator<Item = WorkerStats> + '_ {
        self.workers.iter().map(WorkerCore::stats)
    }
}
