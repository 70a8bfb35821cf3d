//! How a subject is to be set up, beyond what it is by itself.

use std::fmt::Write as _;
use std::path::PathBuf;

/// Admission of ours, as its configuration names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Open,
    Staged,
}

/// By default everybody may come in, all at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    pub mode: Mode,
    /// No limit binds, and nobody loses patience.
    pub is_unbound: bool,
    /// Users in mosquitto's format; without it nobody needs a password.
    pub passwords: Option<PathBuf>,
    /// Ours asks there instead.
    pub http_login: Option<String>,
    /// PEM of the authority of client certificates, which are required then.
    pub client_ca: Option<PathBuf>,
    /// Networks that the gate of ours lets through.
    pub always_allow: Vec<String>,
}

impl Wishes {
    /// Whether anybody who wants may come in without a word.
    pub fn is_anonymous(&self) -> bool {
        self.passwords.is_none() && self.http_login.is_none()
    }

    pub(super) fn admission(&self) -> String {
        let mode = match self.mode {
            Mode::Open => "Open",
            Mode::Staged => "Staged",
        };
        let limits = if self.is_unbound {
            ", patienceSeconds: 60, settleLimit: 100000, tuning: {firstEntering: 100000}"
        } else {
            ""
        };
        let allowed = self.always_allow.join(", ");
        format!("admission: {{mode: {mode}{limits}, alwaysAllow: [{allowed}]}}\n")
    }

    pub(super) fn authentication(&self) -> String {
        if self.is_anonymous() {
            return "authentication: {anonymous: Always, clientIdPattern: '*'}\n".to_owned();
        }
        let mut keys = "authentication:\n  anonymous: Never\n".to_owned();
        // writing to a String cannot fail
        if let Some(file) = &self.passwords {
            _ = writeln!(keys, "  passwordFile: {}", file.display());
        }
        if let Some(url) = &self.http_login {
            _ = writeln!(keys, "  http: {{url: '{url}'}}");
        }
        keys
    }
}
