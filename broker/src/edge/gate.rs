//! The gate: before any TLS byte, is the slice of the peer's address open, and is there a place?

mod comers;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use herdgate_admission::edge::{EdgeView, Mode};
use herdgate_admission::hold::{Hold, NO_SLICE, SWEEP_EVERY};
use herdgate_admission::last_class::Comer;
use herdgate_admission::places::Place;
use herdgate_admission::slicing::Where;
use herdgate_admission::times::Times;
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::sleep;

use super::peer;
use super::questions::Standing;
use super::shared::Shared;
use crate::metrics::GateDecision;
use crate::process::Clock;
use comers::{slice_of, slice_of_address};

type SocketId = u64;

/// The gate of one worker.
#[derive(Debug)]
pub(super) struct Gate {
    clock: Clock,
    view: RefCell<EdgeView>,
    /// Before TLS, by address.
    hold: RefCell<Hold<SocketId>>,
    /// After CONNECT, by client id.
    clients: RefCell<Hold<SocketId>>,
    /// Who of the two is served first, in turn.
    clients_first: Cell<bool>,
    waiting: RefCell<HashMap<SocketId, Waiting>>,
    next: Cell<SocketId>,
    /// A place was given back on this thread.
    given_back: Rc<Notify>,
    closed: Cell<bool>,
}

#[derive(Debug)]
struct Waiting {
    who: Who,
    since: Duration,
    promoted: oneshot::Sender<Place>,
}

#[derive(Debug)]
enum Who {
    Address(IpAddr),
    Client(Box<str>),
}

/// What becomes of a client that has said its id.
#[derive(Debug)]
pub(super) enum Verdict {
    Enter(Place),
    /// It waited for its whole patience, or nobody more can wait.
    Busy,
    Gone,
}

/// What becomes of a socket.
#[derive(Debug)]
pub(super) enum Answer {
    /// Go on to TLS with this place.
    Enter(TcpStream, Place),
    /// Go on to CONNECT, then ask [`Gate::pass_client`]: the address does not tell.
    Later(TcpStream),
    /// The socket was held until its time was up, or could not be held: reset it.
    Reset(TcpStream),
    Gone,
}

impl Gate {
    /// `workers`: the hold budget is shared among so many gates.
    pub(super) fn new(index: usize, shared: &Shared, view: EdgeView) -> Self {
        let admission = &shared.settings.admission;
        let workers = shared.settings.workers.get();
        let share = |budget: u32| (budget as usize).div_ceil(workers);
        let seed = (u64::from(std::process::id()) << 16) ^ index as u64;
        let hold = |budget| {
            Hold::new(admission.patience, share(budget), seed).tuned(admission.tuning.hold)
        };
        let clients = hold(shared.hold_budgets.clients).for_the_whole_patience();
        let mut hold = hold(shared.hold_budgets.sockets);
        if admission.patience_learning {
            hold = hold.sampling(&admission.tuning);
        }
        Self {
            clock: shared.clock,
            hold: RefCell::new(hold),
            clients: RefCell::new(clients),
            clients_first: Cell::new(false),
            view: RefCell::new(view),
            waiting: RefCell::default(),
            next: Cell::new(0),
            given_back: Rc::default(),
            closed: Cell::new(false),
        }
    }

    /// Waits until it is decided whether the socket may come in.
    pub(super) async fn pass(&self, shared: &Shared, socket: TcpStream, address: IpAddr) -> Answer {
        let decisions = &shared.metrics.edge.gate;
        if shared.always_allow.contains(address) {
            decisions.inc(GateDecision::AlwaysAllow);
            return Answer::Enter(socket, shared.places.take_anyway());
        }
        let now = self.clock.now();
        let comer = Comer::Address(address);
        let slice = match self.decide(shared, comer, |view| slice_of_address(view, address, now)) {
            Ok(place) => {
                decisions.inc(GateDecision::Admit);
                return Answer::Enter(socket, place);
            }
            // A crowd that nobody has room for would do its handshakes in vain, and those come before logins: it is held as
            // cheaply as others, and comes again.
            Err(Where::ByClientId) if self.clients.borrow().is_full() => NO_SLICE,
            Err(Where::ByClientId) => {
                decisions.inc(GateDecision::ClientId);
                return Answer::Later(socket);
            }
            Err(Where::Slice(slice)) => slice,
        };
        let held = shared.sockets.try_hold();
        let held =
            held.and_then(|held| Some((held, self.hold(slice, comer, Who::Address(address))?)));
        let Some((_held, (id, promoted))) = held else {
            decisions.inc(GateDecision::Reset);
            return Answer::Reset(socket);
        };
        decisions.inc(GateDecision::Hold);
        self.wait(shared, slice, id, promoted, socket).await
    }

    /// Waits until it is decided whether a client may come in that has sent CONNECT and whose address does not tell.
    /// `left` ends when it has left.
    pub(super) async fn pass_client(
        &self,
        shared: &Shared,
        client_id: &str,
        left: impl Future<Output = ()>,
    ) -> Verdict {
        let decisions = &shared.metrics.edge.gate;
        let find = |view: &EdgeView| Where::Slice(view.table.slice_of_client(client_id));
        let comer = Comer::client(client_id);
        let slice = match self.decide(shared, comer, find) {
            Ok(place) => {
                decisions.inc(GateDecision::Admit);
                return Verdict::Enter(place);
            }
            Err(found) => found.slice().unwrap_or(NO_SLICE),
        };
        let Some((id, promoted)) = self.hold(slice, comer, Who::Client(client_id.into())) else {
            decisions.inc(GateDecision::Busy);
            return Verdict::Busy;
        };
        decisions.inc(GateDecision::Hold);
        tokio::select! {
            biased;
            () = left => {
                self.forget(id);
                Verdict::Gone
            }
            verdict = promoted => if let Ok(place) = verdict {
                decisions.inc(GateDecision::Promote);
                shared.entered.count(slice);
                Verdict::Enter(place)
            } else {
                decisions.inc(GateDecision::Busy);
                Verdict::Busy
            },
        }
    }

    /// A place, or where whoever asks must wait for one.
    fn decide(
        &self,
        shared: &Shared,
        comer: Comer,
        find: impl FnOnce(&EdgeView) -> Where,
    ) -> Result<Place, Where> {
        let view = self.view.borrow();
        let found = find(&view);
        let place = match found {
            _ if view.holds_nobody() => {
                let would_hold = matches!(found, Where::Slice(slice) if !view.law_admits(slice, shared.places.used()));
                if view.mode == Mode::DryRun && would_hold {
                    shared.metrics.edge.gate.inc(GateDecision::WouldHold);
                }
                Some(shared.places.take_anyway())
            }
            Where::Slice(slice) if view.admits(slice) => {
                if view.last_class.has(comer, self.clock.now()) {
                    shared.places.try_take_last()
                } else {
                    shared.places.try_take()
                }
            }
            Where::Slice(_) | Where::ByClientId => None,
        };
        if let (Some(_), Where::Slice(slice)) = (&place, found) {
            shared.entered.count(slice);
        }
        place.ok_or(found)
    }

    fn hold(
        &self,
        slice: u32,
        comer: Comer,
        who: Who,
    ) -> Option<(SocketId, oneshot::Receiver<Place>)> {
        let id = self.next.get();
        self.next.set(id + 1);
        if self.closed.get() {
            return None;
        }
        let hold = match who {
            Who::Address(_) => &self.hold,
            Who::Client(_) => &self.clients,
        };
        let now = self.clock.now();
        let (mut hold, is_last) = (
            hold.borrow_mut(),
            self.view.borrow().last_class.has(comer, now),
        );
        hold.hold(id, slice, is_last, now).ok()?;
        drop(hold);
        let (promoted, verdict) = oneshot::channel();
        let waiting = Waiting {
            who,
            since: self.clock.now(),
            promoted,
        };
        self.waiting.borrow_mut().insert(id, waiting);
        // It may stand at an open door, and the sweeper may be asleep.
        self.given_back.notify_one();
        Some((id, verdict))
    }

    /// It left while it waited.
    fn forget(&self, id: SocketId) {
        self.waiting.borrow_mut().remove(&id);
        let now = self.clock.now();
        self.hold.borrow_mut().remove(id, now);
        self.clients.borrow_mut().remove(id, now);
        self.place_given_back();
    }

    async fn wait(
        &self,
        shared: &Shared,
        slice: u32,
        id: SocketId,
        promoted: oneshot::Receiver<Place>,
        socket: TcpStream,
    ) -> Answer {
        let decisions = &shared.metrics.edge.gate;
        tokio::select! {
            biased;
            () = peer::gone(&socket) => {
                self.forget(id);
                Answer::Gone
            }
            verdict = promoted => match verdict {
                Ok(_) if peer::is_gone(&socket) => {
                    self.place_given_back();
                    Answer::Gone
                }
                Ok(place) => {
                    decisions.inc(GateDecision::Promote);
                    shared.entered.count(slice);
                    if let Ok(socket) = peer::registered_anew(socket) {
                        Answer::Enter(socket, place)
                    } else {
                        self.place_given_back();
                        Answer::Gone
                    }
                }
                Err(_) => {
                    decisions.inc(GateDecision::Expired);
                    Answer::Reset(socket)
                }
            },
        }
    }

    /// Tell this when a place is given back on this thread.
    pub(super) fn given_back(&self) -> Rc<Notify> {
        Rc::clone(&self.given_back)
    }

    /// A place was taken for nothing, so that somebody else may have it.
    fn place_given_back(&self) {
        if !self.waiting.borrow().is_empty() {
            self.given_back.notify_one();
        }
    }

    /// The time to CONNACK that is aimed at.
    pub(super) fn aim(&self) -> Duration {
        self.view.borrow().aim
    }

    /// How long sampled clients waited that gave up, since this was last asked.
    pub(super) fn take_given_up(&self) -> Times {
        self.hold.borrow_mut().take_given_up()
    }

    /// Clients waiting in open slices, and in closed ones.
    pub(super) fn waiting(&self) -> (u32, u32) {
        let (hold, clients) = (self.hold.borrow(), self.clients.borrow());
        (hold.door() + clients.door(), hold.held() + clients.held())
    }

    /// The lowest closed slice that somebody waits in.
    pub(super) fn lowest_held(&self) -> Option<u32> {
        let lowest = [&self.hold, &self.clients].map(|hold| hold.borrow().lowest_held());
        lowest.into_iter().flatten().min()
    }

    /// Who is held with this address.
    pub(super) fn standing(&self, address: IpAddr) -> Standing {
        let waiting = self.waiting.borrow();
        let with_it = waiting
            .values()
            .filter(|held| matches!(held.who, Who::Address(held) if held == address));
        with_it.fold(Standing::default(), |standing, held| Standing {
            waiting: standing.waiting + 1,
            oldest: standing
                .oldest
                .max(Some(self.clock.now().saturating_sub(held.since))),
        })
    }

    /// Resets all that are held, and holds nobody any more.
    pub(super) fn close(&self) {
        self.closed.set(true);
        let ids: Vec<_> = self
            .waiting
            .borrow_mut()
            .drain()
            .map(|(id, _)| id)
            .collect();
        for id in ids {
            // nobody of these has lost patience
            self.hold.borrow_mut().remove(id, Duration::ZERO);
            self.clients.borrow_mut().remove(id, Duration::ZERO);
        }
    }

    /// Lets in and resets whoever is due, as views, places and time go by. Runs as long as the worker.
    pub(super) async fn run(&self, shared: &Shared, mut views: watch::Receiver<EdgeView>) {
        loop {
            self.adopt(&views.borrow_and_update().clone());
            self.sweep(shared);
            let anybody_waits = !self.waiting.borrow().is_empty();
            tokio::select! {
                changed = views.changed() => if changed.is_err() { return },
                () = self.given_back.notified() => {}
                () = sleep(SWEEP_EVERY), if anybody_waits => {}
            }
        }
    }

    fn adopt(&self, new: &EdgeView) {
        let mut view = self.view.borrow_mut();
        let same = view.reopening == new.reopening
            && view.table.table_hash() == new.table.table_hash()
            && view.loosened == new.loosened;
        let now = self.clock.now();
        for hold in [&self.hold, &self.clients] {
            let mut hold = hold.borrow_mut();
            if same {
                hold.open_to(new.level);
            } else {
                let waiting = self.waiting.borrow();
                hold.recut(new.level, |id| slice_of(waiting.get(&id), new, now));
            }
            hold.set_patience(new.patience);
        }
        *view = new.clone();
    }

    fn sweep(&self, shared: &Shared) {
        // In turn, so that neither keeps the places from the other.
        let clients_first = !self.clients_first.replace(!self.clients_first.get());
        let both = [&self.hold, &self.clients];
        for hold in if clients_first {
            [both[1], both[0]]
        } else {
            both
        } {
            self.sweep_one(shared, &mut hold.borrow_mut());
        }
    }

    fn sweep_one(&self, shared: &Shared, hold: &mut Hold<SocketId>) {
        let now = self.clock.now();
        let usual = self.view.borrow().usual_time_to_connack;
        let mut waiting = self.waiting.borrow_mut();
        for id in hold.expire(usual, now) {
            // Dropping the sender tells the socket's task.
            waiting.remove(&id);
        }
        for (id, place) in hold.promote(&shared.places, usual, now) {
            if let Some(held) = waiting.remove(&id) {
                // A task that has ended meanwhile gives the place back by not taking it.
                let _ = held.promoted.send(place);
            }
        }
    }
}
