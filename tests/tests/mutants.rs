//! `make mutants`: breaks the broker in one line at a time, in a copy of the tree, and wants the tests that the mutation
//! names to fail. Not part of `make test`: every mutation is a build.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use herdgate_tests::charts::root;
use herdgate_tests::mutants::{Mutant, mutants};
use herdgate_tests::skip::cache_folder;

/// Names of mutants, with commas between; all without it.
const ONLY: &str = "HERDGATE_MUTANTS";

#[test]
fn every_mutant_is_caught() {
    let only = std::env::var(ONLY).unwrap_or_default();
    let wanted: Vec<_> = mutants()
        .into_iter()
        .filter(|it| only.is_empty() || only.split(',').any(|name| name == it.name))
        .collect();
    assert!(!wanted.is_empty(), "{ONLY}={only} names none");
    let copy = Copy::fresh();
    let suite = copy.build_suite();
    let named: BTreeSet<_> = wanted.iter().flat_map(|it| &it.tests).collect();
    assert!(copy.build_broker(), "the tree does not build");
    let red = copy.run(&suite, named.iter().copied());
    assert!(red.is_empty(), "red without any mutation: {red:?}");

    let mut escaped = Vec::new();
    for (at, mutant) in wanted.iter().enumerate() {
        let began = Instant::now();
        let verdict = copy.try_mutant(&suite, mutant);
        let word = if verdict.is_ok() { "caught" } else { "ESCAPED" };
        tell(&format!(
            "{:3}/{} {word:7} {:4} s  {}{}",
            at + 1,
            wanted.len(),
            began.elapsed().as_secs(),
            mutant.name,
            verdict
                .as_ref()
                .err()
                .map(|why| format!(": {why}"))
                .unwrap_or_default(),
        ));
        if verdict.is_err() {
            escaped.push(&mutant.name);
        }
    }
    tell(&format!(
        "{} of {} caught",
        wanted.len() - escaped.len(),
        wanted.len()
    ));
    assert!(escaped.is_empty(), "escaped: {escaped:?}");
}

/// Past the test runner's capture.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A copy of the tree with a target folder of its own, both in the cache: built in steps, run after run.
struct Copy {
    tree: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn fresh() -> Self {
        let folder = cache_folder().join("mutants");
        let copy = Self {
            tree: folder.join("tree"),
            target: folder.join("target"),
        };
        fs::create_dir_all(&copy.tree).unwrap();
        let wanted = files(&root());
        for file in &wanted {
            let text = fs::read(root().join(file)).unwrap();
            write_if_changed(&copy.tree.join(file), &text);
        }
        // what is not in the tree any more
        for file in all_files(&copy.tree) {
            let name = file.strip_prefix(&copy.tree).unwrap();
            if !wanted.contains(name) {
                fs::remove_file(&file).unwrap();
            }
        }
        copy
    }

    fn cargo(&self, arguments: &[&str]) -> Output {
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(arguments)
            .args(["--workspace", "--locked"])
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .output()
            .unwrap()
    }

    /// The tests' own program; no mutation touches it.
    fn build_suite(&self) -> PathBuf {
        let built = self.cargo(&["test", "--test", "process_conformance", "--no-run"]);
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        let path = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("Executable "))
            .and_then(|rest| rest.split_once('('))
            .map(|(_, path)| path.trim_end_matches(')'));
        let path = path.unwrap_or_else(|| panic!("the suite does not build: {said}"));
        self.tree.join(path)
    }

    fn build_broker(&self) -> bool {
        self.cargo(&["build", "--bin", "herdgate"]).status.success()
    }

    /// The tests among `tests` that fail.
    fn run<'a>(&self, suite: &Path, tests: impl Iterator<Item = &'a String>) -> Vec<String> {
        let names: Vec<_> = tests.map(|test| format!("conformance::{test}")).collect();
        let ran = Command::new(suite)
            .arg("--exact")
            .args(&names)
            .env("HERDGATE_BIN_DIR", self.target.join("debug"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let all = said
            .lines()
            .filter(|line| line.starts_with("test conformance::"));
        assert_eq!(all.count(), names.len(), "not all tests ran: {said}");
        let red = |name: &&String| said.contains(&format!("test {name} ... FAILED"));
        names.iter().filter(red).cloned().collect()
    }

    /// `Err`: why it was not caught.
    fn try_mutant(&self, suite: &Path, mutant: &Mutant) -> Result<(), String> {
        let path = self.tree.join(&mutant.file);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, mutant.apply(&whole)?).unwrap();
        let built = self.build_broker();
        let red = built.then(|| self.run(suite, mutant.tests.iter()));
        fs::write(&path, whole).unwrap();
        let red = red.ok_or("it does not compile")?;
        let green: Vec<_> = mutant
            .tests
            .iter()
            .filter(|test| !red.contains(&format!("conformance::{test}")))
            .collect();
        if green.is_empty() {
            Ok(())
        } else {
            Err(format!("still green: {green:?}"))
        }
    }
}

/// What git would have of the tree, ignored files not among it.
fn files(tree: &Path) -> BTreeSet<PathBuf> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(tree)
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let names = String::from_utf8(listed.stdout).unwrap();
    let names = names.split_terminator('\0').map(PathBuf::from);
    names.filter(|name| tree.join(name).is_file()).collect()
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(all_files(&path));
        } else {
            all.push(path);
        }
    }
    all
}

/// Cargo goes by the time of a change.
fn write_if_changed(path: &Path, bytes: &[u8]) {
    if fs::read(path).is_ok_and(|found| found == bytes) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
