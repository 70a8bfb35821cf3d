//! What a password file keeps of one user's password.

use std::fmt;
use std::num::NonZeroU32;

use super::password::{FormatError, PasswordHash, RandomError};
use super::scram::{self, ScramVerifier, VerifierError};

/// Either form checks a password that a client sends; the SCRAM form also lets it log in without sending one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    Hash(PasswordHash),
    Scram(ScramVerifier),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    #[error(transparent)]
    Hash(#[from] FormatError),
    #[error("the SCRAM verifier is bad: {0}")]
    Scram(#[from] VerifierError),
}

/// What a login by password costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Cost {
    Hash(NonZeroU32),
    Scram(NonZeroU32),
}

impl Stored {
    pub fn parse(text: &str) -> Result<Self, StoredError> {
        if text.starts_with(scram::NAME) {
            Ok(Self::Scram(ScramVerifier::parse(text)?))
        } else {
            Ok(Self::Hash(PasswordHash::parse(text)?))
        }
    }

    /// Costs the full hash; compares in constant time.
    pub fn verify(&self, password: &[u8]) -> bool {
        match self {
            Self::Hash(hash) => hash.verify(password),
            Self::Scram(verifier) => verifier.verify(password),
        }
    }

    pub(super) fn cost(&self) -> Cost {
        match self {
            Self::Hash(hash) => Cost::Hash(hash.iterations()),
            Self::Scram(verifier) => Cost::Scram(verifier.iterations()),
        }
    }

    /// Matches no password anybody knows, at this cost.
    pub(super) fn decoy(cost: Cost) -> Result<Self, RandomError> {
        Ok(match cost {
            Cost::Hash(iterations) => Self::Hash(PasswordHash::decoy(iterations)?),
            Cost::Scram(iterations) => {
                let mut secret = [0; 32];
                aws_lc_rs::rand::fill(&mut secret).map_err(|_| RandomError)?;
                let shape = scram::Shape {
                    iterations,
                    ..scram::USUAL_SHAPE
                };
                Self::Scram(ScramVerifier::decoy(&secret, "", shape))
            }
        })
    }

    pub(super) fn scram(&self) -> Option<&ScramVerifier> {
        match self {
            Self::Hash(_) => None,
            Self::Scram(verifier) => Some(verifier),
        }
    }

    /// What nobody knows who has not read the file.
    pub(super) fn secret(&self) -> &[u8] {
        match self {
            Self::Hash(hash) => hash.secret(),
            Self::Scram(verifier) => verifier.secret(),
        }
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash(hash) => hash.fmt(f),
            Self::Scram(verifier) => verifier.fmt(f),
        }
    }
}
