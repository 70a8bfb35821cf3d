//! A client that keeps to the standard, and loses what is on its connection when that ends.

use std::collections::{BTreeSet, VecDeque};

use super::super::network::{Client, id};
use crate::codec::{Ack, Packet, Protocol, Publish, QoS, ReasonCode};

/// Ids that it uses: few, so that each is used again soon.
const IDS: u16 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// PUBREC awaited.
    Published,
    /// PUBCOMP awaited.
    Released,
}

#[derive(Debug)]
struct Outgoing {
    id: u16,
    payload: String,
    stage: Stage,
}

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) client_id: String,
    pub(super) protocol: Protocol,
    pub(super) connection: Option<Client>,
    /// Written to the socket, not yet at the server.
    pub(super) to_server: VecDeque<Packet>,
    outgoing: Vec<Outgoing>,
    /// Ids of messages that the server has not released.
    incoming: BTreeSet<u16>,
    /// What the application has got.
    pub(super) got: Vec<String>,
}

impl Peer {
    pub(super) fn new(client_id: String, protocol: Protocol) -> Self {
        Self {
            client_id,
            protocol,
            connection: None,
            to_server: VecDeque::new(),
            outgoing: Vec::new(),
            incoming: BTreeSet::new(),
            got: Vec::new(),
        }
    }

    /// `false`: all ids are in use.
    pub(super) fn publish(&mut self, payload: &str) -> bool {
        let in_use = |id: &u16| self.outgoing.iter().any(|outgoing| outgoing.id == *id);
        let Some(id) = (1..=IDS).find(|id| !in_use(id)) else {
            return false;
        };
        let outgoing = Outgoing {
            id,
            payload: payload.to_owned(),
            stage: Stage::Published,
        };
        if self.connection.is_some() {
            self.to_server.push_back(publish(&outgoing, false));
        }
        self.outgoing.push(outgoing);
        true
    }

    pub(super) fn lose_connection(&mut self) {
        self.connection = None;
        self.to_server.clear();
    }

    /// With a new connection to its session it sends again what is not acknowledged [MQTT-4.4.0-1].
    pub(super) fn resume(&mut self, connection: Client) {
        self.connection = Some(connection);
        for outgoing in &self.outgoing {
            self.to_server.push_back(match outgoing.stage {
                Stage::Published => publish(outgoing, true),
                Stage::Released => Packet::PubRel(ack(outgoing.id)),
            });
        }
    }

    pub(super) fn take(&mut self, packet: Packet) -> Result<(), String> {
        match packet {
            Packet::Publish(publish) => self.message(&publish),
            Packet::PubRel(release) => {
                self.incoming.remove(&release.packet_id.get());
                self.to_server
                    .push_back(Packet::PubComp(ack(release.packet_id.get())));
                Ok(())
            }
            Packet::PubRec(answer) => {
                let outgoing = self.outgoing(answer.packet_id.get())?;
                outgoing.stage = Stage::Released;
                let id = outgoing.id;
                self.to_server.push_back(Packet::PubRel(ack(id)));
                Ok(())
            }
            Packet::PubComp(answer) => {
                let outgoing = self.outgoing(answer.packet_id.get())?;
                if outgoing.stage != Stage::Released {
                    return Err(format!("PUBCOMP before PUBREL: {outgoing:?}"));
                }
                let id = outgoing.id;
                self.outgoing.retain(|outgoing| outgoing.id != id);
                Ok(())
            }
            other => Err(format!("{} got {other:?}", self.client_id)),
        }
    }

    fn message(&mut self, publish: &Publish) -> Result<(), String> {
        let Some(id) = publish
            .packet_id
            .filter(|_| publish.qos == QoS::ExactlyOnce)
        else {
            return Err(format!("not at QoS 2: {publish:?}"));
        };
        if self.incoming.insert(id.get()) {
            let payload = String::from_utf8(publish.payload.to_vec()).unwrap();
            self.got.push(payload);
        } else if !publish.dup {
            return Err(format!("id {id} of {} is in use", self.client_id));
        }
        self.to_server.push_back(Packet::PubRec(ack(id.get())));
        Ok(())
    }

    fn outgoing(&mut self, id: u16) -> Result<&mut Outgoing, String> {
        let mut all = self.outgoing.iter_mut();
        all.find(|outgoing| outgoing.id == id)
            .ok_or_else(|| format!("{} knows no id {id}", self.client_id))
    }

    /// The message that an answer with this id is for.
    pub(super) fn payload_of(&self, id: u16) -> Option<&str> {
        let outgoing = self.outgoing.iter().find(|outgoing| outgoing.id == id)?;
        Some(&outgoing.payload)
    }

    /// Nothing is under way, for it.
    pub(super) fn is_done(&self) -> bool {
        self.outgoing.is_empty() && self.incoming.is_empty() && self.to_server.is_empty()
    }
}

fn publish(outgoing: &Outgoing, dup: bool) -> Packet {
    let topic = format!("t/{}", outgoing.payload);
    Packet::Publish(Publish {
        dup,
        qos: QoS::ExactlyOnce,
        packet_id: Some(id(outgoing.id)),
        ..Publish::new(topic, outgoing.payload.clone())
    })
}

fn ack(number: u16) -> Ack {
    Ack::new(id(number), ReasonCode::SUCCESS)
}
