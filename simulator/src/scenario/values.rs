//! Single values of a scenario file.

use std::time::Duration;

use herdgate_admission::simulator::Scenario;
use serde_json::Value;

use crate::keys::{Into, Key};

/// No wait of a scenario is longer than some days.
const MOST_SECONDS: f64 = 1e6;

pub(super) fn set(scenario: &mut Scenario, key: &Key, value: &Value) -> Result<(), String> {
    match key.into {
        Into::Long(at) => *at(scenario) = whole(value)?,
        Into::Short(at) => *at(scenario) = whole(value)?,
        Into::Byte(at) => *at(scenario) = whole(value)?,
        Into::Flag(at) => {
            *at(scenario) = value
                .as_bool()
                .ok_or_else(|| format!("{value} is not true or false"))?;
        }
        Into::Seconds(at) => *at(scenario) = seconds(value)?,
    }
    Ok(())
}

pub(super) fn whole<T: TryFrom<u64>>(value: &Value) -> Result<T, String> {
    let number = value.as_u64().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("{value} is not a whole number that fits"))
}

/// Fractions allowed.
pub(super) fn seconds(value: &Value) -> Result<Duration, String> {
    let seconds = value
        .as_f64()
        .filter(|seconds| (0.0..=MOST_SECONDS).contains(seconds));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("{value} is not a number of seconds"))
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// Sets `a.b[0].c=value`; the value is YAML.
pub(super) fn assign(root: &mut Value, assignment: &str) -> Result<(), String> {
    let (path, text) = assignment
        .split_once('=')
        .ok_or("it is not of the form path=value")?;
    let value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let path = path.replace('[', ".").replace(']', "");
    let mut at = root;
    for name in path.split('.') {
        if let Value::Array(items) = at {
            let count = items.len();
            let item = name
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get_mut(index));
            at = item.ok_or_else(|| format!("{name} is not an index of a list of {count}"))?;
        } else {
            if at.is_null() {
                *at = Value::Object(serde_json::Map::new());
            }
            let map = at
                .as_object_mut()
                .ok_or_else(|| format!("{name} is looked for in what is no mapping"))?;
            at = map.entry(name).or_insert(Value::Null);
        }
    }
    *at = value;
    Ok(())
}
