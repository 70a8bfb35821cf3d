//! CONNECT, right or wrong in every field.

use super::{Properties, Version, field};
use crate::mqtt::{CONNECT, packet};

#[derive(Clone, Debug)]
pub struct Connect {
    pub version: Version,
    pub name: Vec<u8>,
    pub level: u8,
    pub clean: bool,
    pub keep_alive: u16,
    pub properties: Properties,
    pub client_id: Vec<u8>,
    pub will: Option<Will>,
    pub user: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
    /// Exclusive-or'd onto the flags that the fields give.
    pub wrong_flags: u8,
}

#[derive(Clone, Debug)]
pub struct Will {
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub properties: Properties,
}

impl Connect {
    /// A clean start, no keep-alive.
    pub fn new(version: Version, client_id: impl AsRef<[u8]>) -> Self {
        Self {
            version,
            name: b"MQTT".to_vec(),
            level: if version.is_5() { 5 } else { 4 },
            clean: true,
            keep_alive: 0,
            properties: Properties::new(),
            client_id: client_id.as_ref().to_vec(),
            will: None,
            user: None,
            password: None,
            wrong_flags: 0,
        }
    }

    /// Clean session or clean start 0.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.clean = false;
        self
    }

    /// A session that is kept for so long in version 5, and without an end in 3.1.1.
    #[must_use]
    pub fn kept_for(self, seconds: u32) -> Self {
        let is_5 = self.version.is_5();
        let kept = self.kept();
        if is_5 {
            let properties = kept
                .properties
                .clone()
                .four(super::id::SESSION_EXPIRY, seconds);
            kept.with(properties)
        } else {
            kept
        }
    }

    #[must_use]
    pub fn keep_alive(mut self, seconds: u16) -> Self {
        self.keep_alive = seconds;
        self
    }

    /// Replaces the properties.
    #[must_use]
    pub fn with(mut self, properties: Properties) -> Self {
        self.properties = properties;
        self
    }

    #[must_use]
    pub fn will(mut self, topic: impl AsRef<[u8]>, payload: &str, qos: u8, retain: bool) -> Self {
        self.will = Some(Will {
            topic: topic.as_ref().to_vec(),
            payload: payload.into(),
            qos,
            retain,
            properties: Properties::new(),
        });
        self
    }

    /// Properties of the will that is there.
    #[must_use]
    pub fn will_with(mut self, properties: Properties) -> Self {
        self.will.as_mut().expect("a will").properties = properties;
        self
    }

    #[must_use]
    pub fn login(mut self, (user, password): (&str, &str)) -> Self {
        self.user = Some(user.into());
        self.password = Some(password.into());
        self
    }

    #[must_use]
    pub fn wrong_flags(mut self, flags: u8) -> Self {
        self.wrong_flags = flags;
        self
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        field(&mut body, &self.name);
        body.extend([self.level, self.flags() ^ self.wrong_flags]);
        body.extend(self.keep_alive.to_be_bytes());
        if self.version.is_5() {
            body.extend(self.properties.encode());
        }
        body.extend(self.payload());
        packet(CONNECT, &body)
    }

    fn flags(&self) -> u8 {
        let mut flags = u8::from(self.clean) << 1;
        if let Some(will) = &self.will {
            flags |= 0x04 | will.qos << 3 | u8::from(will.retain) << 5;
        }
        flags | u8::from(self.password.is_some()) << 6 | u8::from(self.user.is_some()) << 7
    }

    fn payload(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        field(&mut payload, &self.client_id);
        if let Some(will) = &self.will {
            if self.version.is_5() {
                payload.extend(will.properties.encode());
            }
            field(&mut payload, &will.topic);
            field(&mut payload, &will.payload);
        }
        for part in [&self.user, &self.password].into_iter().flatten() {
            field(&mut payload, part);
        }
        payload
    }
}
