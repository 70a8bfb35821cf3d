//! The file as a tree, and what the environment and flags lay over it.

use serde_json::{Map, Value};

use super::keys;
use super::kind::Kind;
use super::problem::Problems;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(&'static str),
    Index(usize),
}

/// Prefix of our environment variables.
const PREFIX: &str = "HERDGATE_";

/// Between the levels of a variable's name. Single underscores belong to what the platform sets for services
/// (`HERDGATE_EDGE_PORT`), so a name without this is ours only when it is a key of the top level.
const LEVEL: &str = "__";

/// Reads YAML; an empty file is an empty tree.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let value: Value = serde_saphyr::from_str::<Option<Value>>(text)
        .map_err(|error| error.to_string())?
        .unwrap_or(Value::Null);
    Ok(if value.is_null() {
        Value::Object(Map::new())
    } else {
        value
    })
}

/// Lays `HERDGATE_A__B=value` over the tree.
pub(super) fn lay_env(tree: &mut Value, env: &[(String, String)], problems: &Problems) {
    for (name, text) in env {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let parts: Vec<&str> = rest.split(LEVEL).collect();
        match steps(&parts) {
            Ok((steps, kind)) => lay(tree, &steps, read(text, kind), name, problems),
            Err(_) if parts.len() == 1 => {}
            Err(text) => problems.note(name, text),
        }
    }
}

/// Lays `a.b[0].c=value` over the tree.
pub(super) fn lay_flags(tree: &mut Value, set: &[String], problems: &Problems) {
    for flag in set {
        let Some((path, text)) = flag.split_once('=') else {
            problems.note(format!("--set {flag}"), "is not of the form path=value");
            continue;
        };
        let dotted = path.replace('[', ".").replace(']', "");
        let parts: Vec<&str> = dotted.split('.').collect();
        match steps(&parts) {
            Ok((steps, kind)) => lay(
                tree,
                &steps,
                read(text, kind),
                &format!("--set {path}"),
                problems,
            ),
            Err(text) => problems.note(format!("--set {path}"), text),
        }
    }
}

/// Finds each part among the known keys, however it is spelled (`HOLD_BUDGET`, `holdBudget`).
fn steps(parts: &[&str]) -> Result<(Vec<Step>, Kind), String> {
    let mut steps = Vec::new();
    let (mut path, mut kind) = (String::new(), Kind::Section);
    for part in parts {
        match kind {
            Kind::Section => {
                let known = keys::children(&path).find(|known| plain(known) == plain(part));
                let name = known.ok_or_else(|| unknown(part, &path))?;
                path = if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{path}.{name}")
                };
                kind = keys::find(&path).map_or(Kind::Text, |key| key.kind);
                steps.push(Step::Key(name));
            }
            Kind::Sections | Kind::List(_) => {
                let index = part
                    .parse()
                    .map_err(|_| format!("needs a number, not {part}, after {path}"))?;
                kind = if let Kind::List(of) = kind {
                    *of
                } else {
                    Kind::Section
                };
                path.push_str("[]");
                steps.push(Step::Index(index));
            }
            _ => return Err(format!("goes on behind {path}, which has no keys")),
        }
    }
    Ok((steps, kind))
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| *c != '_')
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// What to say of a name that is not among the keys of `path`.
pub(super) fn unknown(name: &str, path: &str) -> String {
    let known: Vec<&str> = keys::children(path).collect();
    let nearest = known
        .iter()
        .map(|known| (distance(&plain(name), &plain(known)), known))
        .min();
    let hint = match nearest {
        Some((off, known)) if off <= 1 + name.len() / 4 => format!("; did you mean {known}?"),
        _ => String::new(),
    };
    format!("unknown key{hint} (known here: {})", known.join(", "))
}

/// Insertions, deletions and replacements between two names.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let best = (corner + usize::from(x != y)).min(*cell + 1).min(left + 1);
            corner = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// A text from outside the file: as it is where texts are meant, else read as YAML. A list may be written `a,b`.
fn read(text: &str, kind: Kind) -> Value {
    if kind.is_textual() {
        return Value::String(text.to_owned());
    }
    if let (Kind::List(_), false) = (kind, text.trim_start().starts_with('[')) {
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty());
        return items.map(str::to_owned).collect();
    }
    serde_saphyr::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn lay(tree: &mut Value, steps: &[Step], value: Value, source: &str, problems: &Problems) {
    let mut place = tree;
    for step in steps {
        let next = match step {
            Step::Key(name) => {
                if place.is_null() {
                    *place = Value::Object(Map::new());
                }
                place
                    .as_object_mut()
                    .map(|map| map.entry(*name).or_insert(Value::Null))
            }
            Step::Index(at) => {
                if place.is_null() {
                    *place = Value::Array(Vec::new());
                }
                place.as_array_mut().and_then(|list| {
                    if *at == list.len() {
                        list.push(Value::Null);
                    }
                    list.get_mut(*at)
                })
            }
        };
        let Some(next) = next else {
            problems.note(
                source,
                "finds no place: what it lies over has another shape, or the list is shorter",
            );
            return;
        };
        place = next;
    }
    *place = value;
}

/// The text of a default, as a value.
pub(super) fn default_value(text: &str, kind: Kind) -> Value {
    read(text, kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn env(tree: &mut Value, vars: &[(&str, &str)]) -> Vec<String> {
        let problems = Problems::default();
        let vars: Vec<_> = vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        lay_env(tree, &vars, &problems);
        problems
            .into_sorted()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn flags(tree: &mut Value, set: &[&str]) -> Vec<String> {
        let problems = Problems::default();
        lay_flags(
            tree,
            &set.iter().map(|&flag| flag.to_owned()).collect::<Vec<_>>(),
            &problems,
        );
        problems
            .into_sorted()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn environment_finds_its_keys() {
        let mut tree = json!({"listeners": [{"name": "a"}]});
        let problems = env(
            &mut tree,
            &[
                ("HERDGATE_CLUSTER", "1234"),
                ("HERDGATE_ADMISSION__HOLD_BUDGET", "7"),
                ("HERDGATE_LISTENERS__0__TLS__MINVERSION", "1.3"),
                ("HERDGATE_EDGE__SHARDS", "a:1, b:2"),
                ("HERDGATE_ADMISSION__ALWAYS_ALLOW", "[10.0.0.0/8]"),
                ("HERDGATE_EDGE_PORT", "tcp://10.0.0.1:8883"),
                ("HERDGATE_SERVICE_HOST", "10.0.0.1"),
                ("PATH", "/bin"),
            ],
        );
        assert_eq!(problems, [""; 0]);
        assert_eq!(
            tree,
            json!({
                "cluster": "1234",
                "listeners": [{"name": "a", "tls": {"minVersion": "1.3"}}],
                "admission": {"holdBudget": 7, "alwaysAllow": ["10.0.0.0/8"]},
                "edge": {"shards": ["a:1", "b:2"]},
            })
        );
    }

    #[test]
    fn flags_reach_into_lists() {
        let mut tree = json!({});
        let set = [
            "listeners[0].name=a",
            "listeners.1.name=b",
            "routing.isolatedShards=true",
            "listeners[0].name=c",
        ];
        assert_eq!(flags(&mut tree, &set), [""; 0]);
        assert_eq!(
            tree,
            json!({"listeners": [{"name": "c"}, {"name": "b"}], "routing": {"isolatedShards": true}})
        );
    }

    #[test]
    fn what_finds_no_place_is_told() {
        let mut tree = json!({"edge": 5});
        let problems = flags(
            &mut tree,
            &[
                "edge.id=x",
                "listeners[3].name=x",
                "admissoin.mode=Open",
                "cluster",
                "cluster.x=1",
                "listeners.a=1",
            ],
        );
        insta::assert_snapshot!(problems.join("\n"));
        assert_eq!(env(&mut tree, &[("HERDGATE_EDGE__IDD", "x")]).len(), 1);
    }

    #[test]
    fn distances() {
        for (a, b, off) in [
            ("", "", 0),
            ("a", "", 1),
            ("admissoin", "admission", 2),
            ("kitten", "sitting", 3),
            ("ab", "ab", 0),
        ] {
            assert_eq!(distance(a, b), off, "{a} {b}");
        }
    }
}
