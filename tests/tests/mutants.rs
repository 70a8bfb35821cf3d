//! `make mutants`: breaks the broker, and the admission law, in one line at a time, in a copy of the tree, and wants the
//! tests that the mutation names to fail. Not part of `make test`: every mutation is a build.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use herdgate_tests::charts::root;
use herdgate_tests::mutants::{Mutant, admission_mutants, mutants};
use herdgate_tests::skip::cache_folder;

/// Names of mutants, with commas between; all without it.
const ONLY: &str = "HERDGATE_MUTANTS";

#[test]
fn every_mutant_is_caught() {
    let wanted = wanted(mutants());
    if wanted.is_empty() {
        return;
    }
    let copy = Copy::fresh("mutants");
    let suite = copy.build_suite();
    let named: BTreeSet<_> = wanted.iter().flat_map(|it| &it.tests).collect();
    assert!(copy.build_broker(), "the tree does not build");
    let red = copy.run(&suite, named.iter().copied());
    assert!(red.is_empty(), "red without any mutation: {red:?}");
    all_caught(&wanted, |mutant| copy.try_mutant(&suite, mutant));
}

#[test]
fn every_mutant_of_the_law_is_caught() {
    let wanted = wanted(admission_mutants());
    if wanted.is_empty() {
        return;
    }
    let copy = Copy::fresh("mutants-of-the-law");
    let red = copy.red_invariants(wanted.iter().flat_map(|it| &it.tests));
    assert_eq!(red, Ok(BTreeSet::new()), "without any mutation");
    all_caught(&wanted, |mutant| copy.try_mutant_of_the_law(mutant));
}

/// Those that the environment names.
fn wanted(mut all: Vec<Mutant>) -> Vec<Mutant> {
    let only = std::env::var(ONLY).unwrap_or_default();
    let known = mutants().into_iter().chain(admission_mutants());
    let known: BTreeSet<_> = known.map(|it| it.name).collect();
    let named: Vec<_> = only.split(',').filter(|name| !name.is_empty()).collect();
    let unknown: Vec<_> = named
        .iter()
        .filter(|name| !known.contains(**name))
        .collect();
    assert!(
        unknown.is_empty(),
        "{ONLY} names what is not there: {unknown:?}"
    );
    all.retain(|it| named.is_empty() || named.contains(&it.name.as_str()));
    all
}

fn all_caught(wanted: &[Mutant], try_one: impl Fn(&Mutant) -> Result<(), String>) {
    let mut escaped = Vec::new();
    for (at, mutant) in wanted.iter().enumerate() {
        let began = Instant::now();
        let verdict = try_one(mutant);
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
    fn fresh(name: &str) -> Self {
        let folder = cache_folder().join(name);
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
        self.command(arguments).arg("--locked").output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(arguments)
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            // the first case that fails is enough
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .env("RUST_BACKTRACE", "0");
        command
    }

    /// The tests' own program; no mutation touches it.
    fn build_suite(&self) -> PathBuf {
        let built = self.cargo(&[
            "test",
            "--workspace",
            "--test",
            "process_conformance",
            "--no-run",
        ]);
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
        self.cargo(&["build", "--workspace", "--bin", "herdgate"])
            .status
            .success()
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

    /// The invariants among `tests` that fail; `Err`: it does not compile. The crate alone is built: nothing else is
    /// needed, and nothing else need be built anew.
    fn red_invariants<'a>(
        &self,
        tests: impl Iterator<Item = &'a String>,
    ) -> Result<BTreeSet<String>, String> {
        let names: BTreeSet<_> = tests
            .map(|test| format!("simulator::tests::invariants::{test}"))
            .collect();
        let crate_alone = ["test", "--package", "herdgate-admission", "--lib"];
        if !self
            .cargo(&[&crate_alone[..], &["--no-run"]].concat())
            .status
            .success()
        {
            return Err("it does not compile".to_owned());
        }
        let mut arguments = crate_alone.to_vec();
        arguments.extend(["--locked", "--", "--exact"]);
        arguments.extend(names.iter().map(String::as_str));
        let ran = self.command(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let all = said
            .lines()
            .filter(|line| line.starts_with("test simulator::"));
        assert_eq!(all.count(), names.len(), "not all tests ran: {said}");
        let red = |name: &String| said.contains(&format!("test {name} ... FAILED"));
        Ok(names.into_iter().filter(red).collect())
    }

    fn try_mutant_of_the_law(&self, mutant: &Mutant) -> Result<(), String> {
        let path = self.tree.join(&mutant.file);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, mutant.apply(&whole)?).unwrap();
        let red = self.red_invariants(mutant.tests.iter());
        fs::write(&path, whole).unwrap();
        match red?.len() {
            found if found == mutant.tests.len() => Ok(()),
            found => Err(format!("{found} of {} are red", mutant.tests.len())),
        }
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
