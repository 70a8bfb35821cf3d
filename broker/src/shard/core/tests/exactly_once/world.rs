//! Two publishers, two subscribers, the workers between them.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use super::super::network::Network;
use super::peer::Peer;
use crate::codec::{Connect, ConnectProperties, Packet, Protocol, QoS};
use crate::link::{CloseReason, ToShard};
use crate::shard::core::{CoreSettings, Input, LinkId};

/// How a client comes to a new connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The edge has seen the end.
    Lost,
    /// With the link to the edge.
    LinkLost,
    /// Only the client knows: it comes again over another edge.
    TakenOver,
}

pub(super) struct World {
    network: Network,
    /// The first two publish, the others subscribe.
    pub(super) peers: Vec<Peer>,
    published: Vec<String>,
    /// Of each client: ids of messages for it, from the first PUBLISH to the PUBCOMP [MQTT-2.2.1-4].
    in_use: Vec<BTreeSet<u16>>,
    /// Of each client: packets of its inbox that were looked at.
    looked_at: Vec<usize>,
    next_link: u64,
}

/// Rounds that are more than enough to bring everything to its end.
const ENOUGH: usize = 1_000;

impl World {
    /// The seed decides about workers and protocols.
    pub(super) fn new(seed: u64) -> Self {
        let mut settings = CoreSettings {
            workers: [3, 1, 2][usize::try_from(seed % 3).unwrap()],
            ..CoreSettings::default()
        };
        settings.session.max_inflight = 3;
        let peers = ["p0", "p1", "s0", "s3"].iter().zip(0..);
        let peers = peers.map(|(client_id, number)| {
            let is_v5 = (seed >> number) & 1 == 0;
            let protocol = if is_v5 { Protocol::V5 } else { Protocol::V311 };
            Peer::new((*client_id).to_owned(), protocol)
        });
        let mut world = Self {
            network: Network::new(&settings),
            peers: peers.collect(),
            published: Vec::new(),
            in_use: vec![BTreeSet::new(); 4],
            looked_at: vec![0; 4],
            next_link: 0,
        };
        for peer in 0..4 {
            world.connect(peer).unwrap();
        }
        for peer in 2..4 {
            let connection = world.peers[peer].connection.unwrap();
            world.network.subscribe(connection, "t/#", QoS::ExactlyOnce);
        }
        world
    }

    pub(super) fn publish(&mut self, peer: usize) {
        let payload = format!("{peer}-{:03}", self.published.len());
        if self.peers[peer].publish(&payload) {
            self.published.push(payload);
        }
    }

    /// One packet reaches the server.
    pub(super) fn send(&mut self, at: usize) {
        let peer = &mut self.peers[at];
        if let Some(connection) = peer.connection
            && let Some(packet) = peer.to_server.pop_front()
        {
            if let Packet::PubComp(ack) = &packet {
                self.in_use[at].remove(&ack.packet_id.get());
            }
            self.network.send_only(connection, &packet);
        }
    }

    /// One packet reaches the client.
    pub(super) fn read(&mut self, at: usize) -> Result<bool, String> {
        self.look(at)?;
        let peer = &mut self.peers[at];
        let Some(connection) = peer.connection else {
            return Ok(false);
        };
        match self.network.inbox(connection).packets.pop_front() {
            Some(packet) => {
                self.looked_at[at] -= 1;
                peer.take(packet).map(|()| true)
            }
            None => Ok(false),
        }
    }

    /// One message between two workers; `which` of those that wait.
    pub(super) fn route(&mut self, which: usize) -> bool {
        let busy = self.network.busy();
        let pair = (!busy.is_empty()).then(|| busy[which % busy.len()]);
        if let Some(pair) = pair {
            self.network.step(pair);
        }
        pair.is_some()
    }

    /// What is on the connection is lost both ways.
    pub(super) fn end(&mut self, peer: usize, end: End) -> Result<(), String> {
        let Some(connection) = self.peers[peer].connection else {
            return Ok(());
        };
        self.peers[peer].lose_connection();
        match end {
            End::Lost => {
                let stream = connection.stream;
                let reason = crate::link::DetachReason::PeerGone;
                self.network
                    .frame(connection, ToShard::Detach { stream, reason });
                Ok(())
            }
            End::LinkLost => {
                self.network
                    .input(connection.worker, Input::LinkLost(connection.link));
                Ok(())
            }
            End::TakenOver => {
                self.connect(peer)?;
                let closed = self.network.inbox(connection).closed;
                (closed == Some(CloseReason::TakenOver))
                    .then_some(())
                    .ok_or(format!("closed: {closed:?}"))
            }
        }
    }

    pub(super) fn connect(&mut self, peer: usize) -> Result<(), String> {
        if self.peers[peer].connection.is_some() {
            return Ok(());
        }
        let first = self.next_link < 4;
        self.next_link += 1;
        let connect = Connect {
            clean_start: false,
            properties: ConnectProperties {
                session_expiry: 3_600,
                receive_maximum: NonZeroU16::new(2),
                ..ConnectProperties::default()
            },
            ..Connect::new(self.peers[peer].protocol, &*self.peers[peer].client_id)
        };
        let connection = self
            .network
            .connect_only(LinkId(self.next_link), None, connect);
        let connack = self.network.inbox(connection).connack.clone();
        match connack {
            Some(Packet::ConnAck(ack)) if ack.session_present != first => {}
            other => return Err(format!("{other:?}")),
        }
        self.peers[peer].resume(connection);
        self.looked_at[peer] = 0;
        Ok(())
    }

    /// Whatever can happen next; `false`: nothing can.
    pub(super) fn step(&mut self) -> Result<bool, String> {
        let happened = self.step_unchecked()?;
        self.check()?;
        Ok(happened)
    }

    fn step_unchecked(&mut self) -> Result<bool, String> {
        for peer in 0..self.peers.len() {
            if !self.peers[peer].to_server.is_empty() && self.peers[peer].connection.is_some() {
                self.send(peer);
                return Ok(true);
            }
            if self.read(peer)? {
                return Ok(true);
            }
        }
        Ok(self.route(0))
    }

    /// What must hold at any moment.
    pub(super) fn check(&mut self) -> Result<(), String> {
        for at in 0..self.peers.len() {
            let Some(connection) = self.peers[at].connection else {
                continue;
            };
            let inbox = self.network.inbox(connection);
            if inbox.closed.is_some() {
                let client_id = &self.peers[at].client_id;
                return Err(format!("{client_id} is closed: {:?}", inbox.closed));
            }
            let pubrecs = inbox.packets.iter().filter_map(|packet| match packet {
                Packet::PubRec(ack) => Some(ack.packet_id.get()),
                _ => None,
            });
            for id in pubrecs.collect::<Vec<_>>() {
                self.check_taken(at, id)?;
            }
            self.look(at)?;
        }
        Ok(())
    }

    /// An id that a new message comes under is in use from now on.
    fn look(&mut self, at: usize) -> Result<(), String> {
        let Some(connection) = self.peers[at].connection else {
            return Ok(());
        };
        let packets = &self.network.inbox(connection).packets;
        for packet in packets.iter().skip(self.looked_at[at]) {
            if let Packet::Publish(publish) = packet
                && let Some(id) = publish.packet_id.filter(|_| !publish.dup)
                && !self.in_use[at].insert(id.get())
            {
                return Err(format!("id {id} is used again before its PUBCOMP"));
            }
        }
        self.looked_at[at] = packets.len();
        Ok(())
    }

    /// PUBREC says that every subscriber has the message or will get it.
    fn check_taken(&self, publisher: usize, id: u16) -> Result<(), String> {
        let Some(payload) = self.peers[publisher].payload_of(id) else {
            return Err(format!("PUBREC for id {id}, which is not in use"));
        };
        for subscriber in &self.peers[2..] {
            let has = subscriber.got.iter().any(|got| got == payload);
            if !has && !self.network.holds(&subscriber.client_id, payload) {
                let client_id = &subscriber.client_id;
                return Err(format!("PUBREC, but {payload} is not kept for {client_id}"));
            }
        }
        Ok(())
    }

    /// Nothing is lost any more: in the end everybody has got everything once, and nothing is left over.
    pub(super) fn finish(mut self) -> Result<(), String> {
        for peer in 0..self.peers.len() {
            self.connect(peer)?;
        }
        for round in 0.. {
            if !self.step()? {
                break;
            }
            if round > ENOUGH {
                return Err("it does not end".to_owned());
            }
        }
        for subscriber in &self.peers[2..] {
            self.check_all_got(subscriber)?;
        }
        for peer in &self.peers {
            if !peer.is_done() || !self.network.is_done(&peer.client_id) {
                return Err(format!("something is left over: {peer:?}"));
            }
        }
        Ok(())
    }

    /// In any order: each message has a topic of its own.
    fn check_all_got(&self, subscriber: &Peer) -> Result<(), String> {
        let (mut got, mut expected) = (subscriber.got.clone(), self.published.clone());
        got.sort();
        expected.sort();
        if got == expected {
            Ok(())
        } else {
            let client_id = &subscriber.client_id;
            Err(format!("{client_id} has got {got:?} of {expected:?}"))
        }
    }
}
