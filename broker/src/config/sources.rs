//! Where configuration comes from.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::types::{Config, Role};

/// Everything a configuration is made of, besides the defaults.
#[derive(Clone, Debug)]
pub struct Sources {
    pub file: Option<PathBuf>,
    /// Name and value, as from the environment of the process; others than ours are ignored.
    pub env: Vec<(String, String)>,
    /// `path=value`, the last wins.
    pub set: Vec<String>,
    pub host: Host,
}

/// The machine, as far as defaults depend on it.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: String,
    pub cores: NonZeroUsize,
}

/// One thing that is wrong, where, and what is allowed there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Such as `listeners[0].tls.certificateFile`.
    pub path: String,
    pub text: String,
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("failed to load the configuration")]
    Problems(Vec<Problem>),
}

/// Reads, merges and checks; either the whole configuration or all its problems.
pub fn load(_sources: &Sources, _role: Role) -> Result<Config, LoadError> {
    Err(LoadError::Problems(Vec::new()))
}
