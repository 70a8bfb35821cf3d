//! The secret that a link's two ends share.

use std::path::{Path, PathBuf};

use bytes::Bytes;

/// As a HELLO can carry it, and far more than anybody needs.
const LONGEST: usize = 1024;

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("failed to read the link token from {path}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("failed to use the link token in {path}: it must have 1 to {LONGEST} bytes, not {len}")]
    Length { path: PathBuf, len: usize },
}

/// Where the token lies. It is read for each greeting, so that a rotated one counts from then on.
#[derive(Clone, Debug)]
pub struct TokenFile(PathBuf);

impl TokenFile {
    /// Fails when there is no token yet.
    pub fn new(path: &Path) -> Result<Self, TokenError> {
        let file = Self(path.to_owned());
        file.read().map(|_| file)
    }

    /// White space around the token does not belong to it.
    pub fn read(&self) -> Result<Bytes, TokenError> {
        let path = || self.0.clone();
        let content = std::fs::read(&self.0).map_err(|source| TokenError::Read {
            path: path(),
            source,
        })?;
        let token = content.trim_ascii();
        match token.len() {
            1..=LONGEST => Ok(Bytes::copy_from_slice(token)),
            len => Err(TokenError::Length { path: path(), len }),
        }
    }

    /// Takes the same time for every wrong token of the right length.
    pub fn matches(&self, offered: &[u8]) -> Result<bool, TokenError> {
        let token = self.read()?;
        Ok(aws_lc_rs::constant_time::verify_slices_are_equal(&token, offered).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_token_matches() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(matches!(
            TokenFile::new(&path),
            Err(TokenError::Read { .. })
        ));
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(
            TokenFile::new(&path),
            Err(TokenError::Length { len: 0, .. })
        ));
        std::fs::write(&path, "secret\n").unwrap();
        let file = TokenFile::new(&path).unwrap();
        assert!(file.matches(b"secret").unwrap());
        for wrong in [&b""[..], b"secreT", b"secret\n", b"secretsecret"] {
            assert!(!file.matches(wrong).unwrap());
        }
        std::fs::write(&path, "rotated").unwrap();
        assert!(file.matches(b"rotated").unwrap());
    }
}
