//! How a command ends when it does not succeed.

use std::fmt;
use std::process::ExitCode;

use crate::config::{LoadError, Problem};

/// Exit code for bad flags and bad configuration (`EX_USAGE` of sysexits).
pub(super) const USAGE: u8 = 64;

/// Exit code for everything else.
const OTHER: u8 = 1;

#[derive(Debug)]
pub(super) enum Failure {
    /// Bad flags.
    Usage(String),
    /// Bad configuration.
    Problems(Vec<Problem>),
    Run(anyhow::Error),
}

impl Failure {
    pub(super) fn run(error: impl Into<anyhow::Error>) -> Self {
        Self::Run(error.into())
    }

    pub(super) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) | Self::Problems(_) => USAGE,
            Self::Run(_) => OTHER,
        })
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Problems(problems) => Self::Problems(problems),
            LoadError::Read { path, source } => Self::Problems(vec![Problem {
                path: path.display().to_string(),
                text: format!("failed to read: {source}"),
            }]),
        }
    }
}

/// One line each, the line's end included.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => writeln!(f, "error: {text}"),
            Self::Problems(problems) => problems
                .iter()
                .try_for_each(|problem| writeln!(f, "error: {problem}")),
            Self::Run(error) => writeln!(f, "error: {error:#}"),
        }
    }
}
