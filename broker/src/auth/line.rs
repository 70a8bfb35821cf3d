//! Logins that wait for somebody to judge them: for a thread that hashes, or for a place at the backend.

use std::time::{Duration, Instant};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{mpsc, oneshot};

use super::queue::{Dropped, LoginQueue, Waiting};
use super::waits::Attempt;
use super::{NoLogin, Refusal};
use crate::metrics::{By, LoginDrop};

/// Logins that may wait. A thread hashes some hundreds within a fleet's patience, and a backend answers some thousands, so
/// more would wait in vain; with passwords of the largest size they take 32 MiB.
const CAPACITY: usize = 8192;

/// How much the newest judgement moves the running mean of what one takes.
const COST_WEIGHT: u32 = 8;

/// What is counted of a line.
#[derive(Clone, Debug)]
pub(super) struct LineMetrics {
    pub(super) dropped: By<LoginDrop>,
    pub(super) queued: Gauge,
}

/// Where logins come in; the line ends with it.
#[derive(Debug)]
pub(super) struct Entrance<Q> {
    logins: mpsc::Sender<Login<Q>>,
    start: Instant,
    dropped: By<LoginDrop>,
}

/// The waiting ones, and who is next.
#[derive(Debug)]
pub(super) struct Line<Q> {
    coming: mpsc::Receiver<Login<Q>>,
    queue: LoginQueue<Login<Q>>,
    /// Running mean of a judgement, with whatever it waits for.
    cost: Duration,
    start: Instant,
    metrics: LineMetrics,
}

/// One login, on its way to a judgement. Dropped, it was none.
#[derive(Debug)]
pub(super) struct Login<Q> {
    /// What there is to judge.
    pub(super) question: Q,
    pub(super) came: Instant,
    patience_ends: Duration,
    attempt: Attempt,
    answer: oneshot::Sender<Result<(), NoLogin>>,
}

/// A line whose clients wait for so long.
pub(super) fn line<Q>(patience: Duration, metrics: LineMetrics) -> (Entrance<Q>, Line<Q>) {
    let (logins, coming) = mpsc::channel(CAPACITY);
    let start = Instant::now();
    let entrance = Entrance {
        logins,
        start,
        dropped: metrics.dropped.clone(),
    };
    let line = Line {
        coming,
        queue: LoginQueue::new(CAPACITY, patience),
        cost: Duration::ZERO,
        start,
        metrics,
    };
    (entrance, line)
}

impl<Q> Entrance<Q> {
    /// Waits for the judgement. Dropping the future takes the login out of the line; what is being judged is judged all
    /// the same.
    pub(super) async fn ask(
        &self,
        question: Q,
        patience_ends: Instant,
        attempt: Attempt,
    ) -> Result<(), NoLogin> {
        let (answer, answered) = oneshot::channel();
        let login = Login {
            question,
            came: Instant::now(),
            patience_ends: patience_ends.saturating_duration_since(self.start),
            attempt,
            answer,
        };
        if self.logins.try_send(login).is_err() {
            self.dropped.inc(LoginDrop::QueueFull);
            return Err(Refusal::Busy.into());
        }
        answered
            .await
            .unwrap_or_else(|_| Err(Refusal::Unavailable.into()))
    }
}

impl<Q> Line<Q> {
    /// Waits until somebody comes; `None`: nobody will any more. May be dropped at any time.
    pub(super) async fn arrival(&mut self) -> Option<()> {
        let first = self.coming.recv().await?;
        self.take(first);
        self.take_all();
        Some(())
    }

    fn take_all(&mut self) {
        while let Ok(login) = self.coming.try_recv() {
            self.take(login);
        }
    }

    fn take(&mut self, login: Login<Q>) {
        let metrics = &self.metrics;
        self.queue
            .push(login, self.start.elapsed(), self.cost, &mut |login, why| {
                drop_login(login, why, metrics);
            });
        self.show();
    }

    /// A judgement took so long.
    pub(super) fn took(&mut self, took: Duration) {
        self.cost = if self.cost.is_zero() {
            took
        } else {
            (self.cost * (COST_WEIGHT - 1) + took) / COST_WEIGHT
        };
    }

    /// Who is to be judged next; whoever is gone, late, or come too soon falls out on the way.
    pub(super) fn next(&mut self) -> Option<Login<Q>> {
        self.take_all();
        let next = loop {
            let metrics = &self.metrics;
            let next = self
                .queue
                .pop(self.start.elapsed(), self.cost, &mut |login, why| {
                    drop_login(login, why, metrics);
                });
            match next {
                Some(login) if login.attempt.is_stale() => {
                    self.metrics.dropped.inc(LoginDrop::TooSoon);
                    login.refused(NoLogin::too_soon(Duration::ZERO));
                }
                next => break next,
            }
        };
        self.show();
        next
    }

    fn show(&self) {
        let queued = i64::try_from(self.queue.len()).unwrap_or(i64::MAX);
        self.metrics.queued.set(queued);
    }
}

fn drop_login<Q>(login: Login<Q>, why: Dropped, metrics: &LineMetrics) {
    metrics.dropped.inc(match why {
        Dropped::Gone => LoginDrop::ClientGone,
        Dropped::TooLate => LoginDrop::TooLate,
        Dropped::Full => LoginDrop::QueueFull,
    });
    login.refused(Refusal::Busy.into());
}

impl<Q> Waiting for Login<Q> {
    fn is_gone(&self) -> bool {
        self.answer.is_closed()
    }

    fn patience_ends(&self) -> Duration {
        self.patience_ends
    }
}

// Nobody hears an answer whose client has left meanwhile.
impl<Q> Login<Q> {
    pub(super) fn right(self) {
        self.attempt.succeeded();
        let _ = self.answer.send(Ok(()));
    }

    pub(super) fn wrong(self) {
        let no = NoLogin::wrong(self.attempt.failed());
        let _ = self.answer.send(Err(no));
    }

    /// It could not be judged.
    pub(super) fn refused(self, no: NoLogin) {
        let _ = self.answer.send(Err(no));
    }
}
