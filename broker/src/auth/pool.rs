//! Threads that hash passwords, at a priority below that of all who serve clients already in.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot};

use super::queue::{Dropped, LoginQueue, Waiting};
use super::waits::Attempt;
use super::{NoLogin, Refusal, Users};
use crate::metrics::{LoginDrop, LoginMetrics};
use crate::process::Life;

/// Logins that may wait. One thread hashes some hundreds within a fleet's patience, so more would wait in vain;
/// with passwords of the largest size they take 32 MiB.
const QUEUE_CAPACITY: usize = 8192;

/// Lower than the workers', so that settled clients do not feel logins; not so low that a busy machine forgets them.
const NICE: i32 = 10;

/// How much the newest hash moves the running mean of their cost.
const COST_WEIGHT: u32 = 8;

/// The pool's entrance. Cheap to clone; the threads end with the last clone.
#[derive(Clone, Debug)]
pub(super) struct LoginPool {
    logins: mpsc::Sender<Login>,
    start: Instant,
    metrics: LoginMetrics,
    lives: Vec<Life>,
}

#[derive(Debug)]
struct Login {
    user: String,
    password: Vec<u8>,
    came: Instant,
    patience_ends: Duration,
    attempt: Attempt,
    answer: oneshot::Sender<Result<(), NoLogin>>,
}

impl Waiting for Login {
    fn is_gone(&self) -> bool {
        self.answer.is_closed()
    }

    fn patience_ends(&self) -> Duration {
        self.patience_ends
    }
}

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
        let (logins, waiting) = mpsc::channel(QUEUE_CAPACITY);
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
        let start = Instant::now();
        let queue = LoginQueue::new(QUEUE_CAPACITY, patience);
        let dispatcher = Dispatcher {
            queue,
            free: (0..hashers.len()).collect(),
            hashers,
            cost: Duration::ZERO,
            start,
            metrics: metrics.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        lives.push(Life::start("login-queue", move || {
            runtime.block_on(dispatcher.run(waiting, idles));
        })?);
        Ok(Self {
            logins,
            start,
            metrics: metrics.clone(),
            lives,
        })
    }

    /// Of all threads of the pool: a login that one of them dies of is never answered, nor are those behind it.
    pub(super) fn lives(&self) -> Vec<Life> {
        self.lives.clone()
    }

    /// Whether it is the user's password. Dropping the future takes the login out of the queue; what is being hashed is
    /// judged all the same.
    pub(super) async fn verify(
        &self,
        user: &str,
        password: &[u8],
        patience_ends: Instant,
        attempt: Attempt,
    ) -> Result<(), NoLogin> {
        let (answer, answered) = oneshot::channel();
        let patience_ends = patience_ends.saturating_duration_since(self.start);
        let login = Login {
            user: user.to_owned(),
            password: password.to_vec(),
            came: Instant::now(),
            patience_ends,
            attempt,
            answer,
        };
        if self.logins.try_send(login).is_err() {
            self.metrics.dropped.inc(LoginDrop::QueueFull);
            return Err(Refusal::Busy.into());
        }
        answered
            .await
            .unwrap_or_else(|_| Err(Refusal::Unavailable.into()))
    }
}

/// Owns the queue; gives each free thread the login that is next.
struct Dispatcher {
    queue: LoginQueue<Login>,
    hashers: Vec<SyncSender<Login>>,
    free: Vec<usize>,
    /// Running mean of a hash, waiting for the processor included.
    cost: Duration,
    start: Instant,
    metrics: LoginMetrics,
}

impl Dispatcher {
    async fn run(mut self, mut waiting: mpsc::Receiver<Login>, mut idles: mpsc::Receiver<Idle>) {
        loop {
            tokio::select! {
                login = waiting.recv() => match login {
                    Some(login) => self.take(login),
                    None => return,
                },
                Some(idle) = idles.recv() => self.freed(&idle),
            }
            while let Ok(login) = waiting.try_recv() {
                self.take(login);
            }
            self.give();
            self.metrics
                .queued
                .set(i64::try_from(self.queue.len()).unwrap_or(i64::MAX));
        }
    }

    fn take(&mut self, login: Login) {
        let metrics = &self.metrics;
        self.queue
            .push(login, self.start.elapsed(), self.cost, &mut |login, why| {
                drop_login(login, why, metrics);
            });
    }

    fn freed(&mut self, idle: &Idle) {
        self.cost = if self.cost.is_zero() {
            idle.took
        } else {
            (self.cost * (COST_WEIGHT - 1) + idle.took) / COST_WEIGHT
        };
        self.free.push(idle.thread);
    }

    fn give(&mut self) {
        while let Some(thread) = self.free.pop() {
            let metrics = &self.metrics;
            let next = self
                .queue
                .pop(self.start.elapsed(), self.cost, &mut |login, why| {
                    drop_login(login, why, metrics);
                });
            let Some(login) = next else {
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

fn drop_login(login: Login, why: Dropped, metrics: &LoginMetrics) {
    metrics.dropped.inc(match why {
        Dropped::Gone => LoginDrop::ClientGone,
        Dropped::TooLate => LoginDrop::TooLate,
        Dropped::Full => LoginDrop::QueueFull,
    });
    // nobody hears it when the client is gone
    let _ = login.answer.send(Err(Refusal::Busy.into()));
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
        if login.attempt.is_stale() {
            self.metrics.dropped.inc(LoginDrop::TooSoon);
            // nobody hears it when the client is gone
            let _ = login.answer.send(Err(NoLogin::too_soon(Duration::ZERO)));
            return;
        }
        let users = self.users.load();
        let right = users.stored_for(&login.user).verify(&login.password);
        self.metrics.hashed.inc();
        self.metrics
            .wait
            .observe(login.came.elapsed().as_secs_f64());
        let verdict = if right {
            login.attempt.succeeded();
            Ok(())
        } else {
            Err(NoLogin::wrong(login.attempt.failed()))
        };
        // nobody hears it when the client left during the hash
        let _ = login.answer.send(verdict);
    }
}
