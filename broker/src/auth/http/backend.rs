//! The thread that asks the backend: so many at a time as are allowed, in the order of the line.

use std::io;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{BackendError, Client, Question, Verdict, roots};
use crate::auth::line::{self, Entrance, Line, LineMetrics, Login};
use crate::auth::waits::Attempt;
use crate::auth::{AuthError, NoLogin, Refusal};
use crate::config::HttpBackend;
use crate::metrics::{BackendMetrics, BackendOutcome};
use crate::process::{Causes, Life};

/// Threads that look names up: each look-up may take long, and most requests need none.
const RESOLVERS: usize = 2;

/// The backend's entrance; the thread ends with it.
#[derive(Debug)]
pub(in crate::auth) struct Backend {
    entrance: Entrance<Question>,
    life: Life,
}

impl Backend {
    pub(in crate::auth) fn start(
        settings: &HttpBackend,
        patience: Duration,
        metrics: &BackendMetrics,
    ) -> Result<Self, AuthError> {
        let client = Client::new(settings, roots::config(settings)?);
        let of_line = LineMetrics {
            dropped: metrics.dropped.clone(),
            queued: metrics.waiting.clone(),
        };
        let (entrance, line) = line::line(patience, of_line);
        let asking = Asking {
            line,
            client,
            most: settings.concurrency,
            requests: JoinSet::new(),
            metrics: metrics.clone(),
        };
        Ok(Self {
            entrance,
            life: start(asking).map_err(AuthError::Threads)?,
        })
    }

    /// Whether the backend lets the client in.
    pub(in crate::auth) async fn judge(
        &self,
        question: Question,
        patience_ends: Instant,
        attempt: Attempt,
    ) -> Result<(), NoLogin> {
        self.entrance.ask(question, patience_ends, attempt).await
    }

    pub(in crate::auth) fn life(&self) -> Life {
        self.life.clone()
    }
}

fn start(asking: Asking) -> io::Result<Life> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(RESOLVERS)
        .build()?;
    Life::start("login-http", move || {
        runtime.block_on(asking.run());
        // a name that is looked up does not hold up the end
        runtime.shutdown_background();
    })
}

struct Asking {
    line: Line<Question>,
    client: Client,
    most: NonZeroUsize,
    /// Each says how long it took.
    requests: JoinSet<Duration>,
    metrics: BackendMetrics,
}

impl Asking {
    async fn run(mut self) {
        loop {
            tokio::select! {
                came = self.line.arrival() => if came.is_none() {
                    return;
                },
                Some(done) = self.requests.join_next() => if let Ok(took) = done {
                    self.line.took(took);
                },
            }
            self.give();
        }
    }

    fn give(&mut self) {
        while self.requests.len() < self.most.get() {
            let Some(login) = self.line.next() else {
                break;
            };
            let (client, metrics) = (self.client.clone(), self.metrics.clone());
            self.requests
                .spawn(async move { judge(&client, &metrics, login).await });
        }
        let asked = i64::try_from(self.requests.len()).unwrap_or(i64::MAX);
        self.metrics.in_flight.set(asked);
    }
}

/// Nobody is let in whom the backend has not let in.
async fn judge(client: &Client, metrics: &BackendMetrics, login: Login<Question>) -> Duration {
    let asked = Instant::now();
    let said = client.ask(login.question.clone()).await;
    let took = asked.elapsed();
    metrics.latency.observe(took.as_secs_f64());
    metrics.requests.inc(outcome(&said));
    match said {
        Ok(Verdict::Allow) => login.right(),
        // nobody else is left to ask
        Ok(Verdict::Deny | Verdict::Ignore) => login.wrong(),
        Err(error) => {
            tracing::debug!(error = %Causes(&error), "a login could not be judged");
            login.refused(Refusal::Unavailable.into());
        }
    }
    took
}

fn outcome(said: &Result<Verdict, BackendError>) -> BackendOutcome {
    match said {
        Ok(Verdict::Allow) => BackendOutcome::Allow,
        Ok(Verdict::Deny) => BackendOutcome::Deny,
        Ok(Verdict::Ignore) => BackendOutcome::Ignore,
        Err(error) => error.outcome(),
    }
}
