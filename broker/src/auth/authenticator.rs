//! The one door for logins.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use aws_lc_rs::rand;

use super::policy::{Claim, Policy};
use super::pool::LoginPool;
use super::users::{Users, UsersError};
use super::{Identity, Refusal};
use crate::config::{Authentication, FileWatch, POLL_INTERVAL, Poller};
use crate::metrics::{LoginMetrics, Metrics, ReloadOutcome};
use crate::process::Life;

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
pub struct Authenticator(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    policy: Policy,
    patience: Duration,
    passwords: Option<Passwords>,
}

#[derive(Debug)]
struct Passwords {
    users: Arc<ArcSwap<Users>>,
    pool: LoginPool,
    poller: Poller,
}

#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("failed to read the password file {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to take the password file {path}")]
    Users { path: PathBuf, source: UsersError },
    #[error("failed to start the login threads")]
    Threads(#[source] io::Error),
}

/// Reads a password file whole.
pub fn read_users(path: &Path) -> Result<Users, AuthError> {
    let text = std::fs::read_to_string(path).map_err(|source| AuthError::Read {
        path: path.to_owned(),
        source,
    })?;
    Users::parse(&text).map_err(|source| AuthError::Users {
        path: path.to_owned(),
        source,
    })
}

impl Authenticator {
    /// Reads the password file and starts the login threads and the file watch.
    pub fn start(
        settings: &Authentication,
        patience: Duration,
        metrics: &Metrics,
    ) -> Result<Self, AuthError> {
        let policy = Policy {
            anonymous: settings.anonymous,
            pattern: settings.client_id_pattern.clone(),
        };
        let file = settings.password_file.as_deref();
        let passwords = file
            .map(|file| Passwords::start(file, settings, patience, &metrics.login))
            .transpose()?;
        Ok(Self(Arc::new(Inner {
            policy,
            patience,
            passwords,
        })))
    }

    /// Dropping the future takes the login out of the queue unhashed.
    pub async fn login(&self, request: LoginRequest) -> Result<Identity, Refusal> {
        let user = match self.0.policy.claim(&request)? {
            Claim::Anonymous => None,
            Claim::Certificate(principal) => Some(principal),
            Claim::Password { user, password } => {
                self.verify(user, password, request.waiting_since).await?;
                Some(user)
            }
        };
        self.identity(user, &request)
    }

    async fn verify(
        &self,
        user: &str,
        password: &[u8],
        waiting_since: Instant,
    ) -> Result<(), Refusal> {
        let passwords = self
            .0
            .passwords
            .as_ref()
            .ok_or(Refusal::BadUserNameOrPassword)?;
        let right = passwords
            .pool
            .verify(user, password, waiting_since + self.0.patience)
            .await?;
        if right {
            Ok(())
        } else {
            Err(Refusal::BadUserNameOrPassword)
        }
    }

    fn identity(&self, user: Option<&str>, request: &LoginRequest) -> Result<Identity, Refusal> {
        let known = |name: &str| {
            self.0
                .passwords
                .as_ref()
                .is_some_and(|passwords| passwords.users.load().contains(name))
        };
        let client_id = self.0.policy.client_id(user, request, &unique()?, known)?;
        Ok(Identity {
            principal: user.map(Arc::from),
            client_id: client_id.into(),
            client_id_assigned: request.client_id.is_empty(),
        })
    }

    /// Looks at the password file now rather than at the next interval.
    pub fn poke(&self) {
        if let Some(passwords) = &self.0.passwords {
            passwords.poller.poke();
        }
    }

    /// Of the threads that look at the file and hash.
    pub fn lives(&self) -> Vec<Life> {
        let Some(passwords) = &self.0.passwords else {
            return Vec::new();
        };
        let mut lives = passwords.pool.lives();
        lives.push(passwords.poller.life());
        lives
    }
}

impl Passwords {
    fn start(
        file: &Path,
        settings: &Authentication,
        patience: Duration,
        metrics: &LoginMetrics,
    ) -> Result<Self, AuthError> {
        let watch = FileWatch::new([file.to_owned()]);
        let users = read_users(file)?;
        set_count(metrics, &users);
        let users = Arc::new(ArcSwap::from_pointee(users));
        let pool = LoginPool::start(settings.hashing_threads, patience, &users, metrics)
            .map_err(AuthError::Threads)?;
        let look = reload(file.to_owned(), watch, Arc::clone(&users), metrics.clone());
        let poller =
            Poller::start("password-file", POLL_INTERVAL, look).map_err(AuthError::Threads)?;
        Ok(Self {
            users,
            pool,
            poller,
        })
    }
}

/// Takes a changed file over; a bad one leaves the users as they are.
fn reload(
    file: PathBuf,
    mut watch: FileWatch,
    users: Arc<ArcSwap<Users>>,
    metrics: LoginMetrics,
) -> impl FnMut() + Send {
    move || {
        if !watch.changed() {
            return;
        }
        match read_users(&file) {
            Ok(new) => {
                tracing::info!(file = %file.display(), users = new.len(), "took a new password file");
                set_count(&metrics, &new);
                users.store(Arc::new(new));
                metrics.password_reloads.inc(ReloadOutcome::Changed);
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "kept the old users"
                );
                metrics.password_reloads.inc(ReloadOutcome::Failed);
            }
        }
    }
}

fn set_count(metrics: &LoginMetrics, users: &Users) {
    metrics
        .users
        .set(i64::try_from(users.len()).unwrap_or(i64::MAX));
}

/// 64 random bits: two clients of a cluster will not meet in them.
fn unique() -> Result<String, Refusal> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).map_err(|_| Refusal::Unavailable)?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}
