//! The shard's workers with their sessions, driven by steps that the bytes choose, against a model that knows what the
//! standard promises: nothing acknowledged that is not kept, QoS 2 exactly once, order in a topic, ids unique among
//! those under way and no more of them than the client takes, sessions and messages that end in time, and bounds.
//!
//! Three clients keep to the standard; a fourth sends whatever it likes and must not be noticed by them.

mod end;
mod hostile;
mod ledger;
mod peer;
mod shard;
mod step;

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::LazyLock;
use std::time::Duration;

use herdgate::codec::{self, Connect, ConnectProperties, Packet, Protocol, Publish, QoS};
use herdgate::link::CloseReason;
use herdgate::session::SessionLimits;
use herdgate::shard::core::CoreSettings;

use ledger::{Ledger, Number};
use peer::{IDS, Kept, Peer};
use shard::{Heard, Shard, StreamIndex};
use step::{Opening, PEERS, Script, Step, Wish};

/// More steps of one input find nothing that fewer do not.
const MOST_STEPS: usize = 400;
/// Rounds that are more than enough to bring everything to its end.
const ENOUGH: usize = 20_000;
const HOSTILE: &str = "hostile";

/// `HERDGATE_FUZZ_TRACE` is set: each step is told, and what the clients hear.
static TRACE: LazyLock<bool> = LazyLock::new(|| std::env::var_os("HERDGATE_FUZZ_TRACE").is_some());

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let Some(four) = script.four() else { return };
    let mut world = World::new(four);
    for _ in 0..MOST_STEPS {
        let Some(step) = script.next() else { break };
        world.tell(&step);
        world.take(step);
        world.check();
    }
    world.finish();
}

struct World {
    shard: Shard,
    settings: CoreSettings,
    peers: Vec<Peer>,
    ledger: Ledger,
    /// What was acknowledged with the last input.
    acknowledged: Vec<Number>,
    hostile: Option<(StreamIndex, Protocol)>,
    hostile_protocol: Protocol,
    /// Only copies of live messages wait in queues, whose bound then is the whole truth.
    is_live_only: bool,
}

impl World {
    /// Workers and key level, messages under way and in a queue, and the fourth client's protocol.
    fn new([workers, windows, queue, hostile]: [u8; 4]) -> Self {
        let settings = CoreSettings {
            workers: 1 + u16::from(workers % 3),
            topic_key_level: [None, Some(0), Some(1)][usize::from(workers / 3 % 3)],
            max_retained_messages: 8,
            session: SessionLimits {
                max_inflight: 1 + u16::from(windows % 4),
                receive_maximum: IDS,
                max_queued_messages: if queue % 4 == 0 { 4 } else { 1_000 },
                ..SessionLimits::default()
            },
            ..CoreSettings::default()
        };
        Self {
            shard: Shard::new(settings.clone()),
            settings,
            peers: ["a", "b", "c"].map(|it| Peer::new(it.to_owned())).into(),
            ledger: Ledger::default(),
            acknowledged: Vec::new(),
            hostile: None,
            hostile_protocol: step::protocol(hostile),
            is_live_only: true,
        }
    }

    /// For whoever looks at what was found.
    fn tell(&self, what: &dyn std::fmt::Debug) {
        if *TRACE {
            eprintln!("{:?} {what:?}", self.shard.now);
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Connect(at, opening) => self.connect(at, opening),
            Step::Subscribe(at, filter, qos) if self.peers[at].connection.is_some() => {
                self.peers[at].subscribe(filter, qos);
            }
            Step::Unsubscribe(at, filter) if self.peers[at].connection.is_some() => {
                self.peers[at].unsubscribe(filter);
            }
            Step::Subscribe(..) | Step::Unsubscribe(..) => {}
            Step::Publish(at, wish) => self.publish(at, wish),
            Step::Send(at, count) => (0..count).for_each(|_| _ = self.send(at)),
            Step::Read(at, count) => (0..count).for_each(|_| _ = self.read(at)),
            Step::Route(which, count) => (0..count).for_each(|_| _ = self.route(which)),
            Step::Lose(at, with_link) => self.lose(at, with_link),
            Step::Wait(seconds) => {
                self.shard.wait(seconds);
                self.hear();
            }
            Step::Stall(at, stalled) => {
                if let Some(stream) = self.peers[at].connection {
                    self.shard.stall(stream, stalled);
                    self.hear();
                }
            }
            Step::Disconnect(at, expiry) => self.disconnect(at, expiry),
            Step::Hostile(as_connect, bytes) => self.hostile(as_connect, &bytes),
            Step::Settle => self.settle(),
        }
    }

    fn connect(&mut self, at: usize, opening: Opening) {
        let expected = self.peers[at].finds_session(self.shard.now);
        let expected = if opening.clean_start {
            Some(false)
        } else {
            expected
        };
        let was_attached = self.peers[at].connection;
        let expires = matches!(self.peers[at].kept, Kept::Attached(0));
        if opening.clean_start || expires {
            self.session_ends(at);
        }
        if opening.clean_start {
            self.peers[at].forget();
        }
        let peer = &mut self.peers[at];
        peer.lose();
        peer.protocol = opening.protocol;
        let most = opening
            .receive_maximum
            .unwrap_or(self.settings.session.max_inflight);
        peer.most_under_way = most.into();
        let connect = connect_packet(&peer.client_id, opening);
        let stream = self.shard.attach(&peer.client_id, &connect, None);
        peer.connection = Some(stream);
        let mut is_attached = false;
        let mut is_taken_over = was_attached.is_none();
        while let Some((from, heard)) = self.shard.next_heard() {
            match heard {
                Heard::Packet(Packet::ConnAck(ack)) if from == stream => {
                    self.peers[at].is_connected(&ack, expected);
                    if !ack.session_present {
                        self.session_ends(at);
                        self.peers[at].forget();
                    }
                    let granted = opening.expiry.min(self.settings.max_session_expiry);
                    self.peers[at].kept = Kept::Attached(granted);
                    if opening.packet_size.is_some() {
                        self.peers[at].takes_less();
                    }
                    self.peers[at].resume(&self.ledger);
                    is_attached = true;
                }
                Heard::Closed(reason) if Some(from) == was_attached => {
                    assert_eq!(reason, CloseReason::TakenOver);
                    is_taken_over = true;
                }
                heard => self.heard(from, heard),
            }
        }
        assert!(is_attached && is_taken_over, "{at} is not let in");
    }

    /// The server's part of a session.
    fn session_ends(&mut self, at: usize) {
        self.peers[at].forgotten();
        self.peers[at].kept = Kept::None;
        self.ledger.forget(at);
    }

    fn publish(&mut self, at: usize, wish: Wish) {
        let Some(id) = self.peers[at].free_id(wish.qos) else {
            return;
        };
        self.is_live_only &= !wish.retain;
        let number = self.ledger.publish(at, wish);
        self.peers[at].publish(id, number, &self.ledger.published[number]);
    }

    /// One packet reaches the server.
    fn send(&mut self, at: usize) -> bool {
        let Some(stream) = self.peers[at].connection else {
            return false;
        };
        let Some(packet) = self.peers[at].to_server.pop_front() else {
            return false;
        };
        if self.peers[at].sent(&packet) {
            self.ledger.unsettle(at);
        }
        if let Packet::Publish(publish) = &packet {
            self.handed(publish);
        }
        let bytes = codec::encode(self.peers[at].protocol, &packet);
        assert!(bytes.is_ok(), "{packet:?}: {bytes:?}");
        self.shard.send(stream, bytes.unwrap_or_default());
        self.hear();
        true
    }

    fn handed(&mut self, publish: &Publish) {
        let Some(number) = ledger::number_of(publish) else {
            return;
        };
        let topic = self.ledger.published[number].wish.topic;
        let properties = publish.properties.as_ref();
        let expiry = properties.and_then(|properties| properties.expiry);
        let peers = self.peers.iter().enumerate();
        let candidates = peers.filter(|(_, peer)| {
            let wanted = peer.wants(topic).unwrap_or_default();
            wanted.min(publish.qos) > QoS::AtMostOnce
        });
        let candidates = candidates.map(|(at, _)| at);
        self.ledger
            .handed(number, expiry, candidates, self.shard.now);
    }

    /// One packet reaches the client.
    fn read(&mut self, at: usize) -> bool {
        let Some(packet) = self.peers[at].inbox.pop_front() else {
            return false;
        };
        if let Some(publish) = self.peers[at].take(packet) {
            self.ledger.applied(at, &publish);
        }
        true
    }

    fn route(&mut self, which: usize) -> bool {
        let moved = self.shard.route(which);
        self.hear();
        moved
    }

    fn lose(&mut self, at: usize, with_link: bool) {
        let Some(stream) = self.peers[at].connection else {
            return;
        };
        self.shard.lose(stream, with_link);
        self.leave(at);
        self.hear();
    }

    /// Its connection has ended.
    fn leave(&mut self, at: usize) {
        self.peers[at].lose();
        match self.peers[at].kept {
            Kept::Attached(0) => self.session_ends(at),
            Kept::Attached(seconds) => {
                let until = self.shard.now + Duration::from_secs(seconds.into());
                self.peers[at].kept = Kept::Until(until);
            }
            Kept::None | Kept::Until(_) => {}
        }
    }

    /// What waits to be sent goes first. A session that was to end with its connection cannot be kept by this.
    fn disconnect(&mut self, at: usize, expiry: Option<u32>) {
        while self.send(at) {}
        let peer = &mut self.peers[at];
        let Some(stream) = peer.connection else {
            return;
        };
        let mut disconnect = codec::Disconnect::default();
        if let Kept::Attached(seconds) = &mut peer.kept
            && *seconds > 0
            && peer.protocol == Protocol::V5
        {
            disconnect.session_expiry = expiry;
            *seconds = expiry
                .unwrap_or(*seconds)
                .min(self.settings.max_session_expiry);
        }
        let bytes = codec::encode(peer.protocol, &Packet::Disconnect(disconnect));
        self.shard.send(stream, bytes.unwrap_or_default());
        self.leave(at);
        while let Some((from, heard)) = self.shard.next_heard() {
            match heard {
                Heard::Closed(reason) if from == stream => {
                    assert_eq!(reason, CloseReason::Disconnected);
                }
                heard => self.heard(from, heard),
            }
        }
        assert!(!self.shard.is_open(stream), "DISCONNECT is not answered");
    }

    fn hear(&mut self) {
        while let Some((stream, heard)) = self.shard.next_heard() {
            self.heard(stream, heard);
        }
        self.check_held();
    }

    fn heard(&mut self, stream: StreamIndex, heard: Heard) {
        self.tell(&(stream, &heard));
        let is_of = |peer: &Peer| peer.connection == Some(stream);
        let Some(at) = self.peers.iter().position(is_of) else {
            // the fourth, or the last words on a connection that is gone
            return;
        };
        let Heard::Packet(packet) = heard else {
            unreachable!("{heard:?} for {:?}", self.peers[at])
        };
        let peer = &mut self.peers[at];
        match &packet {
            Packet::Publish(publish) => {
                peer.is_sent(publish);
                self.ledger.sent(at, publish, self.shard.now);
            }
            Packet::PubAck(ack) => {
                let number = peer.is_acknowledged(ack, QoS::AtLeastOnce);
                if let Some(number) = number {
                    self.acknowledged.push(number);
                    self.ledger.acknowledged(number);
                }
            }
            Packet::PubRec(ack) => {
                let number = peer.is_acknowledged(ack, QoS::ExactlyOnce);
                if let Some(number) = number {
                    self.acknowledged.push(number);
                    self.ledger.acknowledged(number);
                }
            }
            Packet::SubAck(ack) => {
                assert_eq!(ack.codes.len(), 1);
                peer.is_subscribed(ack.packet_id.get(), ack.codes[0]);
            }
            Packet::UnsubAck(ack) => peer.is_unsubscribed(ack.packet_id.get()),
            Packet::PubRel(_) | Packet::PubComp(_) => {}
            other => unreachable!("{} is sent {other:?}", peer.client_id),
        }
        self.peers[at].inbox.push_back(packet);
    }

    fn settle(&mut self) {
        for round in 0.. {
            let mut moved = self.route(0);
            for at in 0..PEERS {
                moved |= self.send(at);
                moved |= self.read(at);
            }
            if !moved {
                return;
            }
            assert!(round < ENOUGH, "it does not end");
        }
    }
}

fn last_opening(clean_start: bool) -> Opening {
    Opening {
        protocol: Protocol::V5,
        clean_start,
        expiry: 0,
        receive_maximum: None,
        packet_size: None,
    }
}

fn connect_packet(client_id: &str, opening: Opening) -> Connect {
    Connect {
        clean_start: opening.clean_start,
        properties: ConnectProperties {
            session_expiry: if opening.protocol == Protocol::V5 {
                opening.expiry
            } else {
                0
            },
            receive_maximum: opening.receive_maximum.and_then(NonZeroU16::new),
            maximum_packet_size: opening.packet_size.and_then(NonZeroU32::new),
            // reasons make packets longer, and are another test's
            request_problem_information: false,
            ..ConnectProperties::default()
        },
        ..Connect::new(opening.protocol, client_id)
    }
}
