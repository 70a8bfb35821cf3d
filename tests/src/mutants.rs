//! The mutations in `tests/mutants.yaml` (of the broker) and `tests/admission-mutants.yaml` (of the admission law): each
//! breaks one line, and the tests that it names must see it.

use std::fs;

use serde::Deserialize;

use crate::charts::root;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    pub name: String,
    /// From the repository's root.
    pub file: String,
    /// A part of one line, there exactly once.
    pub find: String,
    pub replace: String,
    /// Each of them must fail: of the broker in `process_conformance`, without `conformance::`; of the law in
    /// `simulator::tests::invariants`, without that.
    pub tests: Vec<String>,
}

impl Mutant {
    /// The file's text with the one line broken.
    pub fn apply(&self, text: &str) -> Result<String, String> {
        let Self { name, file, .. } = self;
        let changes = self.find != self.replace && !self.replace.contains('\n');
        if self.find.is_empty() || self.find.contains('\n') || !changes {
            return Err(format!("{name} does not change one line into another"));
        }
        match text.matches(&self.find).count() {
            1 => Ok(text.replacen(&self.find, &self.replace, 1)),
            found => Err(format!(
                "{name} does not apply any more: {found} places in {file} have '{}'",
                self.find
            )),
        }
    }
}

/// Of the broker.
pub fn mutants() -> Vec<Mutant> {
    read("tests/mutants.yaml")
}

/// Of the admission law.
pub fn admission_mutants() -> Vec<Mutant> {
    read("tests/admission-mutants.yaml")
}

fn read(file: &str) -> Vec<Mutant> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::conformance::marks;

    /// As many as were promised.
    const AT_LEAST: usize = 40;

    #[test]
    fn every_mutant_applies_to_one_place_and_names_marked_tests() {
        let mutants = mutants();
        let marked: BTreeSet<_> = marks().into_iter().map(|mark| mark.test).collect();
        let mut names = BTreeSet::new();
        let mut problems = Vec::new();
        for mutant in &mutants {
            let text = fs::read_to_string(root().join(&mutant.file)).unwrap_or_default();
            problems.extend(mutant.apply(&text).err());
            if !names.insert(&mutant.name) {
                problems.push(format!("{} is there twice", mutant.name));
            }
            if mutant.tests.is_empty() {
                problems.push(format!("{} names no test", mutant.name));
            }
            for test in &mutant.tests {
                if !marked.contains(&format!("conformance::{test}")) {
                    problems.push(format!("{}: {test} is no marked test", mutant.name));
                }
            }
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        assert!(mutants.len() >= AT_LEAST, "{} are too few", mutants.len());
    }

    #[test]
    fn every_mutant_of_the_law_applies_to_one_place_and_names_invariants() {
        let invariants = "admission/src/simulator/tests/invariants.rs";
        let invariants = fs::read_to_string(root().join(invariants)).unwrap();
        for mutant in admission_mutants() {
            let text = fs::read_to_string(root().join(&mutant.file)).unwrap();
            mutant.apply(&text).unwrap();
            assert!(!mutant.tests.is_empty(), "{}", mutant.name);
            for test in &mutant.tests {
                assert!(invariants.contains(&format!("fn {test}(")), "{test}");
            }
        }
    }

    #[test]
    fn a_mutation_wants_exactly_one_place() {
        let mutant = Mutant {
            name: "m".to_owned(),
            file: "f.rs".to_owned(),
            find: "a < b".to_owned(),
            replace: "a <= b".to_owned(),
            tests: Vec::new(),
        };
        assert_eq!(mutant.apply("if a < b {}\n").unwrap(), "if a <= b {}\n");
        for text in ["", "a > b", "a < b && a < b"] {
            assert!(mutant.apply(text).is_err(), "{text}");
        }
        for replace in ["a < b", "a\n"] {
            let replace = replace.to_owned();
            let wrong = Mutant {
                replace,
                ..mutant.clone()
            };
            assert!(wrong.apply("a < b").is_err());
        }
    }
}
