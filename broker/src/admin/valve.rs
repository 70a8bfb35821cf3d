//! What the admin port asks of a process about its reopening, and what it hands on.

use std::net::IpAddr;

use futures::future::BoxFuture;
use herdgate_admission::progress::{CensusPage, Explanation, Progress, Steer, Steered};
use herdgate_admission::steering;

/// A process's part in admission, as the admin port sees it. Nothing here may block.
pub trait Valve: Send + Sync {
    /// `per_slice`: with a number for each slice.
    fn progress(&self, per_slice: bool) -> Progress;

    /// The `top` buckets and addresses with most clients.
    fn census(&self, top: usize) -> CensusPage;

    fn explain(&self, subject: Subject) -> BoxFuture<'static, Explanation>;

    fn steer(&self, steer: Steer) -> BoxFuture<'static, Result<Steered, NotSteered>>;
}

/// Whom a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    Client(String),
    Address(IpAddr),
}

/// Why a reopening is not steered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSteered {
    /// A field of the request does not fit.
    #[error("{field}: {problem}")]
    Field {
        field: &'static str,
        problem: String,
    },
    /// It makes no sense as things are.
    #[error("failed to {action}: {because}")]
    NotNow {
        action: &'static str,
        because: String,
    },
}

impl NotSteered {
    /// The process ends while it is asked.
    pub fn ending(steer: Steer) -> Self {
        Self::NotNow {
            action: steer.action.word(),
            because: "this process is ending".to_owned(),
        }
    }
}

impl From<steering::NotSteered> for NotSteered {
    fn from(not: steering::NotSteered) -> Self {
        match not {
            steering::NotSteered::Field { field, problem } => Self::Field { field, problem },
            steering::NotSteered::NotNow { action, because } => Self::NotNow {
                action,
                because: because.to_owned(),
            },
        }
    }
}
