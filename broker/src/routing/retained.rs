//! The last message of each topic that was published to be kept.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::{Message, TopicFilter};

/// Retained messages of the topics that this worker owns, in the order of their names, so that a filter looks only at
/// what begins like it.
#[derive(Debug)]
pub struct Retained {
    messages: BTreeMap<Arc<str>, Arc<Message>>,
    /// Those that expire, soonest first.
    expiring: BTreeSet<(Duration, Arc<str>)>,
    bytes: usize,
    limits: RetainedLimits,
}

/// What one worker keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetainedLimits {
    pub messages: usize,
    /// Of topics, payloads and properties, and `OVERHEAD` for each message.
    pub bytes: usize,
}

/// About what the tables take for one message.
const OVERHEAD: usize = 256;

/// What became of a message with the retain flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Yes,
    /// It was empty: the topic's message is gone [MQTT-3.3.1-6].
    Cleared,
    /// As many as may be are kept; the topic's older message, if any, is not touched.
    Full,
}

impl Retained {
    pub fn new(limits: RetainedLimits) -> Self {
        Self {
            messages: BTreeMap::new(),
            expiring: BTreeSet::new(),
            bytes: 0,
            limits,
        }
    }

    pub fn set(&mut self, message: &Arc<Message>, now: Duration) -> Kept {
        self.forget_expired(now);
        let topic = message.topic.shared();
        if message.payload.is_empty() {
            self.remove(&topic);
            return Kept::Cleared;
        }
        if !self.has_room(&topic, message) {
            return Kept::Full;
        }
        self.remove(&topic);
        self.bytes += cost(message);
        if let Some(at) = message.expires_at {
            self.expiring.insert((at, Arc::clone(&topic)));
        }
        self.messages.insert(topic, Arc::clone(message));
        Kept::Yes
    }

    /// The topic's older message makes room.
    fn has_room(&self, topic: &str, message: &Message) -> bool {
        let older = self.messages.get(topic);
        let messages = self.messages.len() - usize::from(older.is_some());
        let bytes = self.bytes - older.map_or(0, |older| cost(older));
        messages < self.limits.messages && bytes + cost(message) <= self.limits.bytes
    }

    fn remove(&mut self, topic: &Arc<str>) {
        let Some(message) = self.messages.remove(topic) else {
            return;
        };
        self.bytes -= cost(&message);
        if let Some(at) = message.expires_at {
            self.expiring.remove(&(at, Arc::clone(topic)));
        }
    }

    fn forget_expired(&mut self, now: Duration) {
        while let Some((_, topic)) = self.expiring.first().filter(|(at, _)| *at <= now).cloned() {
            self.remove(&topic);
        }
    }

    /// All that match and have not expired.
    pub fn matching(&mut self, filter: &TopicFilter, now: Duration) -> Vec<Arc<Message>> {
        self.forget_expired(now);
        let prefix = filter.literal_prefix();
        let from = (Bound::Included(prefix), Bound::Unbounded);
        self.messages
            .range::<str, _>(from)
            .take_while(|(topic, _)| topic.starts_with(prefix))
            .filter(|(_, message)| filter.matches(&message.topic))
            .map(|(_, message)| Arc::clone(message))
            .collect()
    }

    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

fn cost(message: &Message) -> usize {
    OVERHEAD + message.size()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::TopicName;
    use super::*;
    use crate::codec::MessageProperties;

    fn retained(messages: usize) -> Retained {
        Retained::new(RetainedLimits {
            messages,
            bytes: 100_000,
        })
    }

    fn message(topic: &str, payload: &str) -> Arc<Message> {
        Arc::new(Message::new(
            TopicName::new(topic.into()).unwrap(),
            payload.as_bytes(),
            "c".into(),
        ))
    }

    fn matching(retained: &mut Retained, filter: &str) -> Vec<String> {
        let filter = TopicFilter::new(filter.into()).unwrap();
        let found = retained.matching(&filter, Duration::ZERO);
        found
            .iter()
            .map(|message| message.topic.as_str().to_owned())
            .collect()
    }

    #[test]
    fn filters_find_what_is_kept() {
        let mut retained = retained(100);
        for topic in ["a", "a/b", "a/b/c", "a/c", "a-b", "b", "$SYS/a", "/"] {
            assert_eq!(
                retained.set(&message(topic, "x"), Duration::ZERO),
                Kept::Yes
            );
        }
        for (filter, expected) in [
            ("a", vec!["a"]),
            ("a/#", vec!["a", "a/b", "a/b/c", "a/c"]),
            ("a/+", vec!["a/b", "a/c"]),
            ("+", vec!["a", "a-b", "b"]),
            ("#", vec!["/", "a", "a-b", "a/b", "a/b/c", "a/c", "b"]),
            ("$SYS/#", vec!["$SYS/a"]),
            ("+/b/+", vec!["a/b/c"]),
            ("x", vec![]),
        ] {
            assert_eq!(matching(&mut retained, filter), expected, "{filter}");
        }
    }

    #[test]
    fn an_empty_message_clears_and_a_new_one_replaces() {
        let mut retained = retained(100);
        retained.set(&message("a", "old"), Duration::ZERO);
        retained.set(&message("a", "new"), Duration::ZERO);
        let filter = TopicFilter::new("a".into()).unwrap();
        assert_eq!(retained.matching(&filter, Duration::ZERO)[0].payload, "new");
        assert_eq!(
            retained.set(&message("a", ""), Duration::ZERO),
            Kept::Cleared
        );
        assert!(retained.is_empty());
    }

    #[test]
    fn beyond_the_limit_only_known_topics_are_kept() {
        let mut retained = retained(1);
        retained.set(&message("a", "old"), Duration::ZERO);
        assert_eq!(retained.set(&message("b", "x"), Duration::ZERO), Kept::Full);
        assert_eq!(
            retained.set(&message("a", "new"), Duration::ZERO),
            Kept::Yes
        );
        assert_eq!(retained.len(), 1);
    }

    #[test]
    fn bytes_are_bounded_and_known_topics_make_their_own_room() {
        let mut retained = Retained::new(RetainedLimits {
            messages: 100,
            bytes: 2 * OVERHEAD + 20,
        });
        for (topic, payload, kept) in [
            ("a", "123456789", Kept::Yes),
            ("b", "1234567890", Kept::Full),
            ("b", "123456789", Kept::Yes),
            ("c", "1", Kept::Full),
            ("b", "12345678", Kept::Yes),
            ("b", "1234567890", Kept::Full),
            ("a", "", Kept::Cleared),
            ("c", "1234567890", Kept::Yes),
            ("b", "", Kept::Cleared),
            ("c", "", Kept::Cleared),
        ] {
            assert_eq!(
                retained.set(&message(topic, payload), Duration::ZERO),
                kept,
                "{topic}={payload}"
            );
        }
        assert_eq!((retained.bytes, retained.len()), (0, 0));
    }

    #[test]
    fn expired_messages_make_room_and_are_not_found() {
        let seconds = Duration::from_secs;
        let expiring = |topic, at| {
            let properties = MessageProperties {
                expiry: NonZeroU32::new(5),
                ..MessageProperties::default()
            };
            let message = Message::clone(&message(topic, "x"));
            Arc::new(message.with_properties(Some(Arc::new(properties)), at))
        };
        let mut retained = retained(1);
        retained.set(&expiring("a", seconds(0)), seconds(0));
        // published again, it lives longer
        retained.set(&expiring("a", seconds(2)), seconds(2));
        let filter = TopicFilter::new("#".into()).unwrap();
        assert_eq!(retained.matching(&filter, seconds(6)).len(), 1);
        assert_eq!(retained.set(&message("b", "x"), seconds(6)), Kept::Full);
        assert_eq!(retained.set(&message("b", "x"), seconds(7)), Kept::Yes);
        assert_eq!(retained.matching(&filter, seconds(7)).len(), 1);
        retained.set(&message("b", ""), seconds(7));
        retained.set(&expiring("a", seconds(7)), seconds(7));
        assert_eq!(retained.matching(&filter, seconds(12)).len(), 0);
        assert_eq!((retained.bytes, retained.expiring.len()), (0, 0));
    }
}
