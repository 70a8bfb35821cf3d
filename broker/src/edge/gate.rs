//! The gate: before any TLS byte, is the slice of the peer's address open, and is there a place?

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use herdgate_admission::edge::{EdgeView, Mode};
use herdgate_admission::hold::{Hold, SWEEP_EVERY};
use herdgate_admission::places::Place;
use herdgate_admission::slicing::SliceTable;
use herdgate_admission::times::Times;
use herdgate_admission::tuning::Tuning;
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::sleep;

use super::peer;
use super::questions::Standing;
use super::shared::Shared;
use crate::metrics::GateDecision;
use crate::process::Clock;

type SocketId = u64;

/// The gate of one worker.
#[derive(Debug)]
pub(super) struct Gate {
    clock: Clock,
    view: RefCell<EdgeView>,
    hold: RefCell<Hold<SocketId>>,
    waiting: RefCell<HashMap<SocketId, Waiting>>,
    next: Cell<SocketId>,
    /// A place was given back on this thread.
    given_back: Rc<Notify>,
    closed: Cell<bool>,
}

#[derive(Debug)]
struct Waiting {
    address: IpAddr,
    since: Duration,
    promoted: oneshot::Sender<Place>,
}

/// What becomes of a socket.
#[derive(Debug)]
pub(super) enum Answer {
    /// Go on to TLS with this place.
    Enter(TcpStream, Place),
    /// The socket was held until its time was up, or could not be held: reset it.
    Reset(TcpStream),
    Gone,
}

impl Gate {
    /// `workers`: the hold budget is shared among so many gates.
    pub(super) fn new(index: usize, shared: &Shared, view: EdgeView) -> Self {
        let admission = &shared.settings.admission;
        let workers = shared.settings.workers.get();
        let budget = admission.hold_budget as usize;
        let seed = (u64::from(std::process::id()) << 16) ^ index as u64;
        let mut hold = Hold::new(admission.patience, budget.div_ceil(workers), seed);
        if admission.patience_learning {
            hold = hold.sampling(&Tuning::default());
        }
        Self {
            clock: shared.clock,
            hold: RefCell::new(hold),
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
        let slice = {
            let view = self.view.borrow();
            let slice = slice_of(&view.table, address);
            let place = if view.holds_nobody() {
                if view.mode == Mode::DryRun && !view.law_admits(slice, shared.places.used()) {
                    decisions.inc(GateDecision::WouldHold);
                }
                Some(shared.places.take_anyway())
            } else {
                view.admits(slice)
                    .then(|| shared.places.try_take())
                    .flatten()
            };
            if let Some(place) = place {
                decisions.inc(GateDecision::Admit);
                shared.entered.count(slice);
                return Answer::Enter(socket, place);
            }
            slice
        };
        let held = shared.sockets.try_hold();
        let held = held.and_then(|held| Some((held, self.hold(slice, address)?)));
        let Some((_held, (id, promoted))) = held else {
            decisions.inc(GateDecision::Reset);
            return Answer::Reset(socket);
        };
        decisions.inc(GateDecision::Hold);
        self.wait(shared, slice, id, promoted, socket).await
    }

    fn hold(&self, slice: u32, address: IpAddr) -> Option<(SocketId, oneshot::Receiver<Place>)> {
        let id = self.next.get();
        self.next.set(id + 1);
        if self.closed.get() {
            return None;
        }
        self.hold
            .borrow_mut()
            .hold(id, slice, self.clock.now())
            .ok()?;
        let (promoted, verdict) = oneshot::channel();
        self.waiting.borrow_mut().insert(
            id,
            Waiting {
                address,
                since: self.clock.now(),
                promoted,
            },
        );
        // It may stand at an open door, and the sweeper may be asleep.
        self.given_back.notify_one();
        Some((id, verdict))
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
                self.waiting.borrow_mut().remove(&id);
                self.hold.borrow_mut().remove(id, self.clock.now());
                self.place_given_back();
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
        if self.hold.borrow().door() > 0 {
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
        let hold = self.hold.borrow();
        (hold.door(), hold.held())
    }

    /// Who is held with this address.
    pub(super) fn standing(&self, address: IpAddr) -> Standing {
        let waiting = self.waiting.borrow();
        let with_it = waiting.values().filter(|held| held.address == address);
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
        let mut hold = self.hold.borrow_mut();
        for id in ids {
            // nobody of these has lost patience
            hold.remove(id, Duration::ZERO);
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
        let mut hold = self.hold.borrow_mut();
        if view.reopening == new.reopening {
            hold.open_to(new.level);
        } else {
            let waiting = self.waiting.borrow();
            let slice_of = |id| {
                waiting.get(&id).map_or(u32::MAX, |held: &Waiting| {
                    slice_of(&new.table, held.address)
                })
            };
            hold.recut(new.level, slice_of);
        }
        hold.set_patience(new.patience);
        *view = new.clone();
    }

    fn sweep(&self, shared: &Shared) {
        let now = self.clock.now();
        let usual = self.view.borrow().usual_time_to_connack;
        let mut hold = self.hold.borrow_mut();
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

/// Who is sliced by client id comes with the first: no configuration asks for it yet.
pub(super) fn slice_of(table: &SliceTable, address: IpAddr) -> u32 {
    table.slice_of(address).slice().unwrap_or(0)
}
