//! The thread that asks the backend: so many at a time as are allowed, in the order of the line.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use herdgate_admission::backend::{BackendJudge, PROBE_EVERY};
use herdgate_admission::health::WINDOW;
use herdgate_admission::report::Verdict as Health;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::files::Files;
use super::pulse::Pulse;
use super::{BackendError, Client, Question, Verdict};
use crate::auth::line::{self, Entrance, Line, LineMetrics};
use crate::auth::waits::Attempt;
use crate::auth::{AuthError, NoLogin, Refusal};
use crate::config::{HttpBackend, Poller};
use crate::metrics::{BackendMetrics, BackendOutcome};
use crate::process::{Causes, Life};

/// Threads that look names up: each look-up may take long, and most requests need none.
const RESOLVERS: usize = 2;

/// The backend's entrance; the thread ends with it.
#[derive(Debug)]
pub(in crate::auth) struct Backend {
    entrance: Entrance<Question>,
    files: Files,
    health: watch::Receiver<Health>,
    life: Life,
}

type Login = line::Login<Question>;

impl Backend {
    pub(in crate::auth) fn start(
        settings: &HttpBackend,
        patience: Duration,
        judge: BackendJudge,
        metrics: &BackendMetrics,
    ) -> Result<Self, AuthError> {
        let files = Files::start(settings, &metrics.reloads)?;
        let of_line = LineMetrics {
            dropped: metrics.dropped.clone(),
            queued: metrics.waiting.clone(),
        };
        let (entrance, line) = line::line(patience, of_line);
        let (pulse, health) = Pulse::new(judge, metrics.health.clone());
        let asking = Asking {
            line,
            client: files.client(),
            most: settings.concurrency,
            requests: JoinSet::new(),
            delays: JoinSet::new(),
            pulse,
            metrics: metrics.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(RESOLVERS)
            .build()
            .map_err(AuthError::Threads)?;
        let thread = Life::start("login-http", move || {
            runtime.block_on(asking.run());
            // a name that is looked up does not hold up the end
            runtime.shutdown_background();
        });
        Ok(Self {
            entrance,
            files,
            health,
            life: thread.map_err(AuthError::Threads)?,
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

    /// How the backend was in its last windows.
    pub(in crate::auth) fn health(&self) -> Health {
        *self.health.borrow()
    }

    /// Looks at its files now rather than at the next interval.
    pub(in crate::auth) fn poke(&self) {
        if let Some(poller) = self.files.poller() {
            poller.poke();
        }
    }

    /// Of the threads that ask and look at the files.
    pub(in crate::auth) fn lives(&self) -> impl Iterator<Item = Life> {
        let files = self.files.poller().map(Poller::life);
        [self.life.clone()].into_iter().chain(files)
    }
}

struct Asking {
    line: Line<Question>,
    client: Arc<ArcSwap<Client>>,
    most: NonZeroUsize,
    requests: JoinSet<Asked>,
    /// Of logins that are told so late that the backend failed.
    delays: JoinSet<()>,
    pulse: Pulse,
    metrics: BackendMetrics,
}

/// A request that is over.
struct Asked {
    login: Login,
    said: Result<Verdict, BackendError>,
    took: Duration,
}

impl Asking {
    async fn run(mut self) {
        let mut windows = interval(WINDOW);
        windows.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                came = self.line.arrival() => if came.is_none() {
                    return;
                },
                Some(over) = self.requests.join_next_with_id() => match over {
                    Ok((request, asked)) => {
                        self.pulse.over(request, asked.took, asked.said.is_err());
                        self.judge(asked);
                    }
                    // its login is answered by its dropped sender
                    Err(broken) => self.pulse.broken(broken.id()),
                },
                Some(_) = self.delays.join_next() => {}
                _ = windows.tick() => self.pulse.judge(),
            }
            self.give();
        }
    }

    fn give(&mut self) {
        while self.requests.len() + self.delays.len() < self.most.get() {
            let Some(login) = self.line.next() else {
                break;
            };
            let client = Client::clone(&self.client.load());
            let asked = self.requests.spawn(ask(client, login));
            self.pulse.asked(asked.id());
        }
        let asked = i64::try_from(self.requests.len()).unwrap_or(i64::MAX);
        self.metrics.in_flight.set(asked);
    }

    /// Nobody is let in whom the backend has not let in.
    fn judge(&mut self, asked: Asked) {
        let Asked { login, said, took } = asked;
        self.line.took(took);
        self.metrics.latency.observe(took.as_secs_f64());
        self.metrics.requests.inc(outcome(&said));
        match said {
            Ok(Verdict::Allow) => login.right(),
            // nobody else is left to ask
            Ok(Verdict::Deny | Verdict::Ignore) => login.wrong(),
            Err(error) => {
                tracing::debug!(error = %Causes(&error), "a login could not be judged");
                self.fail(login, took);
            }
        }
    }

    fn fail(&mut self, login: Login, took: Duration) {
        let unjudged = NoLogin::from(Refusal::Unavailable);
        if self.pulse.health() != Health::Hard {
            return login.refused(unjudged);
        }
        self.delays.spawn(async move {
            sleep(PROBE_EVERY.saturating_sub(took)).await;
            login.refused(unjudged);
        });
    }
}

async fn ask(client: Client, login: Login) -> Asked {
    let asked = Instant::now();
    let said = client.ask(login.question.clone()).await;
    Asked {
        login,
        said,
        took: asked.elapsed(),
    }
}

fn outcome(said: &Result<Verdict, BackendError>) -> BackendOutcome {
    match said {
        Ok(Verdict::Allow) => BackendOutcome::Allow,
        Ok(Verdict::Deny) => BackendOutcome::Deny,
        Ok(Verdict::Ignore) => BackendOutcome::Ignore,
        Err(error) => error.outcome(),
    }
}
