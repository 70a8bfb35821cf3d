//! Logins that a backend judges, asked by HTTP.

mod backend;
mod client;
mod messages;
mod pulse;
mod roots;

#[cfg(test)]
mod tests;

pub(super) use backend::Backend;
use client::{BackendError, Client};
pub(super) use messages::Question;
use messages::Verdict;
pub use roots::{RootsError, check as check_roots};
