//! Why a pass failed, in words that stay the same for metrics and events.

use super::apply::ApplyError;
use super::status::Failure;
use super::validate::Problems;
use crate::calls::CallError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("failed to read the object: {0}")]
    Unreadable(String),
    #[error("{0}")]
    Invalid(#[from] Problems),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("failed to make a token: the system gives no random bytes")]
    Random,
}

impl Error {
    pub(crate) fn category(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Invalid(_) => "invalid",
            Self::Apply(error) => error.category(),
            Self::Call(_) => "api",
            Self::Random => "random",
        }
    }

    /// Somebody must change something before another try can help.
    fn is_permanent(&self) -> bool {
        match self {
            Self::Unreadable(_) | Self::Invalid(_) => true,
            Self::Apply(error) => error.is_permanent(),
            Self::Call(_) | Self::Random => false,
        }
    }

    /// Reason of conditions and events.
    fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "Unreadable",
            Self::Invalid(_) => "InvalidSpec",
            Self::Apply(error) => error.reason(),
            Self::Call(_) | Self::Random => "ApiUnavailable",
        }
    }

    /// As the status tells it.
    pub(crate) fn failure(&self) -> Failure {
        Failure {
            reason: self.reason(),
            message: self.to_string(),
            permanent: self.is_permanent(),
        }
    }
}
