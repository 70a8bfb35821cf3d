//! PUBLISH in both versions.

use super::{Properties, Version, field};
use crate::mqtt::{self, Packet, packet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    pub qos: u8,
    /// 0 with QoS 0.
    pub id: u16,
    pub retain: bool,
    pub dup: bool,
    pub properties: Properties,
}

impl Publish {
    /// QoS 0.
    pub fn new(topic: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> Self {
        Self {
            topic: topic.as_ref().to_vec(),
            payload: payload.as_ref().to_vec(),
            qos: 0,
            id: 0,
            retain: false,
            dup: false,
            properties: Properties::new(),
        }
    }

    #[must_use]
    pub fn qos(mut self, qos: u8, id: u16) -> Self {
        self.qos = qos;
        self.id = id;
        self
    }

    #[must_use]
    pub fn retain(mut self) -> Self {
        self.retain = true;
        self
    }

    #[must_use]
    pub fn dup(mut self) -> Self {
        self.dup = true;
        self
    }

    #[must_use]
    pub fn with(mut self, properties: Properties) -> Self {
        self.properties = properties;
        self
    }

    pub fn encode(&self, version: Version) -> Vec<u8> {
        let mut body = Vec::new();
        field(&mut body, &self.topic);
        if self.qos > 0 {
            body.extend(self.id.to_be_bytes());
        }
        if version.is_5() {
            body.extend(self.properties.encode());
        }
        body.extend(&self.payload);
        let flags = u8::from(self.dup) << 3 | self.qos << 1 | u8::from(self.retain);
        packet(mqtt::PUBLISH | flags, &body)
    }

    /// Stops when the packet is none.
    pub fn read(version: Version, packet: &Packet) -> Self {
        assert_eq!(packet.kind(), mqtt::PUBLISH, "a PUBLISH: {packet:?}");
        let body = &packet.body;
        let qos = packet.first >> 1 & 3;
        let mut at = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
        let topic = body[2..at].to_vec();
        let mut id = 0;
        if qos > 0 {
            id = u16::from_be_bytes([body[at], body[at + 1]]);
            at += 2;
        }
        let mut properties = Properties::new();
        if version.is_5() {
            let (read, used) = Properties::read(&body[at..]);
            properties = read;
            at += used;
        }
        Self {
            topic,
            payload: body[at..].to_vec(),
            qos,
            id,
            retain: packet.first & 1 != 0,
            dup: packet.first & 8 != 0,
            properties,
        }
    }

    pub fn topic(&self) -> &str {
        std::str::from_utf8(&self.topic).expect("topics are UTF-8")
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).expect("the tests' payloads are texts")
    }
}
