//! The one door for logins.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use herdgate_admission::backend::BackendJudge;
use herdgate_admission::report::Verdict;
use herdgate_admission::tuning::Tuning;

use super::exchange::Exchange;
use super::http::{Backend, Question};
use super::policy::{Claim, Policy};
use super::pool::LoginPool;
use super::scram::{self, ScramSha256};
use super::users::{Users, UsersError};
use super::waits::{Failures, Flaps};
use super::{BackendFilesError, Identity, NoLogin, Refusal};
use crate::config::{Authentication, AuthenticationMethod, FileWatch, POLL_INTERVAL, Poller};
use crate::metrics::{LoginMetrics, Metrics, ReloadOutcome};
use crate::process::Life;

/// As many as make a nonce nobody guesses (RFC 5802, section 5.1).
const NONCE_BYTES: usize = 18;

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
    /// Its name.
    pub listener: Arc<str>,
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
    /// Judges whoever the password file does not know.
    backend: Option<Backend>,
    failures: Failures,
    flaps: Flaps,
    metrics: LoginMetrics,
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
    #[error(transparent)]
    Backend(#[from] BackendFilesError),
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
    /// Reads the password file and starts the login threads, the file watch, and the thread that asks the HTTP backend.
    pub fn start(
        settings: &Authentication,
        patience: Duration,
        tuning: &Tuning,
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
        let judge = BackendJudge::new(tuning.backend, tuning.health.windows);
        let backend = settings.http.as_ref();
        let backend = backend
            .map(|http| Backend::start(http, patience, judge, &metrics.login.backend))
            .transpose()?;
        Ok(Self(Arc::new(Inner {
            policy,
            patience,
            passwords,
            backend,
            failures: Failures::new(settings.wrong_password_wait, &metrics.login),
            flaps: Flaps::new(settings.flapping, &metrics.login),
            metrics: metrics.login.clone(),
        })))
    }

    /// Dropping the future takes the login out of the queue unhashed.
    pub async fn login(&self, request: &LoginRequest) -> Result<Identity, NoLogin> {
        let user = match self.0.policy.claim(request)? {
            Claim::Anonymous => None,
            Claim::Certificate(principal) => Some(principal),
            Claim::Password { user, password } => {
                self.verify(user, password, request).await?;
                Some(user)
            }
        };
        Ok(self.identity(user, request)?)
    }

    /// Begins an exchange by the method that a client at `peer` asks for. `offered`: what its listener says of methods.
    pub(crate) fn exchange(
        &self,
        method: &str,
        offered: Option<&[AuthenticationMethod]>,
        peer: IpAddr,
    ) -> Result<Exchange, Refusal> {
        let passwords = self.0.passwords.as_ref();
        let passwords = passwords.filter(|passwords| {
            method == scram::NAME
                && offered.map_or_else(
                    || passwords.users.load().has_scram(),
                    |offered| offered.contains(&AuthenticationMethod::ScramSha256),
                )
        });
        let passwords = passwords.ok_or(Refusal::UnknownMethod)?;
        let mut nonce = [0; NONCE_BYTES];
        rand::fill(&mut nonce).map_err(|_| Refusal::Unavailable)?;
        let mechanism = ScramSha256::new(passwords.users.load_full(), STANDARD.encode(nonce));
        Ok(Exchange::new(
            Box::new(mechanism),
            self.0.failures.clone(),
            peer,
            self.0.metrics.clone(),
        ))
    }

    /// What a client that has proven to be `user` may be.
    pub(crate) fn proven(&self, user: &str, request: &LoginRequest) -> Result<Identity, Refusal> {
        Policy::beside_proof(user, request)?;
        self.identity(Some(user), request)
    }

    pub(crate) fn flaps(&self) -> &Flaps {
        &self.0.flaps
    }

    async fn verify(
        &self,
        user: &str,
        password: &[u8],
        request: &LoginRequest,
    ) -> Result<(), NoLogin> {
        let inner = &self.0;
        let begin = || inner.failures.begin(request.peer.ip(), user);
        let patience_ends = request.waiting_since + inner.patience;
        match (&inner.backend, &inner.passwords) {
            (Some(backend), _) if !self.is_in_file(user) => {
                let attempt = begin().map_err(NoLogin::too_soon)?;
                let question = Question::new(user, password, request)?;
                backend.judge(question, patience_ends, attempt).await
            }
            (_, Some(passwords)) => {
                let attempt = begin().map_err(NoLogin::too_soon)?;
                let pool = &passwords.pool;
                pool.verify(user, password, patience_ends, attempt).await
            }
            (_, None) => Err(Refusal::BadUserNameOrPassword.into()),
        }
    }

    fn is_in_file(&self, user: &str) -> bool {
        let passwords = self.0.passwords.as_ref();
        passwords.is_some_and(|passwords| passwords.users.load().contains(user))
    }

    fn identity(&self, user: Option<&str>, request: &LoginRequest) -> Result<Identity, Refusal> {
        let known = |name: &str| self.is_in_file(name);
        let client_id = self.0.policy.client_id(user, request, &unique()?, known)?;
        Ok(Identity {
            principal: user.map(Arc::from),
            client_id: client_id.into(),
            client_id_assigned: request.client_id.is_empty(),
            authenticated: None,
        })
    }

    /// How the backend is that is asked about logins; good where there is none.
    pub(crate) fn backend_health(&self) -> Verdict {
        let backend = self.0.backend.as_ref();
        backend.map_or(Verdict::Good, Backend::health)
    }

    /// Looks at the password file and the backend's files now rather than at the next interval.
    pub fn poke(&self) {
        if let Some(passwords) = &self.0.passwords {
            passwords.poller.poke();
        }
        if let Some(backend) = &self.0.backend {
            backend.poke();
        }
    }

    /// Of the threads that look at files, hash and ask the backend.
    pub fn lives(&self) -> Vec<Life> {
        let backend = self.0.backend.iter();
        let mut lives: Vec<Life> = backend.flat_map(Backend::lives).collect();
        if let Some(passwords) = &self.0.passwords {
            lives.extend(passwords.pool.lives());
            lives.push(passwords.poller.life());
        }
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
