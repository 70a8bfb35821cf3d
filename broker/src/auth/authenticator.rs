//! The one door for logins.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Identity, Refusal};
use crate::config::Authentication;
use crate::metrics::Metrics;

/// What a client showed in CONNECT and in TLS.
#[derive(Clone, Debug)]
pub struct LoginRequest {
    /// Empty: the client asks for one.
    pub client_id: String,
    /// An empty id may be answered with one of ours (v5, or a clean session).
    pub may_assign_id: bool,
    pub user_name: Option<String>,
    pub password: Option<Vec<u8>>,
    /// The principal of the verified client certificate.
    pub certificate: Option<Arc<str>>,
    pub peer: SocketAddr,
    /// When the client began to wait; its patience counts from here.
    pub waiting_since: Instant,
}

/// Decides logins. Cheap to clone; shared by all workers of a process.
#[derive(Clone, Debug)]
pub struct Authenticator {}

#[derive(Debug, thiserror::Error)]
pub enum AuthError {}

impl Authenticator {
    /// Reads the password file and starts the hashing threads and the file watch.
    pub fn start(_settings: &Authentication, _patience: Duration, _metrics: &Metrics) -> Result<Self, AuthError> {
        Ok(Self {})
    }

    /// Dropping the future takes the login out of the queue unhashed.
    pub async fn login(&self, _request: LoginRequest) -> Result<Identity, Refusal> {
        std::future::ready(Err(Refusal::Unavailable)).await
    }
}
