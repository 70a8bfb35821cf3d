//! A message as a client library hands it over.

use std::fmt;

use serde_json::Value;

#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
}

impl Message {
    pub fn new(topic: &str, payload: impl Into<Vec<u8>>, qos: u8) -> Self {
        Self {
            topic: topic.to_owned(),
            payload: payload.into(),
            qos,
            retain: false,
        }
    }

    #[must_use]
    pub fn retained(mut self) -> Self {
        self.retain = true;
        self
    }

    /// `None` when a driver does not keep to what `tests/clients/README.md` says.
    pub fn read(value: &Value) -> Option<Self> {
        Some(Self {
            topic: value["topic"].as_str()?.to_owned(),
            payload: from_hex(value["payload"].as_str()?)?,
            qos: value["qos"].as_u64()?.try_into().ok()?,
            retain: value["retain"].as_bool()?,
        })
    }
}

/// Large payloads by their length.
impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = match std::str::from_utf8(&self.payload) {
            Ok(text) if text.len() <= 40 => format!("{text:?}"),
            _ => format!("{} bytes", self.payload.len()),
        };
        let retain = if self.retain { " retained" } else { "" };
        write!(
            formatter,
            "{:?} {payload} QoS {}{retain}",
            self.topic, self.qos
        )
    }
}

pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let (pairs, rest) = bytes.as_chunks::<2>();
    rest.is_empty().then_some(())?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok())
        .collect()
}

/// What differs between the messages that came and those that should, told topic by topic: only within a topic is
/// there an order.
pub fn difference(found: &[Message], wanted: &[Message]) -> Option<String> {
    let mut topics: Vec<&str> = Vec::new();
    for message in found.iter().chain(wanted) {
        if !topics.contains(&message.topic.as_str()) {
            topics.push(&message.topic);
        }
    }
    topics.into_iter().find_map(|topic| {
        let of = |messages: &[Message]| -> Vec<Message> {
            let same = messages.iter().filter(|message| message.topic == topic);
            same.cloned().collect()
        };
        let (found, wanted) = (of(found), of(wanted));
        first_difference(&found, &wanted)
    })
}

fn first_difference(found: &[Message], wanted: &[Message]) -> Option<String> {
    let at = (0..found.len().max(wanted.len())).find(|at| found.get(*at) != wanted.get(*at))?;
    let of = |messages: &[Message]| match messages.get(at) {
        Some(message) => format!("{message:?} of {}", messages.len()),
        None => "no more".to_owned(),
    };
    Some(format!(
        "at {at} wanted {}, found {}",
        of(wanted),
        of(found)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_both_ways() {
        assert_eq!(hex(&[0, 0xAF, 0x10]), "00af10");
        assert_eq!(from_hex("00AF10"), Some(vec![0, 0xAF, 0x10]));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("0g"), None);
    }

    #[test]
    fn order_counts_within_a_topic_only() {
        let [a1, a2, b] = [("a", "1"), ("a", "2"), ("b", "1")]
            .map(|(topic, payload)| Message::new(topic, payload, 1));
        let wanted = [a1.clone(), a2.clone(), b.clone()];
        assert_eq!(
            difference(&[b.clone(), a1.clone(), a2.clone()], &wanted),
            None
        );
        assert!(difference(&[a2.clone(), a1.clone(), b.clone()], &wanted).is_some());
        assert!(difference(&[a1.clone(), a1.clone(), b.clone()], &wanted).is_some());
        let higher = Message { qos: 2, ..b };
        assert!(difference(&[a1, a2, higher], &wanted).is_some());
    }
}
