//! Clients that were let in and have no CONNACK yet.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use herdgate_admission::places::Place;
use herdgate_admission::times::Times;

use crate::process::Clock;

/// All of one worker.
#[derive(Debug, Default)]
pub(super) struct Enterings {
    /// Since when, by arrival: the first is the oldest.
    since: RefCell<BTreeMap<u64, Duration>>,
    next: Cell<u64>,
    times: RefCell<Times>,
}

/// One client on its way in. Dropping it gives its place back.
#[derive(Debug)]
pub(super) struct Entering {
    all: Rc<Enterings>,
    clock: Clock,
    number: u64,
    since: Duration,
    /// A wait that was given up counts when it was longer.
    telling: Duration,
    connacked: bool,
    _place: Place,
}

impl Enterings {
    pub(super) fn begin(
        self: &Rc<Self>,
        place: Place,
        clock: Clock,
        telling: Duration,
    ) -> Entering {
        let number = self.next.get();
        self.next.set(number + 1);
        let since = clock.now();
        self.since.borrow_mut().insert(number, since);
        Entering {
            all: Rc::clone(self),
            clock,
            number,
            since,
            telling,
            connacked: false,
            _place: place,
        }
    }

    pub(super) fn oldest(&self) -> Option<Duration> {
        self.since
            .borrow()
            .first_key_value()
            .map(|(_, since)| *since)
    }

    /// The times to CONNACK since this was last asked.
    pub(super) fn take_times(&self) -> Times {
        self.times.take()
    }
}

impl Entering {
    /// CONNACK is on its way. Returns how long it took.
    pub(super) fn connack(mut self) -> Duration {
        self.connacked = true;
        let took = self.clock.now().saturating_sub(self.since);
        self.all.times.borrow_mut().record(took);
        took
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        self.all.since.borrow_mut().remove(&self.number);
        if !self.connacked {
            let waited = self.clock.now().saturating_sub(self.since);
            self.all
                .times
                .borrow_mut()
                .record_at_least(waited, self.telling);
        }
    }
}
