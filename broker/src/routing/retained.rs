//! The last message of each topic that was published to be kept.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::{Message, TopicFilter};

/// Retained messages of the topics that this worker owns, in the order of their names, so that a filter looks only at
/// what begins like it.
#[derive(Debug)]
pub struct Retained {
    messages: BTreeMap<Arc<str>, Arc<Message>>,
    limit: usize,
}

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
    pub fn new(limit: usize) -> Self {
        Self {
            messages: BTreeMap::new(),
            limit,
        }
    }

    pub fn set(&mut self, message: &Arc<Message>) -> Kept {
        let topic = message.topic.shared();
        if message.payload.is_empty() {
            self.messages.remove(&topic);
            return Kept::Cleared;
        }
        if self.messages.len() >= self.limit && !self.messages.contains_key(&topic) {
            return Kept::Full;
        }
        self.messages.insert(topic, Arc::clone(message));
        Kept::Yes
    }

    /// All that match and have not expired. Expired ones that are met are forgotten.
    pub fn matching(&mut self, filter: &TopicFilter, now: Duration) -> Vec<Arc<Message>> {
        let prefix = filter.literal_prefix();
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let in_range = self
            .messages
            .range::<str, _>(from)
            .take_while(|(topic, _)| topic.starts_with(prefix));
        let (expired, found): (Vec<_>, Vec<_>) = in_range
            .filter(|(_, message)| filter.matches(&message.topic))
            .map(|(_, message)| Arc::clone(message))
            .partition(|message| message.is_expired(now));
        for message in expired {
            self.messages.remove(message.topic.as_str());
        }
        found
    }

    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::super::TopicName;
    use super::*;
    use crate::codec::MessageProperties;

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
        let mut retained = Retained::new(100);
        for topic in ["a", "a/b", "a/b/c", "a/c", "a-b", "b", "$SYS/a", "/"] {
            assert_eq!(retained.set(&message(topic, "x")), Kept::Yes);
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
        let mut retained = Retained::new(100);
        retained.set(&message("a", "old"));
        retained.set(&message("a", "new"));
        let filter = TopicFilter::new("a".into()).unwrap();
        assert_eq!(retained.matching(&filter, Duration::ZERO)[0].payload, "new");
        assert_eq!(retained.set(&message("a", "")), Kept::Cleared);
        assert!(retained.is_empty());
    }

    #[test]
    fn beyond_the_limit_only_known_topics_are_kept() {
        let mut retained = Retained::new(1);
        retained.set(&message("a", "old"));
        assert_eq!(retained.set(&message("b", "x")), Kept::Full);
        assert_eq!(retained.set(&message("a", "new")), Kept::Yes);
        assert_eq!(retained.len(), 1);
    }

    #[test]
    fn expired_messages_are_not_found() {
        let mut retained = Retained::new(1);
        let properties = MessageProperties {
            expiry: NonZeroU32::new(5),
            ..MessageProperties::default()
        };
        let expiring = Message::clone(&message("a", "x"))
            .with_properties(Some(Arc::new(properties)), Duration::ZERO);
        retained.set(&Arc::new(expiring));
        let filter = TopicFilter::new("#".into()).unwrap();
        assert_eq!(retained.matching(&filter, Duration::from_secs(4)).len(), 1);
        assert_eq!(retained.matching(&filter, Duration::from_secs(5)).len(), 0);
        assert!(retained.is_empty());
    }
}
