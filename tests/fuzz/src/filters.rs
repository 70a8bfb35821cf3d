//! Topic filters: the route table and the retained messages against a matcher that knows nothing but the standard.
//!
//! The bytes are lines: `s filter` subscribes, `u filter` unsubscribes, `p topic` publishes, `r topic` publishes to be
//! kept, `c topic` clears what is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use herdgate::routing::{
    ClientFilter, MAX_LEVELS, Message, Retained, RetainedLimits, TopicFilter, TopicName, Trie,
};

/// Steps of one input: more of them find nothing that fewer do not.
const MOST_LINES: usize = 64;
/// Levels that may decide a topic's partition, as the configuration has them.
const KEY_LEVELS: [Option<u8>; 4] = [None, Some(0), Some(1), Some(2)];

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut tables = Tables::default();
    for (line, number) in text.split('\n').take(MOST_LINES).zip(1..) {
        let Some((verb, text)) = line.split_once(' ') else {
            continue;
        };
        match verb {
            "s" => tables.subscribe(text, number),
            "u" => tables.subscribe(text, 0),
            "p" => tables.publish(text),
            "r" => tables.retain(text, b"kept"),
            "c" => tables.retain(text, b""),
            _ => {}
        }
    }
    tables.empty();
}

/// The broker's tables, and the same as plain lists.
struct Tables {
    routes: Trie<u32>,
    /// Each filter and its number.
    subscribed: BTreeMap<TopicFilter, u32>,
    retained: Retained,
    kept: BTreeSet<TopicName>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            routes: Trie::default(),
            subscribed: BTreeMap::new(),
            retained: Retained::new(RetainedLimits {
                messages: MOST_LINES,
                bytes: usize::MAX,
            }),
            kept: BTreeSet::new(),
        }
    }
}

impl Tables {
    /// `number` 0: unsubscribes.
    fn subscribe(&mut self, text: &str, number: u32) {
        let read = ClientFilter::new(text.into());
        assert_eq!(read.is_ok(), is_filter(text), "{text:?}: {read:?}");
        let filter = match read {
            Ok(ClientFilter::Own(filter)) => filter,
            Ok(ClientFilter::Shared(group)) => {
                let name = group.share_name();
                let filter = group.filter();
                assert_eq!(format!("$share/{name}/{}", filter.as_str()), text);
                filter.clone()
            }
            Err(_) => return,
        };
        self.set(&filter, number);
        self.check_retained(&filter);
    }

    fn set(&mut self, filter: &TopicFilter, number: u32) {
        self.routes
            .update(filter, |value| *value = number, |value| *value == 0);
        if number == 0 {
            self.subscribed.remove(filter);
        } else {
            self.subscribed.insert(filter.clone(), number);
        }
        let known = self.routes.get(filter).copied().unwrap_or_default();
        assert_eq!(known, number, "{filter:?}");
    }

    fn publish(&self, text: &str) {
        let read = TopicName::new(text.into());
        assert_eq!(read.is_ok(), is_topic(text), "{text:?}: {read:?}");
        let Ok(topic) = read else { return };
        let mut found = Vec::new();
        self.routes.matching(&topic, |value| {
            if *value > 0 {
                found.push(*value);
            }
        });
        found.sort_unstable();
        let matching = self.subscribed.iter().filter(|(filter, _)| {
            let matches = matches(filter.as_str(), text);
            assert_eq!(filter.matches(&topic), matches, "{filter:?} on {text:?}");
            if matches {
                check_hints(filter, &topic);
            }
            matches
        });
        let mut expected: Vec<_> = matching.map(|(_, number)| *number).collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "{text:?} among {:?}", self.subscribed);
    }

    fn retain(&mut self, text: &str, payload: &'static [u8]) {
        let Ok(topic) = TopicName::new(text.into()) else {
            return;
        };
        let message = Message::new(topic.clone(), payload, "publisher".into());
        self.retained.set(&Arc::new(message), Duration::ZERO);
        if payload.is_empty() {
            self.kept.remove(&topic);
        } else {
            self.kept.insert(topic);
        }
        assert_eq!(self.retained.len(), self.kept.len());
        self.publish(text);
    }

    /// In one page, and with the fewest looks at a time.
    fn check_retained(&mut self, filter: &TopicFilter) {
        let kept = self.kept.iter().map(TopicName::as_str);
        let expected: Vec<_> = kept
            .filter(|topic| matches(filter.as_str(), topic))
            .map(str::to_owned)
            .collect();
        assert!(self.retained.may_match(filter) || expected.is_empty());
        for looks in [usize::MAX, 1] {
            assert_eq!(self.pages(filter, looks), expected, "{filter:?}");
        }
    }

    fn pages(&mut self, filter: &TopicFilter, looks: usize) -> Vec<String> {
        let mut cursor = self.retained.cursor();
        let mut found = Vec::new();
        loop {
            let mut left = looks;
            let page = self
                .retained
                .page(filter, &mut cursor, &mut left, Duration::ZERO);
            assert!(left < looks, "a page takes one look at least");
            let topics = page.messages.iter().map(|it| it.topic.as_str().to_owned());
            found.extend(topics);
            if page.done {
                return found;
            }
        }
    }

    /// What is unsubscribed leaves nothing behind that matches.
    fn empty(&mut self) {
        let filters: Vec<_> = self.subscribed.keys().cloned().collect();
        for filter in filters {
            self.set(&filter, 0);
            let literal: Arc<str> = filter.as_str().replace(['+', '#'], "x").into();
            self.publish(&literal);
        }
    }
}

/// What is looked up by a part of a filter is found under the same part of each topic that matches.
fn check_hints(filter: &TopicFilter, topic: &TopicName) {
    assert!(topic.as_str().starts_with(filter.literal_prefix()));
    for level in KEY_LEVELS {
        if let Some(key) = filter.key(level) {
            assert_eq!(
                key,
                topic.key(level),
                "{filter:?} on {topic:?} at {level:?}"
            );
        }
    }
}

fn levels(text: &str) -> Vec<&str> {
    text.split('/').collect()
}

/// Section 4.7.
fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    level_by_level(&levels(filter), &levels(topic))
}

fn level_by_level(filter: &[&str], topic: &[&str]) -> bool {
    match (filter, topic) {
        (["#"], _) | ([], []) => true,
        (["+", filter @ ..], [_, topic @ ..]) => level_by_level(filter, topic),
        ([wanted, filter @ ..], [level, topic @ ..]) => {
            wanted == level && level_by_level(filter, topic)
        }
        _ => false,
    }
}

fn is_topic(text: &str) -> bool {
    !text.is_empty() && !text.contains(['+', '#']) && levels(text).len() <= MAX_LEVELS
}

/// Sections 4.7.1 and 4.8.2.
fn is_filter(text: &str) -> bool {
    let Some(shared) = text.strip_prefix("$share/") else {
        return is_own_filter(text);
    };
    shared.split_once('/').is_some_and(|(name, filter)| {
        let is_name = !name.is_empty() && !name.contains(['+', '#']);
        is_name && !filter.starts_with("$share/") && is_own_filter(filter)
    })
}

fn is_own_filter(text: &str) -> bool {
    let levels = levels(text);
    let last = levels.len() - 1;
    let mut all = levels.iter().enumerate();
    !text.is_empty()
        && levels.len() <= MAX_LEVELS
        && all.all(|(at, level)| {
            !level.contains(['+', '#']) || *level == "+" || (*level == "#" && at == last)
        })
}
