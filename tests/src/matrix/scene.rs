//! What two clients of a library do with each other in one case, and what each of them must see.
//!
//! Each step ends at the first difference. A message that should not have come is found at the latest at the end, when
//! every message must have been asked for.

use serde_json::{Value, json};

use super::case::{Case, Session};
use super::driver::Driver;
use super::library::{Feature, Library};
use super::message::{Message, difference, hex};
use super::relay::Relay;
use crate::clients::Version;
use crate::cluster::Cluster;
use crate::setup::ALICE;

mod v5;

/// Whose session it is about; it comes through the relay.
const SUBJECT: &str = "subject";
/// The one that speaks to it and listens to it.
const OTHER: &str = "other";
const SEVERAL: usize = 20;
const LARGE_BYTES: usize = 100_000;
const KEPT_SECONDS: u32 = 600;

/// Why a case differs from what it should be.
pub type Outcome = Result<(), String>;

pub struct Scene<'a> {
    pub library: &'a Library,
    pub case: Case,
    /// Of the case, among those of its library.
    pub number: usize,
    pub driver: &'a mut Driver,
    pub cluster: &'a Cluster<'a>,
    pub relay: Relay,
    /// What the subject was last sent.
    heard: Vec<Message>,
}

enum Leave {
    /// With DISCONNECT.
    Politely,
    /// Its connection is cut.
    Cut,
}

impl<'a> Scene<'a> {
    pub fn new(
        library: &'a Library,
        (number, case): (usize, Case),
        driver: &'a mut Driver,
        cluster: &'a Cluster<'a>,
    ) -> Self {
        let relay = Relay::start(cluster.listener(case.transport.listener()));
        driver.case = number;
        Self {
            library,
            case,
            number,
            driver,
            cluster,
            relay,
            heard: Vec::new(),
        }
    }

    pub fn play(&mut self) -> Outcome {
        self.step("arrive", Self::arrive)?;
        self.step("live messages", Self::live)?;
        if self.case.version == Version::V5 {
            self.step("properties", Self::properties)?;
            self.step("reasons", Self::reasons)?;
            self.step("aliases", Self::aliases)?;
            self.step("assigned id", Self::assigned)?;
        }
        self.step("unsubscribe", Self::unsubscribe)?;
        self.step("back after DISCONNECT", |scene| {
            scene.away(&Leave::Politely)
        })?;
        self.step("back after a cut", |scene| scene.away(&Leave::Cut))?;
        self.step("the subject speaks", Self::speaks)?;
        self.step("leave", Self::leave)
    }

    fn step(&mut self, name: &str, step: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        step(self).map_err(|why| format!("{name}: {why}"))
    }

    fn topic(&self, rest: &str) -> String {
        format!("matrix/{}/{}/{rest}", self.library.name, self.number)
    }

    /// Both come, to no session; the subject finds what was retained before.
    fn arrive(&mut self) -> Outcome {
        // acknowledged, so that it is there before the subject is
        let qos = self.case.qos.max(1);
        self.connect(OTHER, Session::Clean, false)?;
        self.subscribe(OTHER, &["will", "back"])?;
        let kept = Message::new(&self.topic("kept"), "retained", qos).retained();
        self.publish(
            OTHER,
            &[Message::new(&kept.topic, "replaced", qos).retained()],
        )?;
        self.publish(OTHER, std::slice::from_ref(&kept))?;
        self.connect(SUBJECT, self.case.session, false)?;
        self.subscribe(SUBJECT, &["+/in", "kept", "fence"])?;
        self.expect(SUBJECT, std::slice::from_ref(&kept))?;
        let cleared = Message::new(&kept.topic, "", qos);
        self.publish(OTHER, &[cleared.clone().retained()])?;
        self.expect(SUBJECT, &[cleared])
    }

    /// Everything that is published arrives once, as it was.
    fn live(&mut self) -> Outcome {
        let qos = self.case.qos;
        let mut messages = self.several("n/in", "live");
        messages.push(Message::new(&self.topic("empty/in"), "", qos));
        let large: Vec<u8> = (0..=u8::MAX).cycle().take(LARGE_BYTES).collect();
        messages.push(Message::new(&self.topic("large/in"), large, qos));
        let astral = self.library.has(Feature::Astral);
        let greeting = if astral {
            "grüße 🐑/in"
        } else {
            "grüße €/in"
        };
        messages.push(Message::new(&self.topic(greeting), "mäh 🐑", qos));
        self.publish(OTHER, &messages)?;
        self.expect(SUBJECT, &messages)
    }

    fn unsubscribe(&mut self) -> Outcome {
        if !self.library.has(Feature::Unsubscribe) {
            return Ok(());
        }
        let filter = self.topic("+/in");
        let request = json!({"filters": [filter]});
        self.driver.ask(SUBJECT, "unsubscribe", request)?;
        let unheard = Message::new(&self.topic("n/in"), "unsubscribed", 1);
        self.publish(OTHER, &[unheard])?;
        self.fence()?;
        self.subscribe(SUBJECT, &["+/in"])
    }

    /// The subject goes, misses messages, and comes back.
    fn away(&mut self, leave: &Leave) -> Outcome {
        match leave {
            Leave::Politely => self.goodbye()?,
            Leave::Cut => {
                self.settle()?;
                self.relay.cut();
                self.driver.ask(SUBJECT, "lost", json!({}))?;
                self.died()?;
            }
        }
        // acknowledged, so that they are where they shall be before it comes back
        let topic = self.topic("n/in");
        let sent: Vec<Message> = (0..SEVERAL)
            .map(|number| Message::new(&topic, format!("missed {number}"), self.case.qos.max(1)))
            .collect();
        self.publish(OTHER, &sent)?;
        self.connect(
            SUBJECT,
            self.case.session,
            self.case.session == Session::Kept,
        )?;
        match (self.case.session, self.case.qos) {
            (Session::Clean, _) => {
                self.subscribe(SUBJECT, &["fence"])?;
                self.fence()?;
                self.renew()
            }
            // QoS 0 promises nothing to who is away
            (Session::Kept, 0) => self.still_subscribed(),
            (Session::Kept, _) => {
                self.repeated()?;
                self.expect(SUBJECT, &sent)?;
                self.still_subscribed()
            }
        }
    }

    /// DISCONNECT, and with it no will.
    fn goodbye(&mut self) -> Outcome {
        self.settle()?;
        self.driver.ask(SUBJECT, "disconnect", json!({}))?;
        if self.case.version == Version::V5 && !self.library.has(Feature::WillDiscarded) {
            return self.died();
        }
        Ok(())
    }

    fn died(&mut self) -> Outcome {
        let will = Message::new(&self.topic("will"), "died", self.case.qos);
        self.expect(OTHER, &[will])
    }

    /// Two round trips: nothing is under way any more. Only for libraries that cannot go on with it.
    fn settle(&mut self) -> Outcome {
        if self.case.qos == 0 || self.library.has(Feature::OnceAcrossConnections) {
            return Ok(());
        }
        (0..2).try_for_each(|_| self.subscribe(SUBJECT, &["quiet"]))
    }

    /// At QoS 1 the subject may be sent again what it was sent before: its last acknowledgements may not have left.
    /// At QoS 2 nothing may be handed over twice.
    fn repeated(&mut self) -> Outcome {
        if self.case.qos == 2 && self.library.has(Feature::OnceAcrossConnections) {
            return Ok(());
        }
        loop {
            let (next, properties) = self.driver.receive(SUBJECT, "what it missed")?;
            if !self.heard.contains(&next) {
                self.driver.put_back(SUBJECT, (next, properties));
                return Ok(());
            }
        }
    }

    /// As before it went, for what comes next.
    fn renew(&mut self) -> Outcome {
        if self.library.has(Feature::Unsubscribe) {
            return self.subscribe(SUBJECT, &["+/in"]);
        }
        Ok(())
    }

    fn still_subscribed(&mut self) -> Outcome {
        let again = self.several("n/in", "again");
        self.publish(OTHER, &again)?;
        self.expect(SUBJECT, &again)
    }

    fn speaks(&mut self) -> Outcome {
        let words = self.several("back", "word");
        self.publish(SUBJECT, &words)?;
        self.expect(OTHER, &words)
    }

    /// No will of who said goodbye; nothing is left of the session, and no message that nobody asked for.
    fn leave(&mut self) -> Outcome {
        self.goodbye()?;
        let last = Message::new(&self.topic("back"), "last", self.case.qos);
        self.publish(OTHER, std::slice::from_ref(&last))?;
        self.expect(OTHER, &[last])?;
        if self.case.session == Session::Kept {
            self.connect(SUBJECT, Session::Clean, false)?;
            self.connect_end(SUBJECT)?;
        }
        self.connect_end(OTHER)?;
        let unread = self.driver.unread();
        (unread.is_empty())
            .then_some(())
            .ok_or(format!("came as well: {unread:?}"))
    }

    fn connect_end(&mut self, client: &str) -> Outcome {
        self.driver.ask(client, "disconnect", json!({})).map(drop)
    }

    fn connect(&mut self, client: &str, session: Session, present: bool) -> Outcome {
        let request = self.connect_request(client, session);
        let answer = self.driver.ask(client, "connect", request)?;
        if self.library.has(Feature::SessionPresent) {
            same(
                "session present",
                &answer["sessionPresent"],
                &json!(present),
            )?;
        }
        Ok(())
    }

    fn connect_request(&self, client: &str, session: Session) -> Value {
        let listener = self.cluster.listener(self.case.transport.listener());
        let address = if client == SUBJECT {
            self.relay.address
        } else {
            listener
        };
        let setup = self.cluster.setup;
        let mut request = json!({
            "clientId": format!("{}-{}-{}-{client}", ALICE.0, self.library.name, self.number),
            "version": match self.case.version { Version::V311 => "3.1.1", Version::V5 => "5.0" },
            "transport": self.case.transport.name(),
            "host": "localhost", "port": address.port(), "path": "/mqtt",
            "ca": setup.path("ca.crt"),
            "user": ALICE.0, "password": ALICE.1,
            "clean": session == Session::Clean,
            "expiry": if session == Session::Kept { KEPT_SECONDS } else { 0 },
        });
        if client == SUBJECT {
            let payload = hex(b"died");
            request["will"] =
                json!({"topic": self.topic("will"), "payload": payload, "qos": self.case.qos});
        }
        request
    }

    /// At the QoS of the case, which must be granted.
    fn subscribe(&mut self, client: &str, filters: &[&str]) -> Outcome {
        let topics: Vec<String> = filters.iter().map(|filter| self.topic(filter)).collect();
        let request = json!({"filters": topics, "qos": self.case.qos});
        let answer = self.driver.ask(client, "subscribe", request)?;
        let granted = vec![self.case.qos; filters.len()];
        same("granted", &answer["granted"], &json!(granted))
    }

    fn publish(&mut self, client: &str, messages: &[Message]) -> Outcome {
        self.driver
            .ask(client, "publish", outgoing(messages))
            .map(drop)
    }

    /// So many messages, at the QoS at which they were published or of the subscription, the lower one.
    fn expect(&mut self, client: &str, wanted: &[Message]) -> Outcome {
        let mut found = Vec::new();
        for number in 0..wanted.len() {
            let what = format!(
                "message {} of {}: {:?}",
                number + 1,
                wanted.len(),
                wanted[number]
            );
            found.push(self.driver.receive(client, &what)?.0);
        }
        if client == SUBJECT {
            self.heard.clone_from(&found);
        }
        let arriving = |message: &Message| Message {
            qos: message.qos.min(self.case.qos),
            ..message.clone()
        };
        let wanted: Vec<Message> = wanted.iter().map(arriving).collect();
        difference(&found, &wanted).map_or(Ok(()), Err)
    }

    /// A message that the subject gets, after whatever it should not get.
    fn fence(&mut self) -> Outcome {
        let fence = Message::new(&self.topic("fence"), "fence", self.case.qos);
        self.publish(OTHER, std::slice::from_ref(&fence))?;
        self.expect(SUBJECT, &[fence])
    }

    fn several(&self, topic: &str, word: &str) -> Vec<Message> {
        let topic = self.topic(topic);
        (0..SEVERAL)
            .map(|number| Message::new(&topic, format!("{word} {number}"), self.case.qos))
            .collect()
    }
}

fn outgoing(messages: &[Message]) -> Value {
    let messages: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "topic": message.topic, "payload": hex(&message.payload),
                "qos": message.qos, "retain": message.retain,
            })
        })
        .collect();
    json!({ "messages": messages })
}

fn same(what: &str, found: &Value, wanted: &Value) -> Outcome {
    let differ = || format!("{what}: wanted {wanted}, found {found}");
    (found == wanted).then_some(()).ok_or_else(differ)
}
