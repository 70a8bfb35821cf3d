//! A shared secret as its file holds it now: of a link's two ends, or of the admin port.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;

use crate::config::{FileWatch, POLL_INTERVAL, Poller, Token, TokenError, TokenUse};
use crate::process::{Causes, Life};

#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("failed to start looking at the {}", of.name())]
    Look {
        of: TokenUse,
        source: std::io::Error,
    },
}

/// A token that may be rotated. Greetings read no file: a peer that greets again and again would keep the thread busy.
#[derive(Clone, Debug)]
pub struct TokenFile {
    current: Arc<ArcSwap<Token>>,
    poller: Arc<Poller>,
}

impl TokenFile {
    /// Fails when there is no token yet.
    pub fn start(of: TokenUse, path: &Path) -> Result<Self, TokenFileError> {
        let mut watch = FileWatch::new([path.to_owned()]);
        let current = Arc::new(ArcSwap::from_pointee(Token::read(of, path)?));
        let (kept, path) = (Arc::clone(&current), path.to_owned());
        let look = move || {
            if watch.changed() {
                match Token::read(of, &path) {
                    Ok(token) => kept.store(Arc::new(token)),
                    Err(error) => {
                        tracing::warn!(token = of.name(), error = %Causes(&error), "keeping the token");
                    }
                }
            }
        };
        let thread = of.name().replace(' ', "-");
        let poller = Poller::start(&thread, POLL_INTERVAL, look);
        let poller = Arc::new(poller.map_err(|source| TokenFileError::Look { of, source })?);
        Ok(Self { current, poller })
    }

    /// What is sent.
    pub fn bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.current.load().bytes())
    }

    pub fn matches(&self, offered: &[u8]) -> bool {
        self.current.load().matches(offered)
    }

    /// Looks at the file now.
    pub fn poke(&self) {
        self.poller.poke();
    }

    /// Of the thread that looks.
    pub fn life(&self) -> Life {
        self.poller.life()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_rotated_token_counts_and_a_broken_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(TokenFile::start(TokenUse::Link, &path).is_err());
        std::fs::write(&path, "the first secret\n").unwrap();
        let file = TokenFile::start(TokenUse::Link, &path).unwrap();
        assert!(file.matches(b"the first secret"));
        for wrong in [&b""[..], b"the first secreT", b"the first secret\n"] {
            assert!(!file.matches(wrong));
        }
        std::fs::write(&path, "short").unwrap();
        file.poke();
        std::fs::write(&path, "the second secret").unwrap();
        file.poke();
        let deadline = Instant::now() + Duration::from_secs(20);
        while !file.matches(b"the second secret") {
            assert!(!file.matches(b"short"));
            assert!(Instant::now() < deadline, "the new token never counts");
            file.poke();
            std::thread::yield_now();
        }
        assert_eq!(file.bytes(), &b"the second secret"[..]);
    }
}
