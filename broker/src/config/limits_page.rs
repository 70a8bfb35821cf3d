//! Whether `docs/limits.md` tells what there is.

use std::path::{Path, PathBuf};

use super::keys::{self, Key};
use crate::metrics::{EdgeLimit, Label, ShardLimit};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn page() -> String {
    std::fs::read_to_string(Path::new(ROOT).join("docs/limits.md")).expect("docs/limits.md")
}

/// The cells of each limit: its name, key, default, the two answers, metric, tests.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let cells = |line| -> Vec<&str> { str::split(line, " | ").collect() };
    page.lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .map(|line| cells(line.trim_start_matches("| ").trim_end_matches(" |")))
        .inspect(|cells| assert_eq!(cells.len(), 7, "{cells:?}"))
        .collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Where a listener has no default, that of all clients holds.
fn default_of(key: &Key) -> Option<&'static str> {
    let of_all = key.path.strip_prefix("listeners[].limits.");
    let of_all = of_all.and_then(|name| keys::find(&format!("limits.{name}")));
    key.default.or_else(|| of_all.and_then(|key| key.default))
}

#[test]
fn every_limit_has_its_key_and_default() {
    let page = page();
    let mut told = Vec::new();
    for cells in rows(&page) {
        let path = quoted(cells[1]).next().expect("a key");
        let key = keys::find(path).unwrap_or_else(|| panic!("{path} is no key"));
        if key.path.starts_with("listeners[]") {
            assert_eq!(quoted(cells[2]).next(), default_of(key), "{path}");
        }
        told.push(path);
    }
    let limits =
        keys::children("listeners[].limits").map(|name| format!("listeners[].limits.{name}"));
    for path in limits {
        assert!(told.contains(&path.as_str()), "{path} is not told");
    }
}

#[test]
fn every_limit_that_is_counted_is_told() {
    let page = page();
    let metrics: Vec<&str> = rows(&page).iter().map(|cells| cells[5]).collect();
    let edge = EdgeLimit::ALL.iter().map(|limit| ("edge", limit.name()));
    let shard = ShardLimit::ALL.iter().map(|limit| ("shard", limit.name()));
    for (tier, name) in edge.chain(shard) {
        let metric = format!("{tier} `{name}`");
        assert!(metrics.contains(&metric.as_str()), "{metric} is not told");
    }
}

#[test]
fn every_test_that_is_named_exists() {
    let mut sources = String::new();
    for folder in ["broker/src", "tests/tests"] {
        read_all(&Path::new(ROOT).join(folder), &mut sources);
    }
    let page = page();
    for cells in rows(&page) {
        for test in quoted(cells[6]) {
            assert!(
                sources.contains(&format!("fn {test}(")),
                "{test} is no test"
            );
        }
        assert!(quoted(cells[6]).next().is_some(), "{cells:?} has no test");
    }
}

fn read_all(folder: &Path, into: &mut String) {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    for path in paths {
        if path.is_dir() {
            read_all(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            into.push_str(&std::fs::read_to_string(&path).expect("a source"));
        }
    }
}
