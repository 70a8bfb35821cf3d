//! Reads values out of the tree by the table of keys; whatever is wrong is noted with its path.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::keys::{self, Key};
use super::kind::Kind;
use super::parse::Parse;
use super::problem::Problems;
use super::tree;

/// One section of the tree. Getters give `None` after they noted why, so that a builder can read all before it stops.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    value: Option<&'a Value>,
    /// As the user would write it: `listeners[0].tls`.
    path: String,
    /// As the table has it: `listeners[].tls`.
    pattern: String,
    problems: &'a Problems,
}

impl<'a> Reader<'a> {
    pub(super) fn top(tree: &'a Value, problems: &'a Problems) -> Self {
        Self::section(Some(tree), String::new(), String::new(), problems)
    }

    fn section(
        value: Option<&'a Value>,
        path: String,
        pattern: String,
        problems: &'a Problems,
    ) -> Self {
        let reader = Self {
            value: value.filter(|value| !value.is_null()),
            path,
            pattern,
            problems,
        };
        reader.check_keys();
        reader
    }

    /// Notes every key that the table does not know.
    fn check_keys(&self) {
        let Some(value) = self.value else { return };
        let Some(map) = value.as_object() else {
            let path = if self.path.is_empty() {
                "the file"
            } else {
                &self.path
            };
            self.problems.note(path, wrong(value, Kind::Section));
            return;
        };
        for name in map.keys() {
            if !keys::children(&self.pattern).any(|known| known == name) {
                self.problems
                    .note(join(&self.path, name), tree::unknown(name, &self.pattern));
            }
        }
    }

    fn raw(&self, name: &str) -> Option<&'a Value> {
        self.value
            .and_then(|value| value.get(name))
            .filter(|value| !value.is_null())
    }

    fn key(&self, name: &str) -> Option<&'static Key> {
        let key = keys::find(&join(&self.pattern, name));
        debug_assert!(key.is_some(), "{}.{name} is not in the table", self.pattern);
        key
    }

    /// A section that may be missing, all of its values then being defaults.
    pub(super) fn sub(&self, name: &str) -> Reader<'a> {
        Self::section(
            self.raw(name),
            join(&self.path, name),
            join(&self.pattern, name),
            self.problems,
        )
    }

    /// Whether the user wrote this; an empty text counts as unwritten.
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name)
            .is_some_and(|value| value.as_str() != Some(""))
    }

    /// The members of a list of sections; empty when missing.
    pub(super) fn subs(&self, name: &str) -> Vec<Reader<'a>> {
        let Some(value) = self.raw(name) else {
            return Vec::new();
        };
        let Some(list) = value.as_array() else {
            self.note(name, wrong(value, Kind::Sections));
            return Vec::new();
        };
        let pattern = format!("{}[]", join(&self.pattern, name));
        let member = |(at, value)| {
            let path = format!("{}[{at}]", join(&self.path, name));
            let reader = Self::section(Some(value), path, pattern.clone(), self.problems);
            if value.is_null() {
                self.problems.note(&reader.path, "is empty");
            }
            reader
        };
        list.iter().enumerate().map(member).collect()
    }

    /// A value that may be missing.
    pub(super) fn optional<T: Parse>(&self, name: &str) -> Option<T> {
        let key = self.key(name)?;
        self.parse(self.raw(name)?, key.kind, &join(&self.path, name))
    }

    /// A value that must be there, be it by its default.
    pub(super) fn one<T: Parse>(&self, name: &str) -> Option<T> {
        let key = self.key(name)?;
        let path = join(&self.path, name);
        match (self.raw(name), key.default) {
            (Some(value), _) => self.parse(value, key.kind, &path),
            (None, Some(default)) => {
                self.parse(&tree::default_value(default, key.kind), key.kind, &path)
            }
            (None, None) => {
                self.problems
                    .note(path, format!("is missing; allowed: {}", key.kind));
                None
            }
        }
    }

    /// A list of values; a missing one is its default, or empty.
    pub(super) fn list<T: Parse>(&self, name: &str) -> Option<Vec<T>> {
        let key = self.key(name)?;
        let Kind::List(of) = key.kind else {
            return None;
        };
        let path = join(&self.path, name);
        let value = match (self.raw(name), key.default) {
            (Some(value), _) => value.clone(),
            (None, Some(default)) => tree::default_value(default, key.kind),
            (None, None) => return Some(Vec::new()),
        };
        let Some(list) = value.as_array() else {
            self.problems.note(path, wrong(&value, key.kind));
            return None;
        };
        let members: Vec<_> = list
            .iter()
            .enumerate()
            .map(|(at, value)| self.parse(value, *of, &format!("{path}[{at}]")))
            .collect();
        members.into_iter().collect()
    }

    fn parse<T: Parse>(&self, value: &Value, kind: Kind, path: &str) -> Option<T> {
        let parsed = T::parse(value, kind);
        if parsed.is_none() {
            self.problems.note(path, wrong(value, kind));
        }
        parsed
    }

    /// Notes a problem at a key of this section; "" is the section itself.
    pub(super) fn note(&self, name: &str, text: impl Into<String>) {
        self.problems.note(
            if name.is_empty() {
                self.path.clone()
            } else {
                join(&self.path, name)
            },
            text,
        );
    }
}

/// Takes a choice by the name that serde knows.
pub(super) fn choice<T: DeserializeOwned>(value: &Value, kind: Kind) -> Option<T> {
    let Kind::Choice(names) = kind else {
        return None;
    };
    // an unquoted 1.2 is a number in YAML
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let name = names.iter().find(|name| **name == text)?;
    serde_json::from_value(Value::String((*name).to_owned())).ok()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// Longest part of a wrong value that a message repeats.
const SHOWN_CHARS: usize = 60;

fn wrong(value: &Value, kind: Kind) -> String {
    let mut shown: String = value.to_string();
    if let Some((cut, _)) = shown.char_indices().nth(SHOWN_CHARS) {
        shown.truncate(cut);
        shown.push('…');
    }
    format!("{shown} is not allowed; allowed: {kind}")
}
