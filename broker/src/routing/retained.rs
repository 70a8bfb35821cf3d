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
    messages: BTreeMap<Arc<str>, Entry>,
    /// Messages kept so far; the next one's number.
    kept: u64,
    /// Those that expire, soonest first.
    expiring: BTreeSet<(Duration, Arc<str>)>,
    bytes: usize,
    limits: RetainedLimits,
}

#[derive(Debug)]
struct Entry {
    message: Arc<Message>,
    number: u64,
}

/// How far somebody has been told what is kept. Whoever subscribed when it was made gets later messages as they come,
/// so those are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    after: Option<Arc<str>>,
    until: u64,
}

/// A part of what matches a filter.
#[derive(Debug)]
pub struct Page {
    pub messages: Vec<Arc<Message>>,
    /// Nothing is left behind it.
    pub done: bool,
}

/// Messages in one page.
pub const PAGE: usize = 256;

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
            kept: 0,
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
        let entry = Entry {
            message: Arc::clone(message),
            number: self.kept,
        };
        self.kept += 1;
        self.messages.insert(topic, entry);
        Kept::Yes
    }

    /// The topic's older message makes room.
    fn has_room(&self, topic: &str, message: &Message) -> bool {
        let older = self.messages.get(topic);
        let messages = self.messages.len() - usize::from(older.is_some());
        let bytes = self.bytes - older.map_or(0, |older| cost(&older.message));
        messages < self.limits.messages && bytes + cost(message) <= self.limits.bytes
    }

    fn remove(&mut self, topic: &Arc<str>) {
        let Some(Entry { message, .. }) = self.messages.remove(topic) else {
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

    /// The beginning, for whoever subscribes now.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            after: None,
            until: self.kept,
        }
    }

    /// `false`: nothing that is kept matches. Cheap; `true` may turn out to be an empty page.
    pub fn may_match(&self, filter: &TopicFilter) -> bool {
        if filter.is_concrete() {
            return self.messages.contains_key(filter.as_str());
        }
        let prefix = filter.literal_prefix();
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let first = self.messages.range::<str, _>(from).next();
        first.is_some_and(|(topic, _)| topic.starts_with(prefix))
    }

    /// What matches behind the cursor, which moves on. Looks at no more than `looks` messages and takes what it used
    /// (at least 1) from them.
    pub fn page(
        &mut self,
        filter: &TopicFilter,
        cursor: &mut Cursor,
        looks: &mut usize,
        now: Duration,
    ) -> Page {
        self.forget_expired(now);
        if filter.is_concrete() {
            *looks = looks.saturating_sub(1);
            let entry = self.messages.get(filter.as_str());
            let found = entry.filter(|entry| entry.number < cursor.until);
            let messages = found.map(|entry| Arc::clone(&entry.message));
            return Page {
                messages: messages.into_iter().collect(),
                done: true,
            };
        }
        let prefix = filter.literal_prefix();
        let from = match &cursor.after {
            Some(after) => Bound::Excluded(&**after),
            None => Bound::Included(prefix),
        };
        let mut messages = Vec::new();
        let mut last = None;
        let mut behind = self
            .messages
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(topic, _)| topic.starts_with(prefix));
        let done = behind.all(|(topic, entry)| {
            *looks = looks.saturating_sub(1);
            last = Some(topic);
            if entry.number < cursor.until && filter.matches(&entry.message.topic) {
                messages.push(Arc::clone(&entry.message));
            }
            *looks > 0 && messages.len() < PAGE
        });
        cursor.after = last.cloned().or_else(|| cursor.after.take());
        *looks = looks.saturating_sub(usize::from(last.is_none()));
        Page { messages, done }
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
    use super::super::TopicName;
    use super::*;
    use crate::codec::MessageProperties;

    fn retained(messages: usize) -> Retained {
        Retained::new(RetainedLimits {
            messages,
            bytes: 1 << 20,
        })
    }

    fn message(topic: &str, payload: &str) -> Arc<Message> {
        Arc::new(Message::new(
            TopicName::new(topic.into()).unwrap(),
            payload.as_bytes(),
            "c".into(),
        ))
    }

    /// Page by page, each of at most `looks` looks.
    fn pages(
        retained: &mut Retained,
        filter: &str,
        looks: usize,
        now: Duration,
    ) -> Vec<Arc<Message>> {
        let filter = TopicFilter::new(filter.into()).unwrap();
        let (may_match, mut cursor) = (retained.may_match(&filter), retained.cursor());
        let mut found = Vec::new();
        loop {
            let mut left = looks;
            let page = retained.page(&filter, &mut cursor, &mut left, now);
            assert!(left < looks, "a page takes one look at least");
            assert!(page.messages.len() <= PAGE);
            found.extend(page.messages);
            if page.done {
                assert!(may_match || found.is_empty());
                return found;
            }
        }
    }

    fn matching(retained: &mut Retained, filter: &str) -> Vec<String> {
        let found = pages(retained, filter, usize::MAX, Duration::ZERO);
        let slowly = pages(retained, filter, 1, Duration::ZERO);
        assert_eq!(found, slowly, "{filter}");
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
    fn what_comes_after_the_cursor_was_made_is_not_told() {
        let mut retained = retained(2_000);
        for number in 0..1_000 {
            retained.set(&message(&format!("t/{number:04}"), "x"), Duration::ZERO);
        }
        let filter = TopicFilter::new("t/#".into()).unwrap();
        let mut cursor = retained.cursor();
        let mut looks = usize::MAX;
        let first = retained.page(&filter, &mut cursor, &mut looks, Duration::ZERO);
        assert_eq!((first.messages.len(), first.done), (PAGE, false));
        // replaced, gone, new, and told already
        retained.set(&message("t/0500", "y"), Duration::ZERO);
        retained.set(&message("t/0501", ""), Duration::ZERO);
        retained.set(&message("t/0502a", "z"), Duration::ZERO);
        retained.set(&message("t/0001", ""), Duration::ZERO);
        let mut told = first.messages.len();
        loop {
            let page = retained.page(&filter, &mut cursor, &mut looks, Duration::ZERO);
            told += page.messages.len();
            assert!(page.messages.iter().all(|message| message.payload == "x"));
            if page.done {
                break;
            }
        }
        assert_eq!(told, 998);
    }

    #[test]
    fn an_empty_message_clears_and_a_new_one_replaces() {
        let mut retained = retained(100);
        retained.set(&message("a", "old"), Duration::ZERO);
        retained.set(&message("a", "new"), Duration::ZERO);
        let found = pages(&mut retained, "a", 1, Duration::ZERO);
        assert_eq!(found[0].payload, "new");
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
                expiry: Some(5),
                ..MessageProperties::default()
            };
            let message = Message::clone(&message(topic, "x"));
            Arc::new(message.with_properties(Some(Arc::new(properties)), at))
        };
        let mut retained = retained(1);
        retained.set(&expiring("a", seconds(0)), seconds(0));
        // published again, it lives longer
        retained.set(&expiring("a", seconds(2)), seconds(2));
        let found = |retained: &mut Retained, at| pages(retained, "#", 9, seconds(at)).len();
        assert_eq!(found(&mut retained, 6), 1);
        assert_eq!(retained.set(&message("b", "x"), seconds(6)), Kept::Full);
        assert_eq!(retained.set(&message("b", "x"), seconds(7)), Kept::Yes);
        assert_eq!(found(&mut retained, 7), 1);
        retained.set(&message("b", ""), seconds(7));
        retained.set(&expiring("a", seconds(7)), seconds(7));
        assert_eq!(found(&mut retained, 12), 0);
        assert_eq!((retained.bytes, retained.expiring.len()), (0, 0));
    }
}
