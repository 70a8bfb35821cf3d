//! Topic names and filters that are known to be valid (MQTT section 4.7).

use std::sync::Arc;

/// Where a message is published to: not empty, no wildcard.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicName(Arc<str>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicNameError {
    #[error("failed to read the topic name: it is empty")]
    Empty,
    #[error("failed to read the topic name: it has a wildcard")]
    Wildcard,
    #[error("failed to read the topic name: it has more than {MAX_LEVELS} levels")]
    TooDeep,
}

/// What a client subscribes to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicFilter(Arc<str>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("failed to read the topic filter: it is empty")]
    Empty,
    #[error("failed to read the topic filter: a wildcard must fill its level, and # must be last")]
    Wildcard,
    #[error("failed to read the topic filter: it has more than {MAX_LEVELS} levels")]
    TooDeep,
    #[error("failed to read the topic filter: a shared one is $share/<name>/<filter>")]
    ShareName,
    /// `$share/…` where no group is meant.
    #[error("failed to read the topic filter: a shared one cannot be shared")]
    Shared,
}

/// What a shared filter begins with [MQTT-4.8.2-1].
pub(super) const SHARED_PREFIX: &str = "$share/";

/// A walk over a topic recurses no deeper. The standard sets no bound, nobody's topics come near this one.
pub const MAX_LEVELS: usize = 128;

impl TopicName {
    pub fn new(name: Arc<str>) -> Result<Self, TopicNameError> {
        if name.is_empty() {
            return Err(TopicNameError::Empty);
        }
        if name.bytes().any(|byte| byte == b'+' || byte == b'#') {
            return Err(TopicNameError::Wildcard);
        }
        if too_deep(&name) {
            Err(TopicNameError::TooDeep)
        } else {
            Ok(Self(name))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    pub fn levels(&self) -> std::str::Split<'_, char> {
        self.0.split('/')
    }

    /// Topics that begin with `$` are not matched by a wildcard in the first level [MQTT-4.7.2-1].
    pub fn is_system(&self) -> bool {
        self.0.starts_with('$')
    }

    /// Topics that only the server publishes to.
    pub fn is_servers(&self) -> bool {
        self.0
            .strip_prefix("$SYS")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// What decides the topic's partition: one level, or the whole topic if that is unset or there are too few.
    pub fn key(&self, level: Option<u8>) -> &str {
        level
            .and_then(|level| self.levels().nth(usize::from(level)))
            .unwrap_or(&self.0)
    }
}

/// A topic finds the filter that is the same text.
impl std::borrow::Borrow<str> for TopicFilter {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TopicFilter {
    pub fn new(filter: Arc<str>) -> Result<Self, FilterError> {
        if filter.is_empty() {
            return Err(FilterError::Empty);
        }
        if filter.starts_with(SHARED_PREFIX) {
            return Err(FilterError::Shared);
        }
        let mut levels = filter.split('/').peekable();
        while let Some(level) = levels.next() {
            let has_wildcard = level.bytes().any(|byte| byte == b'+' || byte == b'#');
            let is_last = levels.peek().is_none();
            if has_wildcard && level != "+" && !(level == "#" && is_last) {
                return Err(FilterError::Wildcard);
            }
        }
        if too_deep(&filter) {
            Err(FilterError::TooDeep)
        } else {
            Ok(Self(filter))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn levels(&self) -> std::str::Split<'_, char> {
        self.0.split('/')
    }

    /// It has no wildcard: it matches one topic, its own text.
    pub fn is_concrete(&self) -> bool {
        !self.0.bytes().any(|byte| byte == b'+' || byte == b'#')
    }

    /// The key that all matching topics share, or `None` if they may have several: then the filter is everywhere.
    ///
    /// A topic with too few levels is its own key, so only a filter whose topics all have the key level is concrete
    /// by that level: `gw/+` with key level 1 is not, nor is `gw/1/#` with key level 2.
    pub fn key(&self, level: Option<u8>) -> Option<&str> {
        if self.is_concrete() {
            let by_level = level.and_then(|level| self.levels().nth(usize::from(level)));
            return Some(by_level.unwrap_or(&self.0));
        }
        let level = usize::from(level?);
        let before = self.levels().take(level).any(|part| part == "#");
        self.levels()
            .nth(level)
            .filter(|part| !before && *part != "+" && *part != "#")
    }

    /// The part before the first wildcard; every matching topic begins with it, except that `a/#` also matches `a`.
    pub fn literal_prefix(&self) -> &str {
        match self.0.find(['+', '#']) {
            Some(0) => "",
            // without the slash before a #, because of the parent
            Some(at) if self.0.as_bytes()[at] == b'#' => &self.0[..at - 1],
            Some(at) => &self.0[..at],
            None => &self.0,
        }
    }

    pub fn matches(&self, topic: &TopicName) -> bool {
        let mut levels = self.levels();
        if topic.is_system() && (self.0.starts_with('+') || self.0.starts_with('#')) {
            return false;
        }
        for part in topic.levels() {
            match levels.next() {
                Some("#") => return true,
                Some("+") => {}
                Some(level) if level == part => {}
                _ => return false,
            }
        }
        matches!(levels.next(), None | Some("#"))
    }
}

fn too_deep(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b'/').count() >= MAX_LEVELS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> TopicFilter {
        TopicFilter::new(text.into()).unwrap()
    }

    fn topic(text: &str) -> TopicName {
        TopicName::new(text.into()).unwrap()
    }

    #[test]
    fn names() {
        for valid in ["a", "/", "a/b", "/a", "a/", "$SYS/x", "a b", "\u{1F600}"] {
            assert!(TopicName::new(valid.into()).is_ok(), "{valid}");
        }
        assert_eq!(TopicName::new("".into()), Err(TopicNameError::Empty));
        for wild in ["+", "#", "a/+", "a+", "a/#", "a#b"] {
            assert_eq!(
                TopicName::new(wild.into()),
                Err(TopicNameError::Wildcard),
                "{wild}"
            );
        }
        assert!(TopicName::new("/".repeat(MAX_LEVELS - 1).into()).is_ok());
        assert_eq!(
            TopicName::new("/".repeat(MAX_LEVELS).into()),
            Err(TopicNameError::TooDeep)
        );
    }

    #[test]
    fn the_servers_topics() {
        for (name, servers) in [
            ("$SYS/broker/uptime", true),
            ("$SYS", true),
            ("$SYS/", true),
            ("$SYSTEM/a", false),
            ("$sys/a", false),
            ("a/$SYS/b", false),
        ] {
            assert_eq!(topic(name).is_servers(), servers, "{name}");
        }
    }

    #[test]
    fn filters() {
        for valid in [
            "a", "/", "#", "+", "+/+", "a/#", "/#", "+/a/#", "$SYS/#", "$shared", "a//b",
        ] {
            assert!(TopicFilter::new(valid.into()).is_ok(), "{valid}");
        }
        assert_eq!(TopicFilter::new("".into()), Err(FilterError::Empty));
        for wrong in ["a#", "a/#/b", "#/a", "a+", "+a", "a/+b", "##", "++"] {
            assert_eq!(
                TopicFilter::new(wrong.into()),
                Err(FilterError::Wildcard),
                "{wrong}"
            );
        }
        for shared in ["$share/g/t", "$share//"] {
            assert_eq!(
                TopicFilter::new(shared.into()),
                Err(FilterError::Shared),
                "{shared}"
            );
        }
    }

    /// The examples of section 4.7, and their neighbours.
    #[test]
    fn matching() {
        for (pattern, name, expected) in [
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            (
                "sport/tennis/player1/#",
                "sport/tennis/player1/score/wimbledon",
                true,
            ),
            ("sport/#", "sport", true),
            ("sport/#", "sports", false),
            ("#", "a/b", true),
            ("#", "/", true),
            ("#", "$SYS/a", false),
            ("+/a", "$SYS/a", false),
            ("$SYS/#", "$SYS/a", true),
            ("$SYS/+", "$SYS/a", true),
            ("sport/tennis/+", "sport/tennis/player1", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("+", "/finance", false),
            ("+", "finance", true),
            ("a/b", "a/b", true),
            ("a/b", "A/b", false),
            ("a/b", "a/b/", false),
            ("a/+/#", "a/b", true),
            ("a/+/#", "a", false),
        ] {
            assert_eq!(
                filter(pattern).matches(&topic(name)),
                expected,
                "{pattern} on {name}"
            );
        }
    }

    #[test]
    fn keys() {
        for (level, name, key) in [
            (None, "gw/1/up", "gw/1/up"),
            (Some(1), "gw/1/up", "1"),
            (Some(1), "gw", "gw"),
        ] {
            assert_eq!(topic(name).key(level), key);
        }
        for (level, pattern, key) in [
            (None, "gw/1/up", Some("gw/1/up")),
            (None, "gw/1/+", None),
            (None, "#", None),
            (Some(1), "gw/1/up", Some("1")),
            (Some(1), "gw/1/#", Some("1")),
            (Some(1), "gw/1/+/x", Some("1")),
            (Some(1), "+/1/up", Some("1")),
            (Some(1), "gw/+/up", None),
            (Some(1), "gw/#", None),
            (Some(1), "#", None),
            (Some(1), "gw", Some("gw")),
            (Some(1), "+", None),
            (Some(2), "gw/1/#", None),
            (Some(2), "gw/+", None),
            (Some(0), "gw/#", Some("gw")),
        ] {
            assert_eq!(filter(pattern).key(level), key, "{pattern} at {level:?}");
        }
    }

    #[test]
    fn prefixes() {
        for (pattern, prefix) in [
            ("a/b", "a/b"),
            ("a/+/c", "a/"),
            ("a/b/#", "a/b"),
            ("#", ""),
            ("+/a", ""),
            ("/#", ""),
        ] {
            assert_eq!(filter(pattern).literal_prefix(), prefix, "{pattern}");
        }
    }
}
