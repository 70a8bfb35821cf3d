//! Logins that a backend judges, asked by HTTP.

mod backend;
mod client;
mod files;
mod messages;
mod pulse;
mod roots;
mod token;

#[cfg(test)]
mod tests;

pub(super) use backend::Backend;
use client::{BackendError, Client};
pub use files::BackendFilesError;
pub(super) use messages::Question;
use messages::Verdict;
pub use roots::{RootsError, check as check_roots};
pub use token::{BackendTokenError, check as check_token};
