//! What the backend knows us by.

use std::path::{Path, PathBuf};

use http::HeaderValue;

use crate::config::{HttpBackend, Token, TokenError, TokenUse};

#[derive(Debug, thiserror::Error)]
pub enum BackendTokenError {
    #[error(transparent)]
    File(#[from] TokenError),
    #[error(
        "failed to take the backend token {0}: it has characters that a header may not have; allowed: visible ones of ASCII"
    )]
    Characters(PathBuf),
}

/// Whether the file of the settings, if any, has a token that can be shown.
pub fn check(settings: &HttpBackend) -> Result<(), BackendTokenError> {
    header(settings).map(|_| ())
}

/// `Authorization` with the token as a bearer's (RFC 6750, section 2.1); `None`: there is no token.
pub(super) fn header(settings: &HttpBackend) -> Result<Option<HeaderValue>, BackendTokenError> {
    settings.token_file.as_deref().map(of_file).transpose()
}

fn of_file(file: &Path) -> Result<HeaderValue, BackendTokenError> {
    let token = Token::read(TokenUse::Backend, file)?;
    let unfit = || BackendTokenError::Characters(file.to_owned());
    if !token.bytes().iter().all(u8::is_ascii_graphic) {
        return Err(unfit());
    }
    let shown = [b"Bearer ", token.bytes()].concat();
    let mut header = HeaderValue::from_bytes(&shown).map_err(|_| unfit())?;
    // never printed, as the token
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_as_a_bearers_and_never_printed() {
        let dir = tempfile::tempdir().expect("dir");
        let file = dir.path().join("token");
        std::fs::write(&file, "0123456789.abcdef\n").expect("write");
        let header = of_file(&file).expect("a header");
        assert_eq!(header, "Bearer 0123456789.abcdef");
        assert_eq!(format!("{header:?}"), "Sensitive");
    }

    #[test]
    fn what_no_header_may_have_is_refused() {
        let dir = tempfile::tempdir().expect("dir");
        let file = dir.path().join("token");
        for inside in ["\r\nX-Admin: yes", " ", "é", "\0"] {
            std::fs::write(&file, format!("01234567{inside}89abcdef")).expect("write");
            let refused = of_file(&file);
            assert!(
                matches!(refused, Err(BackendTokenError::Characters(_))),
                "{inside:?}: {refused:?}"
            );
        }
        std::fs::write(&file, "short").expect("write");
        assert!(matches!(of_file(&file), Err(BackendTokenError::File(_))));
    }
}
