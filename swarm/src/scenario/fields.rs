//! Reads one mapping of a scenario field by field and keeps every problem with its path.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

/// What is wrong with a scenario, one line each: path, what was found, what is allowed.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<String>);

impl Problems {
    pub(crate) fn add(&mut self, path: impl Display, problem: impl Display) {
        self.0.push(format!("{path}: {problem}"));
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.0
    }
}

/// One mapping, its path, and the keys that were asked for.
pub(crate) struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    path: String,
    known: BTreeSet<&'static str>,
}

impl<'a> Fields<'a> {
    /// `value` is `None` when the mapping is absent: then every field has its default.
    pub(crate) fn new(
        value: Option<&'a Value>,
        path: impl Into<String>,
        problems: &mut Problems,
    ) -> Self {
        let path = path.into();
        let map = match value {
            None | Some(Value::Null) => None,
            Some(Value::Object(map)) => Some(map),
            Some(other) => {
                problems.add(
                    name(&path),
                    format_args!("{} instead of a mapping", kind(other)),
                );
                None
            }
        };
        Self {
            map,
            path,
            known: BTreeSet::new(),
        }
    }

    pub(crate) fn path(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    pub(crate) fn get(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.insert(key);
        self.map?.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<String> {
        let value = self.get(key)?;
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            other => {
                problems.add(
                    self.path(key),
                    format_args!("{} instead of a text", kind(other)),
                );
                None
            }
        }
    }

    pub(crate) fn required(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Option<String> {
        let absent = self.get(key).is_none();
        if absent {
            problems.add(self.path(key), "is missing");
        }
        self.text(key, problems)
    }

    /// A whole number within `allowed`.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        allowed: RangeInclusive<u32>,
        default: u32,
        problems: &mut Problems,
    ) -> u32 {
        let Some(value) = self.get(key) else {
            return default;
        };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        if let Some(number) = number.filter(|number| allowed.contains(number)) {
            number
        } else {
            let (low, high) = allowed.into_inner();
            problems.add(
                self.path(key),
                format_args!("{value} is not a whole number from {low} to {high}"),
            );
            default
        }
    }

    pub(crate) fn flag(
        &mut self,
        key: &'static str,
        default: bool,
        problems: &mut Problems,
    ) -> bool {
        match self.get(key) {
            None => default,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                problems.add(self.path(key), format_args!("{other} is not true or false"));
                default
            }
        }
    }

    /// Seconds, fractions allowed.
    pub(crate) fn seconds(
        &mut self,
        key: &'static str,
        allowed: RangeInclusive<f64>,
        default: Duration,
        problems: &mut Problems,
    ) -> Duration {
        let Some(value) = self.get(key) else {
            return default;
        };
        if let Some(seconds) = value.as_f64().filter(|seconds| allowed.contains(seconds)) {
            Duration::from_secs_f64(seconds)
        } else {
            let (low, high) = allowed.into_inner();
            problems.add(
                self.path(key),
                format_args!("{value} is not a number of seconds from {low} to {high}"),
            );
            default
        }
    }

    /// A number within `allowed`, fractions allowed.
    pub(crate) fn amount(
        &mut self,
        key: &'static str,
        allowed: RangeInclusive<f64>,
        problems: &mut Problems,
    ) -> Option<f64> {
        let value = self.get(key)?;
        let amount = value.as_f64().filter(|amount| allowed.contains(amount));
        if amount.is_none() {
            let (low, high) = allowed.into_inner();
            problems.add(
                self.path(key),
                format_args!("{value} is not a number from {low} to {high}"),
            );
        }
        amount
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
        default: T,
        problems: &mut Problems,
    ) -> T {
        let Some(text) = self.text(key, problems) else {
            return default;
        };
        if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == text) {
            return *chosen;
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        problems.add(
            self.path(key),
            format_args!("{text} is none of {}", words.join(", ")),
        );
        default
    }

    /// The items of a list with their paths.
    pub(crate) fn list(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
    ) -> Vec<(String, &'a Value)> {
        let path = self.path(key);
        match self.get(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (format!("{path}[{index}]"), item))
                .collect(),
            Some(other) => {
                problems.add(path, format_args!("{} instead of a list", kind(other)));
                Vec::new()
            }
        }
    }

    /// Reports the keys nobody asked for.
    pub(crate) fn finish(self, problems: &mut Problems) {
        let unknown = self
            .map
            .into_iter()
            .flat_map(Map::keys)
            .filter(|key| !self.known.contains(key.as_str()));
        for key in unknown {
            let known: Vec<_> = self.known.iter().copied().collect();
            problems.add(
                self.path(key),
                format_args!("is unknown; known are {}", known.join(", ")),
            );
        }
    }
}

fn name(path: &str) -> &str {
    if path.is_empty() { "scenario" } else { path }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
