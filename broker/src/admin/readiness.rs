//! Whether this process should be sent clients. Local only: never the level, never a peer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Named checks, each passed once and for good, and a switch that ends it all.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    checks: Vec<(&'static str, AtomicBool)>,
    draining: AtomicBool,
}

/// The right to pass one check.
#[derive(Clone, Debug)]
pub struct Check {
    readiness: Readiness,
    at: usize,
}

impl Readiness {
    /// Ready when all of these have passed, such as `listeners`, `shards`.
    pub fn new(checks: &[&'static str]) -> Self {
        let checks = checks
            .iter()
            .map(|name| (*name, AtomicBool::new(false)))
            .collect();
        Self(Arc::new(Inner {
            checks,
            draining: AtomicBool::new(false),
        }))
    }

    /// `None` when no check has this name.
    pub fn check(&self, name: &str) -> Option<Check> {
        let at = self.0.checks.iter().position(|(known, _)| *known == name)?;
        Some(Check {
            readiness: self.clone(),
            at,
        })
    }

    /// Not ready from here on.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    pub fn is_ready(&self) -> bool {
        self.report().iter().all(|(_, passed)| *passed)
    }

    /// Every check and whether it holds, `not_draining` last.
    pub fn report(&self) -> Vec<(&'static str, bool)> {
        let checks = self
            .0
            .checks
            .iter()
            .map(|(name, passed)| (*name, passed.load(Ordering::Acquire)));
        checks
            .chain([("not_draining", !self.0.draining.load(Ordering::Acquire))])
            .collect()
    }
}

impl Check {
    pub fn pass(&self) {
        if let Some((_, passed)) = self.readiness.0.checks.get(self.at) {
            passed.store(true, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_once_all_have_passed_until_drained() {
        let readiness = Readiness::new(&["listeners", "shards"]);
        assert!(!readiness.is_ready());
        readiness.check("listeners").expect("known").pass();
        assert!(!readiness.is_ready());
        assert_eq!(
            readiness.report(),
            [
                ("listeners", true),
                ("shards", false),
                ("not_draining", true)
            ]
        );
        readiness.check("shards").expect("known").pass();
        assert!(readiness.is_ready());
        readiness.drain();
        assert!(!readiness.is_ready());
        assert!(readiness.check("level").is_none());
    }
}
