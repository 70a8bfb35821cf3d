//! The gate: before any TLS byte, is the slice of the peer's address open, and is there a place?

mod comers;
mod pass;
mod sweep;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use herdgate_admission::edge::EdgeView;
use herdgate_admission::hold::Hold;
use herdgate_admission::places::Place;
use herdgate_admission::times::Times;
use tokio::sync::{Notify, oneshot};

use super::questions::Standing;
use super::shared::Shared;
use crate::process::Clock;

pub(super) use pass::{Answer, Verdict};

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

    /// Tell this when a place is given back on this thread.
    pub(super) fn given_back(&self) -> Rc<Notify> {
        Rc::clone(&self.given_back)
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
}
