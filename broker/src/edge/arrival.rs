//! A client whose CONNECT is here, on its way to a session.

use std::cell::Cell;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::sleep;

use super::attach::{self, NoSession};
use super::connect::Opening;
use super::entering::Entering;
use super::gate::Verdict;
use super::replies::{self, Hearer};
use super::shared::ListenerShared;
use super::stream::Stream;
use super::worker::Worker;
use crate::auth::{NoLogin, Refusal};
use crate::codec::ReasonCode;
use crate::metrics::WaitMetrics;

/// Clients of one worker whose waits are held; the others are answered at once and may come again. With TLS they take
/// some 30 KB each.
const MOST_HELD: usize = 512;

pub(super) struct Arrival<'a> {
    pub(super) worker: &'a Rc<Worker>,
    pub(super) listener: &'a ListenerShared,
    pub(super) stream: &'a mut Stream,
    pub(super) opening: &'a mut Opening,
    /// Its place among those who may enter; `None`: it was given back, so that somebody else may.
    pub(super) entering: Option<Entering>,
    pub(super) peer: SocketAddr,
}

/// How a wait of a client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// It is over.
    Through,
    /// It would be longer than a client can be held.
    Cut,
    Gone,
}

/// One of those who are held, counted until it is dropped.
struct Place<'a> {
    held: &'a Cell<usize>,
    metrics: &'a WaitMetrics,
}

impl<'a> Place<'a> {
    fn take(worker: &'a Worker) -> Option<Self> {
        let (held, metrics) = (&worker.held_logins, &worker.shared.metrics.login.waits);
        if held.get() >= MOST_HELD {
            metrics.unheld.inc();
            return None;
        }
        held.set(held.get() + 1);
        metrics.held.inc();
        Some(Self { held, metrics })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.held.set(self.held.get() - 1);
        self.metrics.held.dec();
    }
}

/// The client waits for `work` of ours.
pub(super) async fn waits_for<T>(entering: Option<&Entering>, work: impl Future<Output = T>) -> T {
    match entering {
        Some(entering) => entering.waits_for(work).await,
        None => work.await,
    }
}

impl Arrival<'_> {
    /// Lets the client wait, and then in; or tells it to come again when it cannot wait so long.
    pub(super) async fn wait_to_enter(&mut self, wait: Duration) -> Result<(), NoSession> {
        // one way in, of which something comes or nothing
        let comer = self.entering.as_ref().and_then(Entering::take_comer);
        let held = self.hold(wait).await;
        if let (Held::Cut | Held::Gone, Some(comer)) = (held, comer) {
            self.worker.came_to_nothing(comer);
        }
        match held {
            Held::Through => {
                // Whoever waited for its turn does not wait for a place as well: these are few.
                let place = self.worker.shared.places.take_anyway();
                self.entering = Some(self.worker.begin_entering(place, comer));
                Ok(())
            }
            Held::Cut => Err(self.told(Refusal::TooSoon)),
            Held::Gone => Err(NoSession::Gone),
        }
    }

    /// A client whose address does not tell waits until the slice of its id is open and there is a place, or is told to
    /// come again.
    pub(super) async fn pass_by_client_id(&mut self) -> Result<(), NoSession> {
        let worker = self.worker;
        let connect = &self.opening.connect;
        let hearer = Hearer::of(connect);
        // Who is yet to be given an id is one of many, too.
        let id = match &*connect.client_id {
            "" => self.peer.to_string(),
            id => id.to_owned(),
        };
        let left = attach::left(worker, self.stream, &mut self.opening.early);
        match worker.gate.pass_client(&worker.shared, &id, left).await {
            Verdict::Enter(place) => {
                let comer = worker.gate.comer_of_client(&id);
                self.entering = Some(worker.begin_entering(place, comer));
                Ok(())
            }
            Verdict::Busy => Err(NoSession::Refused(replies::busy(hearer))),
            Verdict::Gone => Err(NoSession::Gone),
        }
    }

    /// What a client is told that may not come in, once it has waited for it.
    pub(super) async fn refused(&mut self, no: NoLogin) -> NoSession {
        tracing::debug!(peer = %self.peer, reason = no.refusal.name(), "login refused");
        if no.refusal.is_ours()
            && let Some(entering) = &self.entering
        {
            entering.spare();
        }
        if !no.wait.is_zero() && self.hold(no.wait).await == Held::Gone {
            return NoSession::Gone;
        }
        self.told(no.refusal)
    }

    fn told(&self, refusal: Refusal) -> NoSession {
        let (v3, v5) = (ReasonCode(refusal.v3_code()), ReasonCode(refusal.v5_code()));
        let hearer = Hearer::of(&self.opening.connect);
        NoSession::Refused(replies::connack(hearer, v3, v5, refusal.text()))
    }

    /// For half the patience at most: then the client would soon start again by itself.
    async fn hold(&mut self, wait: Duration) -> Held {
        self.entering = None;
        let Some(_place) = Place::take(self.worker) else {
            return Held::Cut;
        };
        let longest = self.worker.shared.patience() / 2;
        let left = attach::left(self.worker, self.stream, &mut self.opening.early);
        tokio::select! {
            biased;
            () = sleep(wait.min(longest)) => if wait > longest { Held::Cut } else { Held::Through },
            () = left => Held::Gone,
        }
    }
}
