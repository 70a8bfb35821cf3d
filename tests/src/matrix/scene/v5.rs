//! What MQTT 5 has beside.

use serde_json::json;

use super::{
    Feature, Message, OTHER, Outcome, SEVERAL, SUBJECT, Scene, Session, hex, outgoing, same,
};

const SUCCESS: u64 = 0;
const NO_MATCHING_SUBSCRIBERS: u64 = 0x10;
const EXPIRY_SECONDS: u64 = 300;
const IDENTIFIER: u32 = 4711;
const ALIASES: u16 = 4;

impl Scene<'_> {
    /// What a publisher adds to a message arrives with it.
    pub(super) fn properties(&mut self) -> Outcome {
        if self.library.has(Feature::SubscriptionIdentifier) {
            let filters = [self.topic("+/numbered")];
            let request =
                json!({"filters": filters, "qos": self.case.qos, "identifier": IDENTIFIER});
            self.driver.ask(SUBJECT, "subscribe", request)?;
        }
        let is_binary = self.library.has(Feature::BinaryCorrelation);
        let correlation: &[u8] = if is_binary { b"\x00\xff\x10" } else { b"text" };
        // those of one name together: MQTT.js knows no other order
        let sent = json!({
            "user": [["b", "1"], ["b", "3"], ["a", "2"]], "response": self.topic("answers"),
            "correlation": hex(correlation), "contentType": "text/plain", "expiry": EXPIRY_SECONDS,
        });
        let numbered = self.library.has(Feature::SubscriptionIdentifier);
        let topic = self.topic(if numbered { "n/numbered" } else { "n/in" });
        let message = Message::new(&topic, "with properties", self.case.qos);
        let mut request = outgoing(std::slice::from_ref(&message));
        request["messages"][0]["properties"] = sent.clone();
        self.driver.ask(OTHER, "publish", request)?;
        let (found, properties) = self.driver.receive(SUBJECT, "the one with properties")?;
        if found != message {
            return Err(format!("wanted {message:?}, found {found:?}"));
        }
        for name in ["user", "response", "correlation", "contentType"] {
            same(name, &properties[name], &sent[name])?;
        }
        let left = properties["expiry"].as_u64().unwrap_or_default();
        if !(1..=EXPIRY_SECONDS).contains(&left) {
            return Err(format!("expiry: {left} s left of {EXPIRY_SECONDS}"));
        }
        if numbered {
            let wanted = json!([IDENTIFIER]);
            same("identifiers", &properties["identifiers"], &wanted)?;
        }
        Ok(())
    }

    /// A publisher is told whether anybody listens.
    pub(super) fn reasons(&mut self) -> Outcome {
        let feature = match self.case.qos {
            0 => return Ok(()),
            1 => Feature::PubackReason,
            _ => Feature::PubrecReason,
        };
        if !self.library.has(feature) {
            return Ok(());
        }
        for (topic, reason) in [("fence", SUCCESS), ("unheard", NO_MATCHING_SUBSCRIBERS)] {
            let message = Message::new(&self.topic(topic), "heard?", self.case.qos);
            let request = outgoing(std::slice::from_ref(&message));
            let answer = self.driver.ask(OTHER, "publish", request)?;
            same(topic, &answer["reasons"], &json!([reason]))?;
            if reason == SUCCESS {
                self.expect(SUBJECT, &[message])?;
            }
        }
        Ok(())
    }

    /// Messages with aliases arrive under their names, both where the publisher and where the server gave them.
    pub(super) fn aliases(&mut self) -> Outcome {
        let (out, into) = (Feature::AliasesOut, Feature::AliasesIn);
        let names = ["speaker", "hearer"];
        let topics = ["alias/1", "alias/2"];
        for (name, feature) in names.into_iter().zip([out, into]) {
            let mut request = self.connect_request(name, Session::Clean);
            if self.library.has(feature) {
                request["aliases"] = ALIASES.into();
            }
            self.driver.ask(name, "connect", request)?;
        }
        self.subscribe("hearer", &["alias/+"])?;
        let messages: Vec<Message> = (0..SEVERAL)
            .map(|number| {
                let topic = self.topic(topics[number * 2 / SEVERAL]);
                Message::new(&topic, number.to_string(), self.case.qos)
            })
            .collect();
        self.publish("speaker", &messages)?;
        self.expect("hearer", &messages)?;
        names.iter().try_for_each(|name| self.connect_end(name))
    }

    /// Whoever has no client id is told the one that it got, and can be heard with it.
    pub(super) fn assigned(&mut self) -> Outcome {
        if !self.library.has(Feature::AssignedClientId) {
            return Ok(());
        }
        let mut request = self.connect_request("nameless", Session::Clean);
        request["clientId"] = "".into();
        let answer = self.driver.ask("nameless", "connect", request)?;
        if answer["assignedClientId"]
            .as_str()
            .is_none_or(str::is_empty)
        {
            return Err(format!("no assigned client id: {answer}"));
        }
        let message = Message::new(&self.topic("fence"), "from nameless", self.case.qos);
        self.publish("nameless", std::slice::from_ref(&message))?;
        self.expect(SUBJECT, &[message])?;
        self.connect_end("nameless")
    }
}
