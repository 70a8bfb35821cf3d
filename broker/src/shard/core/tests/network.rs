//! Workers, the channels between them, and clients that speak MQTT.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use crate::codec::{
    self, Ack, Connect, Disconnect, Packet, PacketId, Protocol, Publish, QoS, ReasonCode,
    Subscribe, Subscription, Unsubscribe, frame,
};
use crate::link::{Attach, CloseReason, DetachReason, ListenerLimits, StreamId, ToEdge, ToShard};
use crate::session::Session;
use crate::shard::core::{
    CoreSettings, Input, Layout, LinkId, Outbox, PeerMessage, WorkerCore, WorkerIndex, partition_of,
};

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

    /// Sends a CONNECT over link 1 and takes what comes.
    pub(super) fn connect(&mut self, connect: Connect) -> Client {
        self.connect_over(LinkId(1), connect)
    }

    pub(super) fn connect_over(&mut self, link: LinkId, connect: Connect) -> Client {
        self.connect_as(link, None, connect)
    }

    pub(super) fn connect_as(
        &mut self,
        link: LinkId,
        principal: Option<&str>,
        connect: Connect,
    ) -> Client {
        let client = self.connect_only(link, principal, connect);
        self.run();
        client
    }

    /// Without running the channels.
    pub(super) fn connect_only(
        &mut self,
        link: LinkId,
        principal: Option<&str>,
        connect: Connect,
    ) -> Client {
        self.next_stream += 1;
        let client = Client {
            link,
            stream: StreamId(self.next_stream),
            protocol: connect.protocol,
            worker: self.layout.worker_of(partition_of(&connect.client_id)),
        };
        self.inboxes
            .insert((link, client.stream), (connect.protocol, Inbox::default()));
        let attach = Attach {
            client_id: connect.client_id.clone(),
            client_id_assigned: false,
            principal: principal.map(Into::into),
            protocol: connect.protocol,
            connect: codec::encode(connect.protocol, &Packet::Connect(Box::new(connect))).unwrap(),
            peer: ([127, 0, 0, 1], 40_000).into(),
            max_packet_bytes: 1 << 20,
            server_keep_alive: None,
            authenticated: None,
            topic_alias_maximum: 0,
            limits: self.listener,
        };
        self.attach_only(client, attach);
        client
    }

    pub(super) fn attach(&mut self, client: Client, attach: Attach) {
        self.attach_only(client, attach);
        self.run();
    }

    fn attach_only(&mut self, client: Client, attach: Attach) {
        self.inboxes
            .entry((client.link, client.stream))
            .or_insert_with(|| (client.protocol, Inbox::default()));
        self.frame(
            client,
            ToShard::Attach {
                stream: client.stream,
                attach: Box::new(attach),
            },
        );
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

    /// A client with a clean session, attached. It wants no reasons: tests compare packets, and reasons have their own.
    pub(super) fn client(&mut self, protocol: Protocol, client_id: &str) -> Client {
        let mut connect = Connect::new(protocol, client_id);
        connect.properties.request_problem_information = false;
        let client = self.connect(connect);
        assert!(
            self.inbox(client).connack.is_some(),
            "{client_id} is not attached"
        );
        client
    }

    pub(super) fn frame(&mut self, client: Client, frame: ToShard) {
        self.input(
            client.worker,
            Input::Link {
                link: client.link,
                frame,
                waited: Duration::ZERO,
            },
        );
    }

    /// Without running the channels.
    pub(super) fn send_only(&mut self, client: Client, packet: &Packet) {
        let packets = codec::encode(client.protocol, packet).unwrap();
        self.frame(
            client,
            ToShard::Data {
                stream: client.stream,
                packets,
            },
        );
    }

    pub(super) fn send(&mut self, client: Client, packet: &Packet) {
        self.send_only(client, packet);
        self.run();
    }

    pub(super) fn raw(&mut self, client: Client, bytes: &[u8]) {
        self.frame(
            client,
            ToShard::Data {
                stream: client.stream,
                packets: Bytes::copy_from_slice(bytes),
            },
        );
        self.run();
    }

    pub(super) fn detach(&mut self, client: Client) {
        self.frame(
            client,
            ToShard::Detach {
                stream: client.stream,
                reason: DetachReason::PeerGone,
            },
        );
        self.run();
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

    /// Subscribes and takes the SUBACK.
    pub(super) fn subscribe(&mut self, client: Client, filter: &str, qos: QoS) {
        self.send(client, &subscribe(vec![Subscription::new(filter, qos)]));
        let suback = self
            .inbox(client)
            .packets
            .iter()
            .position(|packet| matches!(packet, Packet::SubAck(_)));
        let suback = suback.and_then(|at| self.inbox(client).packets.remove(at));
        let Some(Packet::SubAck(suback)) = suback else {
            panic!("no SUBACK for {filter}")
        };
        assert_eq!(suback.codes, [ReasonCode(qos as u8)], "{filter}");
    }

    pub(super) fn unsubscribe(&mut self, client: Client, filter: &str) {
        let unsubscribe = Unsubscribe {
            packet_id: id(2),
            filters: vec![filter.into()],
            user: Vec::new(),
        };
        self.send(client, &Packet::Unsubscribe(unsubscribe));
        let Some(Packet::UnsubAck(_)) = self.inbox(client).packets.pop_back() else {
            panic!("no UNSUBACK")
        };
    }

    pub(super) fn publish(&mut self, client: Client, topic: &str, payload: &str, qos: QoS) {
        self.send(client, &publish(topic, payload, qos));
        if qos == QoS::ExactlyOnce {
            self.send(
                client,
                &Packet::PubRel(Ack::new(id(77), ReasonCode::SUCCESS)),
            );
        }
    }

    pub(super) fn retain(&mut self, client: Client, topic: &str, payload: &str) {
        self.send(
            client,
            &Packet::Publish(Publish {
                retain: true,
                ..Publish::new(topic, payload.to_owned())
            }),
        );
    }

    /// PUBACK, or PUBREC and PUBCOMP with the PUBREL between them.
    fn take(&mut self, client: Client, qos: QoS, packet_id: PacketId) {
        let ack = || Ack::new(packet_id, ReasonCode::SUCCESS);
        if qos == QoS::AtLeastOnce {
            self.send(client, &Packet::PubAck(ack()));
            return;
        }
        self.send(client, &Packet::PubRec(ack()));
        let packets = &mut self.inbox(client).packets;
        let release = packets
            .iter()
            .position(|packet| *packet == Packet::PubRel(ack()));
        packets.remove(release.expect("a PUBREL"));
        self.send(client, &Packet::PubComp(ack()));
    }

    /// The messages that came, as `topic=payload`, with `!` for the retain flag and the QoS if not 0. QoS 1 and 2 are
    /// acknowledged.
    pub(super) fn messages(&mut self, client: Client) -> Vec<String> {
        let mut messages = Vec::new();
        for packet in self.packets(client) {
            let Packet::Publish(publish) = packet else {
                panic!("{packet:?} is no message")
            };
            messages.push(show(&publish));
            if let Some(packet_id) = publish.packet_id {
                self.take(client, publish.qos, packet_id);
            }
        }
        messages
    }
}

pub(super) fn show(publish: &Publish) -> String {
    let qos = if publish.qos == QoS::AtMostOnce {
        String::new()
    } else {
        format!(" q{}", publish.qos as u8)
    };
    let flag = if publish.retain { "!" } else { "" };
    format!(
        "{}={}{flag}{qos}",
        publish.topic,
        String::from_utf8_lossy(&publish.payload)
    )
}

pub(super) fn subscribe(filters: Vec<Subscription>) -> Packet {
    Packet::Subscribe(Subscribe {
        packet_id: id(1),
        subscription_id: None,
        filters,
        user: Vec::new(),
    })
}

pub(super) fn publish(topic: &str, payload: &str, qos: QoS) -> Packet {
    let packet_id = (qos > QoS::AtMostOnce).then(|| id(77));
    Packet::Publish(Publish {
        qos,
        packet_id,
        ..Publish::new(topic, payload.to_owned())
    })
}

pub(super) fn disconnected(code: ReasonCode) -> Packet {
    Packet::Disconnect(Disconnect::new(code))
}
