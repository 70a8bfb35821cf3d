//! The secret that a link's two ends share, as its file holds it now.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;

use crate::config::{FileWatch, LinkToken, POLL_INTERVAL, Poller, TokenError};
use crate::process::{Causes, Life};

#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("failed to start looking at the link token")]
    Look(#[from] std::io::Error),
}

/// A token that may be rotated. Greetings read no file: a peer that greets again and again would keep the thread busy.
#[derive(Clone, Debug)]
pub struct TokenFile {
    current: Arc<ArcSwap<LinkToken>>,
    poller: Arc<Poller>,
}

impl TokenFile {
    /// Fails when there is no token yet.
    pub fn start(path: &Path) -> Result<Self, TokenFileError> {
        let mut watch = FileWatch::new([path.to_owned()]);
        let current = Arc::new(ArcSwap::from_pointee(LinkToken::read(path)?));
        let (kept, path) = (Arc::clone(&current), path.to_owned());
        let look = move || {
            if watch.changed() {
                match LinkToken::read(&path) {
                    Ok(token) => kept.store(Arc::new(token)),
                    Err(error) => {
                        tracing::warn!(error = %Causes(&error), "keeping the link token");
                    }
                }
            }
        };
        let poller = Arc::new(Poller::start("link-token", POLL_INTERVAL, look)?);
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
        assert!(TokenFile::start(&path).is_err());
        std::fs::write(&path, "the first secret\n").unwrap();
        let file = TokenFile::start(&path).unwrap();
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
