//! A client that keeps to the standard, and loses what is on its connection when that ends; and what its session at the
//! server must be.

mod seen;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use herdgate::codec::{
    Ack, MessageProperties, Packet, PacketId, Protocol, Publish, QoS, ReasonCode, Subscribe,
    Subscription, Unsubscribe,
};

use super::ledger::{Ledger, Number, Published};
use super::shard::StreamIndex;
use super::step::{FILTERS, TOPICS};

/// Ids that it publishes with: few, so that each is used again soon. The server's receive maximum is the same.
pub(super) const IDS: u16 = 3;
/// The first id of its SUBSCRIBE and UNSUBSCRIBE packets.
const REQUESTS: u16 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// PUBACK or PUBREC awaited.
    Published,
    /// PUBCOMP awaited.
    Released,
}

#[derive(Clone, Copy, Debug)]
struct Outgoing {
    id: u16,
    number: Number,
    qos: QoS,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Request {
    Subscribe(usize, QoS),
    Unsubscribe,
}

/// Its session at the server.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kept {
    None,
    /// Attached, with the seconds that it is kept afterwards.
    Attached(u32),
    Until(Duration),
}

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) client_id: String,
    pub(super) protocol: Protocol,
    pub(super) connection: Option<StreamIndex>,
    pub(super) to_server: VecDeque<Packet>,
    pub(super) inbox: VecDeque<Packet>,
    outgoing: Vec<Outgoing>,
    /// Ids of QoS 2 messages that the server has not released.
    incoming: BTreeSet<u16>,
    requests: BTreeMap<u16, Request>,
    next_request: u16,
    pub(super) kept: Kept,
    /// The QoS of each filter whose SUBACK has come, and that was not touched since.
    in_force: BTreeMap<usize, QoS>,
    /// The last request for each filter that the server has got: answers may come in another order.
    newest: BTreeMap<usize, u16>,
    /// Filters that it ever subscribed to.
    ever: BTreeSet<usize>,
    /// Ids of messages for it, from the first PUBLISH to the last acknowledgement [MQTT-2.2.1-4].
    in_use: BTreeSet<u16>,
    /// Those among them whose messages the server may have given up: the client came back and takes smaller packets.
    perhaps_free: BTreeSet<u16>,
    /// Those among them that went over this connection.
    under_way: BTreeSet<u16>,
    pub(super) most_under_way: usize,
}

pub(super) fn ack(number: u16) -> Option<Ack> {
    PacketId::new(number).map(|id| Ack::new(id, ReasonCode::SUCCESS))
}

fn matches(filter: usize, topic: &str) -> bool {
    match FILTERS[filter] {
        "t/#" => true,
        "t/+" => topic.matches('/').count() == 1,
        "t/+/deep" => topic.ends_with("/deep"),
        filter => filter == topic,
    }
}

impl Peer {
    pub(super) fn new(client_id: String) -> Self {
        Self {
            client_id,
            protocol: Protocol::V311,
            connection: None,
            to_server: VecDeque::new(),
            inbox: VecDeque::new(),
            outgoing: Vec::new(),
            incoming: BTreeSet::new(),
            requests: BTreeMap::new(),
            next_request: 0,
            kept: Kept::None,
            in_force: BTreeMap::new(),
            newest: BTreeMap::new(),
            ever: BTreeSet::new(),
            in_use: BTreeSet::new(),
            perhaps_free: BTreeSet::new(),
            under_way: BTreeSet::new(),
            most_under_way: 0,
        }
    }

    /// The client forgets its session.
    pub(super) fn forget(&mut self) {
        self.outgoing.clear();
        self.incoming.clear();
    }

    /// The server does.
    pub(super) fn forgotten(&mut self) {
        self.in_force.clear();
        self.in_use.clear();
        self.perhaps_free.clear();
        self.under_way.clear();
    }

    /// Without its connection; what was on it is lost.
    pub(super) fn lose(&mut self) {
        self.connection = None;
        self.to_server.clear();
        self.inbox.clear();
        self.requests.clear();
    }

    /// What does not fit is not sent again, and counts as done [MQTT-3.1.2-25].
    pub(super) fn takes_less(&mut self) {
        self.perhaps_free.extend(&self.in_use);
    }

    /// CONNACK comes: a client sends again what is not acknowledged [MQTT-4.4.0-1].
    pub(super) fn resume(&mut self, ledger: &Ledger) {
        self.under_way.clear();
        for outgoing in &self.outgoing {
            self.to_server.extend(match outgoing.stage {
                Stage::Published => publish(
                    &ledger.published[outgoing.number],
                    outgoing,
                    true,
                    self.protocol,
                ),
                Stage::Released => ack(outgoing.id).map(Packet::PubRel),
            });
        }
    }

    /// `None`: all ids are in use, or it cannot be sent now.
    pub(super) fn free_id(&self, qos: QoS) -> Option<u16> {
        if qos == QoS::AtMostOnce {
            return self.connection.map(|_| 0);
        }
        let in_use = |id: &u16| self.outgoing.iter().any(|outgoing| outgoing.id == *id);
        (1..=IDS).find(|id| !in_use(id))
    }

    pub(super) fn publish(&mut self, id: u16, number: Number, message: &Published) {
        let outgoing = Outgoing {
            id,
            number,
            qos: message.wish.qos,
            stage: Stage::Published,
        };
        if self.connection.is_some() {
            let packet = publish(message, &outgoing, false, self.protocol);
            self.to_server.extend(packet);
        }
        if message.wish.qos > QoS::AtMostOnce {
            self.outgoing.push(outgoing);
        }
    }

    /// `None`: all ids are in use [MQTT-2.2.1-3].
    fn request(&mut self, request: Request) -> Option<PacketId> {
        self.next_request = (self.next_request + 1) % 100;
        let id = REQUESTS + self.next_request;
        let Entry::Vacant(free) = self.requests.entry(id) else {
            return None;
        };
        free.insert(request);
        PacketId::new(id)
    }

    pub(super) fn subscribe(&mut self, filter: usize, qos: QoS) {
        self.ever.insert(filter);
        if let Some(packet_id) = self.request(Request::Subscribe(filter, qos)) {
            self.to_server.push_back(Packet::Subscribe(Subscribe {
                packet_id,
                subscription_id: None,
                filters: vec![Subscription::new(FILTERS[filter], qos)],
                user: Vec::new(),
            }));
        }
    }

    pub(super) fn unsubscribe(&mut self, filter: usize) {
        if let Some(packet_id) = self.request(Request::Unsubscribe) {
            self.to_server.push_back(Packet::Unsubscribe(Unsubscribe {
                packet_id,
                filters: vec![FILTERS[filter].into()],
                user: Vec::new(),
            }));
        }
    }

    /// The server has got this packet; `true`: subscriptions change.
    pub(super) fn sent(&mut self, packet: &Packet) -> bool {
        let (id, text) = match packet {
            Packet::PubAck(ack) | Packet::PubComp(ack) => {
                self.in_use.remove(&ack.packet_id.get());
                self.perhaps_free.remove(&ack.packet_id.get());
                self.under_way.remove(&ack.packet_id.get());
                return false;
            }
            Packet::Subscribe(it) => (it.packet_id, it.filters.first().map(|it| &*it.filter)),
            Packet::Unsubscribe(it) => (it.packet_id, it.filters.first().map(|it| &**it)),
            _ => return false,
        };
        let filter = FILTERS.iter().position(|filter| Some(*filter) == text);
        if let Some(filter) = filter {
            self.in_force.remove(&filter);
            self.newest.insert(filter, id.get());
        }
        true
    }

    /// The client reads a packet; what the application gets of it is returned.
    pub(super) fn take(&mut self, packet: Packet) -> Option<Publish> {
        match packet {
            Packet::Publish(publish) => {
                let is_new = self.message(&publish);
                return Some(publish).filter(|_| is_new);
            }
            Packet::PubRel(release) => {
                let id = release.packet_id.get();
                self.incoming.remove(&id);
                self.to_server.extend(ack(id).map(Packet::PubComp));
            }
            Packet::PubRec(answer) => {
                let id = answer.packet_id.get();
                let mut all = self.outgoing.iter_mut();
                if let Some(outgoing) = all.find(|outgoing| outgoing.id == id) {
                    outgoing.stage = Stage::Released;
                    self.to_server.extend(ack(id).map(Packet::PubRel));
                }
            }
            Packet::PubAck(answer) | Packet::PubComp(answer) => {
                let id = answer.packet_id.get();
                self.outgoing.retain(|outgoing| outgoing.id != id);
            }
            _ => {}
        }
        None
    }

    fn message(&mut self, publish: &Publish) -> bool {
        let id = publish.packet_id.map(PacketId::get);
        let answer = id.and_then(ack);
        match publish.qos {
            QoS::AtMostOnce => true,
            QoS::AtLeastOnce => {
                self.to_server.extend(answer.map(Packet::PubAck));
                true
            }
            QoS::ExactlyOnce => {
                self.to_server.extend(answer.map(Packet::PubRec));
                id.is_some_and(|id| self.incoming.insert(id))
            }
        }
    }

    /// Nothing is under way, for it.
    pub(super) fn is_done(&self) -> bool {
        self.outgoing.is_empty()
            && self.incoming.is_empty()
            && self.requests.is_empty()
            && self.in_use.is_subset(&self.perhaps_free)
            && self.to_server.is_empty()
    }
}

fn publish(
    message: &Published,
    outgoing: &Outgoing,
    dup: bool,
    protocol: Protocol,
) -> Option<Packet> {
    let wish = message.wish;
    let properties = wish
        .expiry
        .filter(|_| protocol == Protocol::V5)
        .map(|expiry| {
            MessageProperties {
                expiry: Some(expiry),
                ..MessageProperties::default()
            }
            .into()
        });
    let packet_id = PacketId::new(outgoing.id);
    (packet_id.is_some() || wish.qos == QoS::AtMostOnce).then(|| {
        Packet::Publish(Publish {
            dup,
            retain: wish.retain,
            qos: wish.qos,
            packet_id,
            properties,
            ..Publish::new(TOPICS[wish.topic], message.payload(outgoing.number))
        })
    })
}
