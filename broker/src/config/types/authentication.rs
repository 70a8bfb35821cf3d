//! Who may log in, and who waits before they may try again.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::config::http_url::HttpUrl;
use crate::config::pattern::ClientIdPattern;

#[derive(Clone, Debug)]
pub struct Authentication {
    pub anonymous: Anonymous,
    pub password_file: Option<PathBuf>,
    /// Judges logins with a password whose user is not in the file.
    pub http: Option<HttpBackend>,
    pub client_id_pattern: ClientIdPattern,
    pub hashing_threads: NonZeroUsize,
    /// Before the next password of a user is looked at.
    pub wrong_password_wait: GrowingWait,
    pub flapping: Flapping,
}

impl Authentication {
    /// Without certificates, nobody could log in.
    pub(in crate::config) fn admits_nobody(&self) -> bool {
        self.anonymous == Anonymous::Never && self.password_file.is_none() && self.http.is_none()
    }
}

/// Where logins are judged by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpBackend {
    pub url: HttpUrl,
    /// For one request, connecting included.
    pub timeout: Duration,
    /// Requests at once; the others wait.
    pub concurrency: NonZeroUsize,
    /// `None`: the system's authorities.
    pub ca_file: Option<PathBuf>,
    /// What it is shown with each login.
    pub token_file: Option<PathBuf>,
}

/// Doubles from `first` to `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrowingWait {
    /// Zero: there are no waits.
    pub first: Duration,
    pub longest: Duration,
}

/// Clients that are attached and gone again, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flapping {
    /// An end that comes sooner is fast; zero: none is.
    pub within: Duration,
    /// Fast ends that cost nothing.
    pub free_ends: u32,
    pub wait: GrowingWait,
}

/// Who may come without any credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Anonymous {
    Never,
    Loopback,
    Always,
}
