//! What the admin port asks of a process about its reopening, and what it hands on.

use std::net::IpAddr;

use futures::future::BoxFuture;
use herdgate_admission::progress::{CensusPage, Explanation, Progress, Steer, Steered};
use herdgate_admission::steering::NotSteered;

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
