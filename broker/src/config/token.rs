//! Shared secrets: of links, of those who may steer, and of the backend that judges logins.

use std::fmt;
use std::path::{Path, PathBuf};

use super::files::read_file;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// Edges show it in HELLO.
    Link,
    /// People and the operator show it at the admin port.
    Admin,
    /// Edges show it to the backend that judges logins.
    Backend,
}

impl TokenUse {
    /// In words, such as `link token`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Link => "link token",
            Self::Admin => "admin token",
            Self::Backend => "backend token",
        }
    }
}

/// What those show who know it. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Vec<u8>);

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("failed to read the {} {path}", of.name())]
    Read {
        of: TokenUse,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "failed to take the {} {path}: it has {bytes} bytes without white space at its ends; allowed: {MIN_BYTES} to {MAX_BYTES}",
        of.name()
    )]
    Length {
        of: TokenUse,
        path: PathBuf,
        bytes: usize,
    },
}

/// Shorter ones can be guessed.
const MIN_BYTES: usize = 16;

/// Fits a HELLO frame with ease.
const MAX_BYTES: usize = 1024;

/// White space (a line's end) that may surround it.
const MAX_FILE_BYTES: usize = 2 * MAX_BYTES;

impl Token {
    /// White space at both ends is not part of it.
    pub fn read(of: TokenUse, path: &Path) -> Result<Self, TokenError> {
        let unread = |source| TokenError::Read {
            of,
            path: path.to_owned(),
            source,
        };
        let bytes = read_file(path, MAX_FILE_BYTES).map_err(unread)?;
        let token = bytes.trim_ascii();
        if (MIN_BYTES..=MAX_BYTES).contains(&token.len()) {
            Ok(Self(token.to_vec()))
        } else {
            Err(TokenError::Length {
                of,
                path: path.to_owned(),
                bytes: token.len(),
            })
        }
    }

    /// What is sent.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// In the same time, however much of it is right.
    pub fn matches(&self, shown: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.0, shown).is_ok()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_file_without_white_space() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("token");
        std::fs::write(&path, " 0123456789abcdef\n").expect("write");
        let token = Token::read(TokenUse::Link, &path).expect("token");
        assert!(token.matches(b"0123456789abcdef"));
        assert!(!token.matches(b"0123456789abcdeF"));
        assert!(!token.matches(b"0123456789abcdef0"));
        assert!(!token.matches(b""));
        assert_eq!(format!("{token:?}"), "Token(..)");
    }

    #[test]
    fn short_long_and_missing_ones_are_refused() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("token");
        assert!(matches!(
            Token::read(TokenUse::Link, &path),
            Err(TokenError::Read { .. })
        ));
        for length in [0, 15, 1025] {
            std::fs::write(&path, "x".repeat(length)).expect("write");
            assert!(
                matches!(
                    Token::read(TokenUse::Link, &path),
                    Err(TokenError::Length { .. })
                ),
                "{length}"
            );
        }
    }
}
