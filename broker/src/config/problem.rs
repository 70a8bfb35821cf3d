//! What is wrong with a configuration: everything at once, each with its path.

use std::cell::RefCell;
use std::fmt;

/// One thing that is wrong, where, and what is allowed there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Such as `listeners[0].tls.certificateFile`.
    pub path: String,
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

/// Collects while the tree is read.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub(super) fn note(&self, path: impl Into<String>, text: impl Into<String>) {
        self.0.borrow_mut().push(Problem {
            path: path.into(),
            text: text.into(),
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// In the order of their paths, none twice.
    pub(super) fn into_sorted(self) -> Vec<Problem> {
        let mut problems = self.0.into_inner();
        problems.sort();
        problems.dedup();
        problems
    }
}
