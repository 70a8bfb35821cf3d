//! A client of one version that says what a test wants said and reads what comes.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::{
    Answer, ConnAck, Connect, Properties, Publish, SUBSCRIBE, UNSUBACK, UNSUBSCRIBE, Version, ack,
    code_and_properties, names, request, wishes,
};
use crate::mqtt::{self, Client, Packet, is_timeout};

/// A broker that says nothing for so long says nothing.
pub const REPLY_WITHIN: Duration = Duration::from_secs(10);

pub struct Peer {
    pub version: Version,
    client: Client,
    last_id: u16,
    /// PUBLISH packets that came while another packet was waited for.
    early: VecDeque<Packet>,
}

impl Peer {
    /// A connection without a CONNECT.
    pub fn open(address: SocketAddr, version: Version) -> Self {
        Self::over(Client::plain(address).expect("the broker listens"), version)
    }

    pub fn over(mut client: Client, version: Version) -> Self {
        client.set_read_timeout(REPLY_WITHIN);
        Self {
            version,
            client,
            last_id: 0,
            early: VecDeque::new(),
        }
    }

    /// Connects and expects to be let in.
    pub fn enter(address: SocketAddr, connect: &Connect) -> Self {
        Self::enter_told(address, connect).0
    }

    /// As `enter`, with the CONNACK.
    pub fn enter_told(address: SocketAddr, connect: &Connect) -> (Self, ConnAck) {
        let mut peer = Self::open(address, connect.version);
        let connack = peer.connect(connect);
        assert_eq!(connack.code, 0, "{connack:?} for {connect:?}");
        (peer, connack)
    }

    pub fn connect(&mut self, connect: &Connect) -> ConnAck {
        self.send(&connect.encode());
        ConnAck::read(self.version, &self.read())
    }

    /// Bytes as they are. A connection that is closed already is for the next read to find.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.client.send(bytes);
    }

    /// The next packet; stops when none comes.
    pub fn read(&mut self) -> Packet {
        let early = self.early.pop_front();
        early.unwrap_or_else(|| self.client.read().expect("a packet comes"))
    }

    fn read_behind_publishes(&mut self) -> Packet {
        loop {
            let packet = self.client.read().expect("a packet comes");
            if packet.kind() != mqtt::PUBLISH {
                return packet;
            }
            self.early.push_back(packet);
        }
    }

    pub fn try_read(&mut self) -> io::Result<Packet> {
        self.client.read()
    }

    pub fn next_id(&mut self) -> u16 {
        self.last_id += 1;
        self.last_id
    }

    /// Subscribes with an options byte and returns the code.
    pub fn subscribe(&mut self, filter: &str, options: u8) -> u8 {
        self.subscribe_with(&[(filter, options)], &Properties::new())
            .codes[0]
    }

    pub fn subscribe_with(&mut self, filters: &[(&str, u8)], properties: &Properties) -> Answer {
        let id = self.next_id();
        let list = wishes(filters);
        let packet = request(self.version, SUBSCRIBE | 2, id, properties, &list);
        self.send(&packet);
        self.answer(mqtt::SUBACK, id)
    }

    pub fn unsubscribe(&mut self, filters: &[&str]) -> Answer {
        let id = self.next_id();
        let list = names(filters);
        let none = Properties::new();
        let packet = request(self.version, UNSUBSCRIBE | 2, id, &none, &list);
        self.send(&packet);
        self.answer(UNSUBACK, id)
    }

    /// The next packet that is no PUBLISH is the answer to `id`; those are kept for `receive`.
    pub fn answer(&mut self, kind: u8, id: u16) -> Answer {
        let packet = self.read_behind_publishes();
        let answer = Answer::read(self.version, &packet);
        assert_eq!((answer.kind, answer.id), (kind, id), "{packet:?}");
        answer
    }

    pub fn publish(&mut self, publish: &Publish) {
        let bytes = publish.encode(self.version);
        self.send(&bytes);
    }

    /// Publishes at QoS 1 and waits for the PUBACK: every subscriber's session has it then.
    pub fn publish_acked(&mut self, publish: &Publish) -> Answer {
        let id = self.next_id();
        self.publish(&publish.clone().qos(1, id));
        self.answer(mqtt::PUBACK, id)
    }

    /// The next packet, a PUBLISH.
    pub fn receive(&mut self) -> Publish {
        let packet = self.read();
        Publish::read(self.version, &packet)
    }

    /// As `receive`, acknowledged if it is of QoS 1.
    pub fn receive_acked(&mut self) -> Publish {
        let publish = self.receive();
        if publish.qos == 1 {
            self.send(&ack(mqtt::PUBACK, publish.id));
        }
        publish
    }

    /// True while the connection works.
    pub fn ping(&mut self) {
        self.send(&[super::PINGREQ, 0]);
        assert_eq!(self.read_behind_publishes().first, mqtt::PINGRESP);
    }

    /// A round trip to the owner of the session, which a ping is not: the edge answers it. What the owner had been sent
    /// before has been dealt with, and what it had for this client has come; messages are kept for `receive`.
    pub fn round_trip(&mut self) {
        self.unsubscribe(&["no such subscription"]);
    }

    /// The owner of the session has nothing for this client now.
    pub fn nothing_comes(&mut self) {
        self.round_trip();
        assert_eq!(self.early, [], "nothing was to come");
    }

    /// What comes until the server closes; stops if it does not.
    pub fn until_closed(&mut self) -> Vec<Packet> {
        let mut before = Vec::new();
        loop {
            match self.client.read() {
                Ok(packet) => before.push(packet),
                Err(error) if is_timeout(&error) => {
                    panic!("the server does not close; it sent {before:?}")
                }
                Err(_) => return before,
            }
        }
    }

    /// The server ends the connection. Version 5 is told one of `codes` in a DISCONNECT, 3.1.1 nothing.
    pub fn ended(&mut self, codes: &[u8]) {
        let last = self.until_closed();
        if !self.version.is_5() {
            assert_eq!(last, [], "3.1.1 has no words for it");
            return;
        }
        let [disconnect] = last.as_slice() else {
            panic!("one DISCONNECT and nothing else: {last:?}")
        };
        assert_eq!(disconnect.first, mqtt::DISCONNECT, "{disconnect:?}");
        let (code, _) = code_and_properties(disconnect);
        assert!(codes.contains(&code), "{code:#04x} is none of {codes:02x?}");
    }

    /// A normal DISCONNECT, and the server closes.
    pub fn leave(mut self) {
        self.send(&[mqtt::DISCONNECT, 0]);
        assert_eq!(self.until_closed(), []);
    }

    /// The connection is cut without a word.
    pub fn vanish(self) {
        drop(self);
    }
}
