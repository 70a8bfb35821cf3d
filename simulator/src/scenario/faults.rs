//! The list of faults.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use herdgate_admission::simulator::{Fault, Mishap, Scenario, When, Whose};
use serde_json::{Map, Value};

use super::values::{kind, seconds, whole};

/// What a fault can be, and the keys that it may have besides `type`, when, and `lastingSeconds`.
pub(crate) const TYPES: [(&str, &[&str], &str); 6] = [
    (
        "Slow",
        &["percent", "edge", "shard"],
        "All work takes so many percent of its time: of one edge, of one shard, or everywhere.",
    ),
    (
        "Hog",
        &["processes", "edge", "shard"],
        "So many other processes want the cores. A worker then gets its part, a login thread (nice 10) a tenth of that.",
    ),
    ("Stall", &["edge", "shard"], "Nothing runs."),
    (
        "EdgeKilled",
        &["edge"],
        "Its clients' connections break; it comes back empty.",
    ),
    (
        "ShardKilled",
        &["shard"],
        "Its clients' sessions end; it comes back empty, and another reopening begins.",
    ),
    (
        "Backend",
        &["latencySeconds", "failingPercent"],
        "The authentication backend changes.",
    ),
];
const ALWAYS: [&str; 5] = [
    "type",
    "atSeconds",
    "atLevelPercent",
    "afterSeconds",
    "lastingSeconds",
];

pub(super) fn read(scenario: &mut Scenario, value: &Value, problems: &mut Vec<String>) {
    let Value::Array(items) = value else {
        problems.push(format!("faults: {} instead of a list", kind(value)));
        return;
    };
    for (index, item) in items.iter().enumerate() {
        let path = format!("faults[{index}]");
        match item {
            Value::Object(map) => {
                let fields = Fields {
                    map,
                    path,
                    problems: RefCell::new(problems),
                };
                scenario.faults.extend(fields.fault());
            }
            other => problems.push(format!("{path}: {} instead of a mapping", kind(other))),
        }
    }
}

struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
    problems: RefCell<&'a mut Vec<String>>,
}

impl Fields<'_> {
    fn fault(&self) -> Option<Fault> {
        let name = self
            .map
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let Some((_, keys, _)) = TYPES.iter().find(|(known, ..)| *known == name) else {
            let known: Vec<_> = TYPES.iter().map(|(known, ..)| *known).collect();
            self.problem("type", &format!("{name:?} is none of {}", known.join(", ")));
            return None;
        };
        let allowed: BTreeSet<_> = ALWAYS.iter().chain(*keys).copied().collect();
        for key in self
            .map
            .keys()
            .filter(|key| !allowed.contains(key.as_str()))
        {
            self.problem(key, &format!("{name} has no such key"));
        }
        Some(Fault {
            when: self.when()?,
            lasting: self.time("lastingSeconds")?,
            mishap: self.mishap(name)?,
        })
    }

    fn when(&self) -> Option<When> {
        let has = |key| self.map.contains_key(key);
        match (has("atSeconds"), has("atLevelPercent"), has("afterSeconds")) {
            (true, false, false) => self.time("atSeconds").map(When::At),
            (false, true, false) => self.number("atLevelPercent").map(When::Level),
            (false, false, true) => self.time("afterSeconds").map(When::After),
            _ => {
                let needed = "one of this, atLevelPercent and afterSeconds is needed";
                self.problem("atSeconds", needed);
                None
            }
        }
    }

    fn mishap(&self, name: &str) -> Option<Mishap> {
        Some(match name {
            "Slow" => Mishap::Slow {
                whose: self.whose()?,
                percent: self.number("percent")?,
            },
            "Hog" => Mishap::Hog {
                whose: self.whose()?,
                processes: self.number("processes")?,
            },
            "Stall" => Mishap::Stall {
                whose: self.whose()?,
            },
            "EdgeKilled" => Mishap::EdgeKilled {
                edge: self.number("edge")?,
            },
            "ShardKilled" => Mishap::ShardKilled {
                shard: self.number("shard")?,
            },
            _ => Mishap::Backend {
                latency: self.time("latencySeconds")?,
                failing_percent: self.number("failingPercent")?,
            },
        })
    }

    fn whose(&self) -> Option<Whose> {
        match (
            self.map.contains_key("edge"),
            self.map.contains_key("shard"),
        ) {
            (false, false) => Some(Whose::All),
            (true, false) => self.number("edge").map(Whose::Edge),
            (false, true) => self.number("shard").map(Whose::Shard),
            (true, true) => {
                self.problem("edge", "either this or shard");
                None
            }
        }
    }

    fn number<T: TryFrom<u64>>(&self, key: &str) -> Option<T> {
        self.read(key, whole)
    }

    fn time(&self, key: &str) -> Option<Duration> {
        self.read(key, seconds)
    }

    fn read<T>(&self, key: &str, parse: impl Fn(&Value) -> Result<T, String>) -> Option<T> {
        let parsed = self
            .map
            .get(key)
            .ok_or_else(|| "is missing".to_owned())
            .and_then(parse);
        parsed.map_err(|problem| self.problem(key, &problem)).ok()
    }

    fn problem(&self, key: &str, problem: &str) {
        self.problems
            .borrow_mut()
            .push(format!("{}.{key}: {problem}", self.path));
    }
}
