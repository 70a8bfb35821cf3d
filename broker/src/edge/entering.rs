//! Clients that were let in and have no CONNACK yet.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use herdgate_admission::places::Place;
use herdgate_admission::times::Times;
use tokio::sync::Notify;

use crate::process::Clock;

/// All of one worker.
#[derive(Debug, Default)]
pub(super) struct Enterings {
    /// Who waits for us now, and since when, as if all their waits for us were the end of one. Who is yet to speak is
    /// not among them: a silent client says nothing about how slow we are.
    waiting: RefCell<BTreeMap<u64, Duration>>,
    next: Cell<u64>,
    times: RefCell<Times>,
    /// Told when a place is given back on this thread.
    given_back: Rc<Notify>,
}

/// One client on its way in. Dropping it gives its place back.
#[derive(Debug)]
pub(super) struct Entering {
    all: Rc<Enterings>,
    clock: Clock,
    number: u64,
    since: Duration,
    /// How long it has waited for us in waits that are over.
    waited: Cell<Duration>,
    /// A wait that was given up counts when it was longer.
    telling: Duration,
    connacked: bool,
    _place: Place,
}

impl Enterings {
    pub(super) fn new(given_back: Rc<Notify>) -> Self {
        Self {
            given_back,
            ..Self::default()
        }
    }

    pub(super) fn begin(
        self: &Rc<Self>,
        place: Place,
        clock: Clock,
        telling: Duration,
    ) -> Entering {
        let number = self.next.get();
        self.next.set(number + 1);
        Entering {
            all: Rc::clone(self),
            clock,
            number,
            since: clock.now(),
            waited: Cell::default(),
            telling,
            connacked: false,
            _place: place,
        }
    }

    /// Since when whoever waits longest has waited for us.
    pub(super) fn oldest(&self) -> Option<Duration> {
        self.waiting.borrow().values().min().copied()
    }

    /// The times to CONNACK since this was last asked.
    pub(super) fn take_times(&self) -> Times {
        self.times.take()
    }
}

impl Entering {
    /// The client waits for `work` of ours, and not we for a byte of the client's.
    pub(super) async fn waits_for<T>(&self, work: impl Future<Output = T>) -> T {
        let _wait = Wait::begin(self);
        work.await
    }

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
        if !self.connacked {
            let waited = self.clock.now().saturating_sub(self.since);
            self.all
                .times
                .borrow_mut()
                .record_at_least(waited, self.telling);
        }
        // Whoever is woken runs on this thread, when the place is back.
        self.all.given_back.notify_one();
    }
}

/// A wait for us, until it is dropped.
struct Wait<'a>(&'a Entering);

impl<'a> Wait<'a> {
    fn begin(entering: &'a Entering) -> Self {
        let since = entering.clock.now().saturating_sub(entering.waited.get());
        let mut waiting = entering.all.waiting.borrow_mut();
        waiting.insert(entering.number, since);
        Self(entering)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let since = self.0.all.waiting.borrow_mut().remove(&self.0.number);
        let waited = since.map(|since| self.0.clock.now().saturating_sub(since));
        self.0.waited.set(waited.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt;
    use herdgate_admission::places::Places;

    use super::*;

    const TELLING: Duration = Duration::from_secs(1);

    fn one() -> (Rc<Enterings>, Rc<Notify>, Places, Entering) {
        let given_back = Rc::new(Notify::new());
        let all = Rc::new(Enterings::new(Rc::clone(&given_back)));
        let places = Places::default();
        let entering = all.begin(places.take_anyway(), Clock::start(), TELLING);
        (all, given_back, places, entering)
    }

    #[test]
    fn only_who_waits_for_us_is_old() {
        let (all, _, _, entering) = one();
        assert_eq!(all.oldest(), None, "the client is yet to speak");
        let mut login = pin!(entering.waits_for(std::future::pending::<()>()));
        assert!(login.as_mut().now_or_never().is_none());
        assert!(all.oldest().is_some());
    }

    #[test]
    fn waits_for_us_add_up_and_what_lies_between_does_not_count() {
        let (all, _, _, entering) = one();
        entering.waits_for(async {}).now_or_never().unwrap();
        assert_eq!(all.oldest(), None);
        entering.waited.set(entering.clock.now() + TELLING);
        let _wait = Wait::begin(&entering);
        assert_eq!(all.oldest(), Some(Duration::ZERO), "its first wait counts");
    }

    #[test]
    fn a_place_that_is_given_back_is_told_of_however_it_was() {
        for connacked in [true, false] {
            let (_, given_back, places, entering) = one();
            if connacked {
                entering.connack();
            } else {
                drop(entering);
            }
            assert_eq!(places.used(), 0);
            assert!(given_back.notified().now_or_never().is_some());
        }
    }
}
