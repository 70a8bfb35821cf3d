//! Is everything that is wanted there already?

use serde_json::Value;

use crate::cluster::quantity::nanos;

/// What the API server adds is not looked at; what it writes in another form counts as the same.
pub(super) fn covers(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            wanted.iter().all(|(key, value)| match live.get(key) {
                Some(found) => covers(value, found),
                None => is_empty(value),
            })
        }
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len()
                && wanted
                    .iter()
                    .zip(live)
                    .all(|(wanted, live)| covers(wanted, live))
        }
        _ => wanted == live || same_amount(wanted, live),
    }
}

/// The API server drops what is empty.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// `1` and `1000m` are one amount, as are `"1"` and `1`.
fn same_amount(wanted: &Value, live: &Value) -> bool {
    let amount = |value: &Value| match value {
        Value::String(text) => nanos(text),
        Value::Number(number) => nanos(&number.to_string()),
        _ => None,
    };
    amount(wanted).is_some_and(|wanted| amount(live) == Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn additions_and_other_forms_are_covered() {
        for (wanted, live) in [
            (json!({"a": 1}), json!({"a": 1, "b": 2})),
            (
                json!({"a": {"b": 1}}),
                json!({"a": {"b": 1, "c": 2}, "d": 3}),
            ),
            (json!({"a": [], "b": {}, "c": null, "d": ""}), json!({})),
            (
                json!([{"key": "edge", "value": ""}]),
                json!([{"key": "edge"}]),
            ),
            (json!({"a": [{"n": 1}]}), json!({"a": [{"n": 1, "m": 2}]})),
            (json!({"cpu": "0.5"}), json!({"cpu": "500m"})),
            (json!({"cpu": "1000m"}), json!({"cpu": 1})),
        ] {
            assert!(covers(&wanted, &live), "{wanted} {live}");
        }
    }

    #[test]
    fn differences_are_not() {
        for (wanted, live) in [
            (json!({"a": 1}), json!({"a": 2})),
            (json!({"a": 1}), json!({})),
            (json!({"a": false}), json!({})),
            (json!({"a": ""}), json!({"a": "x"})),
            (json!({"a": [1]}), json!({"a": [1, 2]})),
            (json!({"a": [1, 2]}), json!({"a": [2, 1]})),
            (json!({"cpu": "1"}), json!({"cpu": "2"})),
            (json!({"a": "1Gi"}), json!({"a": "1G"})),
            (json!({"a": {"b": 1}}), json!({"a": 1})),
        ] {
            assert!(!covers(&wanted, &live), "{wanted} {live}");
        }
    }
}
