//! Threads that hash passwords, at a priority below that of all who serve clients already in.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use super::line::{self, Entrance, Line, LineMetrics};
use super::waits::Attempt;
use super::{NoLogin, Users};
use crate::metrics::LoginMetrics;
use crate::process::Life;

/// Lower than the workers', so that settled clients do not feel logins; not so low that a busy machine forgets them.
const NICE: i32 = 10;

/// The pool's entrance; the threads end with it.
#[derive(Debug)]
pub(super) struct LoginPool {
    entrance: Entrance<Password>,
    lives: Vec<Life>,
}

#[derive(Debug)]
struct Password {
    user: String,
    password: Vec<u8>,
}

type Login = line::Login<Password>;

/// One thread is free again; its last hash took this long.
#[derive(Debug)]
struct Idle {
    thread: usize,
    took: Duration,
}

impl LoginPool {
    pub(super) fn start(
        threads: NonZeroUsize,
        patience: Duration,
        users: &Arc<ArcSwap<Users>>,
        metrics: &LoginMetrics,
    ) -> io::Result<Self> {
        let of_line = LineMetrics {
            dropped: metrics.dropped.clone(),
            queued: metrics.queued.clone(),
        };
        let (entrance, line) = line::line(patience, of_line);
        let (idle, idles) = mpsc::channel(threads.get());
        let (mut hashers, mut lives) = (Vec::new(), Vec::new());
        for number in 0..threads.get() {
            let (give, take) = sync_channel(1);
            let hasher = Hasher {
                thread: number,
                users: Arc::clone(users),
                idle: idle.clone(),
                metrics: metrics.clone(),
            };
            let name = format!("login-{number}");
            lives.push(Life::start(&name, move || hasher.run(&take))?);
            hashers.push(give);
        }
        let dispatcher = Dispatcher {
            line,
            free: (0..hashers.len()).collect(),
            hashers,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        lives.push(Life::start("login-queue", move || {
            runtime.block_on(dispatcher.run(idles));
        })?);
        Ok(Self { entrance, lives })
    }

    /// Of all threads of the pool: a login that one of them dies of is never answered, nor are those behind it.
    pub(super) fn lives(&self) -> Vec<Life> {
        self.lives.clone()
    }

    /// Whether it is the user's password.
    pub(super) async fn verify(
        &self,
        user: &str,
        password: &[u8],
        patience_ends: Instant,
        attempt: Attempt,
    ) -> Result<(), NoLogin> {
        let question = Password {
            user: user.to_owned(),
            password: password.to_vec(),
        };
        self.entrance.ask(question, patience_ends, attempt).await
    }
}

/// Gives each free thread the login that is next.
struct Dispatcher {
    line: Line<Password>,
    hashers: Vec<SyncSender<Login>>,
    free: Vec<usize>,
}

impl Dispatcher {
    async fn run(mut self, mut idles: mpsc::Receiver<Idle>) {
        loop {
            tokio::select! {
                came = self.line.arrival() => if came.is_none() {
                    return;
                },
                Some(idle) = idles.recv() => {
                    self.line.took(idle.took);
                    self.free.push(idle.thread);
                }
            }
            self.give();
        }
    }

    fn give(&mut self) {
        while let Some(thread) = self.free.pop() {
            let Some(login) = self.line.next() else {
                self.free.push(thread);
                return;
            };
            if let Some(hasher) = self.hashers.get(thread) {
                // a free thread's place is empty; a dead one's login is answered by its dropped sender
                let _ = hasher.try_send(login);
            }
        }
    }
}

/// One thread.
struct Hasher {
    thread: usize,
    users: Arc<ArcSwap<Users>>,
    idle: mpsc::Sender<Idle>,
    metrics: LoginMetrics,
}

impl Hasher {
    fn run(self, logins: &Receiver<Login>) {
        // on Linux a priority is a thread's own
        if let Err(error) = rustix::process::setpriority_process(None, NICE) {
            tracing::warn!(%error, nice = NICE, "failed to lower the priority of a login thread");
        }
        for login in logins {
            let begun = Instant::now();
            self.check(login);
            if self
                .idle
                .blocking_send(Idle {
                    thread: self.thread,
                    took: begun.elapsed(),
                })
                .is_err()
            {
                return;
            }
        }
    }

    fn check(&self, login: Login) {
        let users = self.users.load();
        let Password { user, password } = &login.question;
        let right = users.stored_for(user).verify(password);
        self.metrics.hashed.inc();
        self.metrics
            .wait
            .observe(login.came.elapsed().as_secs_f64());
        if right {
            login.right();
        } else {
            login.wrong();
        }
    }
}
