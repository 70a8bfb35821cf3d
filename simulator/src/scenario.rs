//! Scenario files: YAML, unknown keys refused, every problem at once.

mod faults;
mod values;

use std::path::{Path, PathBuf};

use herdgate_admission::simulator::{Law, Scenario, SlicingType};
use serde_json::{Map, Value};

use crate::keys::KEYS;
use values::{kind, set};

pub(crate) use faults::TYPES;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ScenarioError {
    #[error("failed to read {path}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("failed to read {path} as YAML")]
    Yaml {
        path: PathBuf,
        source: Box<serde_saphyr::Error>,
    },
    #[error("failed to set {assignment}: {reason}")]
    Set { assignment: String, reason: String },
    #[error("failed to use the scenario:\n  {}", .problems.join("\n  "))]
    Invalid { problems: Vec<String> },
}

/// A scenario from a file; `capacity` may be from another one; assignments win over both.
pub(crate) fn load(
    path: &Path,
    capacity: Option<&Path>,
    assignments: &[String],
) -> Result<Scenario, ScenarioError> {
    let mut value = read(path)?;
    if let Some(path) = capacity {
        let other = read(path)?;
        overlay(&mut value, &other, path)?;
    }
    parse(value, assignments)
}

/// Only the key `capacity` is taken.
fn overlay(value: &mut Value, other: &Value, path: &Path) -> Result<(), ScenarioError> {
    let whole = other.as_object().filter(|map| map.len() == 1);
    let capacity = whole.and_then(|map| map.get("capacity")).cloned();
    match (capacity, value.as_object_mut()) {
        (Some(capacity), Some(map)) => {
            map.insert("capacity".to_owned(), capacity);
            Ok(())
        }
        _ => Err(ScenarioError::Invalid {
            problems: vec![format!(
                "{}: a capacity file has the one key 'capacity'",
                path.display()
            )],
        }),
    }
}

fn read(path: &Path) -> Result<Value, ScenarioError> {
    let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Read {
        path: path.to_owned(),
        source,
    })?;
    serde_saphyr::from_str(&text).map_err(|source| ScenarioError::Yaml {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

pub(crate) fn parse(mut value: Value, assignments: &[String]) -> Result<Scenario, ScenarioError> {
    for assignment in assignments {
        values::assign(&mut value, assignment).map_err(|reason| ScenarioError::Set {
            assignment: assignment.clone(),
            reason,
        })?;
    }
    let mut problems = Vec::new();
    let mut scenario = Scenario::founding();
    if let Value::Object(map) = &value {
        top(&mut scenario, map, &mut problems);
    } else {
        problems.push(format!(
            "the scenario is {} instead of a mapping",
            kind(&value)
        ));
    }
    if let Err(found) = scenario.check() {
        problems.extend(found.0.iter().map(ToString::to_string));
    }
    if problems.is_empty() {
        Ok(scenario)
    } else {
        Err(ScenarioError::Invalid { problems })
    }
}

fn top(scenario: &mut Scenario, map: &Map<String, Value>, problems: &mut Vec<String>) {
    for (name, value) in map {
        match (name.as_str(), value) {
            ("name", Value::String(text)) => scenario.name.clone_from(text),
            ("seed", value) if value.is_u64() => scenario.seed = value.as_u64().unwrap_or_default(),
            ("law", value) => match law(value) {
                Ok(law) => scenario.law = law,
                Err(found) => problems.extend(found),
            },
            ("slicing", value) => match slicing(value) {
                Ok(slicing) => scenario.slicing = slicing,
                Err(found) => problems.push(found),
            },
            ("faults", value) => faults::read(scenario, value, problems),
            ("name" | "seed", value) => {
                problems.push(format!("{name}: {} is not what it can be", kind(value)));
            }
            _ => leaf(scenario, name, value, problems),
        }
    }
}

/// A value, or a mapping of some.
fn leaf(scenario: &mut Scenario, path: &str, value: &Value, problems: &mut Vec<String>) {
    let prefix = format!("{path}.");
    if let Some(key) = KEYS.iter().find(|key| key.path == path) {
        set(scenario, key, value)
            .unwrap_or_else(|problem| problems.push(format!("{path}: {problem}")));
    } else if !KEYS.iter().any(|key| key.path.starts_with(&prefix)) {
        problems.push(format!("{path}: there is no such key"));
    } else if let Value::Object(map) = value {
        for (name, value) in map {
            leaf(scenario, &format!("{prefix}{name}"), value, problems);
        }
    } else {
        problems.push(format!("{path}: {} instead of a mapping", kind(value)));
    }
}

const SLICING_TYPES: [(&str, SlicingType); 4] = [
    ("PrefixHash", SlicingType::PrefixHash),
    ("Ranges", SlicingType::Ranges),
    ("CIDRList", SlicingType::CidrList),
    ("ClientIdHash", SlicingType::ClientIdHash),
];

fn slicing(value: &Value) -> Result<SlicingType, String> {
    let found = SLICING_TYPES
        .iter()
        .find(|(name, _)| value.as_str() == Some(name));
    found.map(|(_, slicing)| *slicing).ok_or_else(|| {
        format!(
            "slicing: {value} is none of {}",
            SLICING_TYPES.map(|(name, _)| name).join(", ")
        )
    })
}

/// `Staged`, `Open`, or a mapping with `type` and what it needs.
fn law(value: &Value) -> Result<Law, Vec<String>> {
    let (name, map) = match value {
        Value::String(name) => (name.as_str(), None),
        Value::Object(map) => (
            map.get("type").and_then(Value::as_str).unwrap_or_default(),
            Some(map),
        ),
        _ => ("", None),
    };
    let (law, needs) = match name {
        "Staged" => (Some(Law::Staged), None),
        "Open" => (Some(Law::Open), None),
        "Constant" => {
            let limit = map.and_then(|map| map.get("limit")).and_then(Value::as_u64);
            (
                limit
                    .and_then(|limit| u32::try_from(limit).ok())
                    .map(Law::Constant),
                Some("limit"),
            )
        }
        "Aimd" => {
            let queue = map.and_then(|map| map.get("queueSeconds"));
            (
                queue
                    .and_then(|queue| values::seconds(queue).ok())
                    .map(Law::Aimd),
                Some("queueSeconds"),
            )
        }
        other => {
            return Err(vec![format!(
                "law.type: {other:?} is none of Staged, Open, Constant, Aimd"
            )]);
        }
    };
    let mut problems = Vec::new();
    if law.is_none() {
        problems.push(format!(
            "law.{}: {name} needs a number",
            needs.unwrap_or_default()
        ));
    }
    let unknown = map
        .into_iter()
        .flat_map(Map::keys)
        .filter(|key| *key != "type" && Some(key.as_str()) != needs);
    problems.extend(unknown.map(|key| format!("law.{key}: there is no such key")));
    law.filter(|_| problems.is_empty()).ok_or(problems)
}

#[cfg(test)]
mod tests;
