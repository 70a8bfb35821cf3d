//! Clients that were let in and have no CONNACK yet.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use herdgate_admission::last_class::{Came, Comer};
use herdgate_admission::places::Place;
use herdgate_admission::waits::Waits;
use tokio::sync::Notify;

use crate::process::Clock;

/// All of one worker.
#[derive(Debug, Default)]
pub(super) struct Enterings {
    clients: RefCell<BTreeMap<u64, Client>>,
    next: Cell<u64>,
    waits: RefCell<Waits>,
    came: RefCell<Vec<Came>>,
    /// Told when a place is given back on this thread.
    given_back: Rc<Notify>,
}

#[derive(Debug)]
struct Client {
    /// `None`: it was given back before CONNACK.
    place: Option<Place>,
    /// `None`: nobody wants to know what becomes of it.
    comer: Option<Comer>,
    /// The shard that it waits for, and since when.
    shard: Option<(u32, Duration)>,
    /// Since when it has waited for us, as if all its waits for us were the end of one; `None`: it does not now. Who is yet
    /// to speak does not: a silent client says nothing about how slow we are.
    waiting: Option<Duration>,
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
        comer: Option<Comer>,
        clock: Clock,
        telling: Duration,
    ) -> Entering {
        let number = self.next.get();
        self.next.set(number + 1);
        let client = Client {
            place: Some(place),
            comer,
            shard: None,
            waiting: None,
        };
        self.clients.borrow_mut().insert(number, client);
        Entering {
            all: Rc::clone(self),
            clock,
            number,
            since: clock.now(),
            waited: Cell::default(),
            telling,
            connacked: false,
        }
    }

    /// Since when the one has waited for us that has waited longest of those that do not wait for a shard.
    pub(super) fn oldest(&self) -> Option<Duration> {
        let clients = self.clients.borrow();
        let of_none = clients.values().filter(|client| client.shard.is_none());
        of_none.filter_map(|client| client.waiting).min()
    }

    /// The waits since this was last asked.
    pub(super) fn take_waits(&self, now: Duration) -> Waits {
        let mut waits = self.waits.take();
        for client in self.clients.borrow().values() {
            if let (Some((shard, _)), Some(since)) = (client.shard, client.waiting) {
                let of_shard = waits.of(shard);
                of_shard.oldest = of_shard.oldest.max(Some(now.saturating_sub(since)));
            }
        }
        waits
    }

    /// How clients' ways in ended since this was last asked.
    pub(super) fn take_came(&self) -> Vec<Came> {
        self.came.take()
    }

    pub(super) fn settled(&self, comer: Option<Comer>) {
        if let Some(comer) = comer {
            self.came(Came::Settled(comer));
        }
    }

    pub(super) fn came(&self, came: Came) {
        self.came.borrow_mut().push(came);
    }

    /// Whoever has waited for a shard that is late for longer than `most` goes on without a place, so that somebody else may
    /// come in. Returns how many these are.
    pub(super) fn give_back(
        &self,
        is_late: impl Fn(u32) -> bool,
        most: Duration,
        now: Duration,
    ) -> usize {
        let waits_too_long = |client: &Client| {
            let waits = |(shard, since): (u32, Duration)| {
                now.saturating_sub(since) > most && is_late(shard)
            };
            client.place.is_some() && client.shard.is_some_and(waits)
        };
        let mut clients = self.clients.borrow_mut();
        let late = clients.values_mut().filter(|client| waits_too_long(client));
        let places: Vec<_> = late.filter_map(|client| client.place.take()).collect();
        let given_back = places.len();
        if given_back > 0 {
            drop(places);
            self.given_back.notify_one();
        }
        given_back
    }
}

impl Entering {
    /// The client waits for `work` of ours, and not we for a byte of the client's.
    pub(super) async fn waits_for<T>(&self, work: impl Future<Output = T>) -> T {
        let _wait = Wait::begin(self);
        work.await
    }

    /// From now on it waits for this shard.
    pub(super) fn is_for(&self, shard: u32) {
        self.with(|client| client.shard = Some((shard, self.clock.now())));
    }

    /// What becomes of it is our doing, and not to be held against it.
    pub(super) fn spare(&self) {
        self.take_comer();
    }

    /// Whom the caller keeps in mind from now on.
    pub(super) fn take_comer(&self) -> Option<Comer> {
        let mut clients = self.all.clients.borrow_mut();
        clients.get_mut(&self.number)?.comer.take()
    }

    /// CONNACK is on its way. Returns how long it took.
    pub(super) fn connack(mut self) -> Duration {
        self.connacked = true;
        self.clock.now().saturating_sub(self.since)
    }

    fn with(&self, then: impl FnOnce(&mut Client)) {
        if let Some(client) = self.all.clients.borrow_mut().get_mut(&self.number) {
            then(client);
        }
    }
}

impl Drop for Entering {
    fn drop(&mut self) {
        let Some(client) = self.all.clients.borrow_mut().remove(&self.number) else {
            return;
        };
        let took = self.clock.now().saturating_sub(self.since);
        let mut waits = self.all.waits.borrow_mut();
        let times = match client.shard {
            Some((shard, _)) => &mut waits.of(shard).times,
            None => &mut waits.elsewhere,
        };
        if self.connacked {
            times.record(took);
        } else {
            times.record_at_least(took, self.telling);
        }
        drop(waits);
        // whoever left because it waited too long for us has not come to nothing by its own doing
        let left_for_us = !self.connacked && self.waited.get() > self.telling;
        if let Some(comer) = client.comer.filter(|_| !left_for_us) {
            self.all.came(Came::ToNothing(comer));
        }
        // Whoever is woken runs on this thread, when the place is back.
        drop(client.place);
        self.all.given_back.notify_one();
    }
}

/// A wait for us, until it is dropped.
struct Wait<'a>(&'a Entering);

impl<'a> Wait<'a> {
    fn begin(entering: &'a Entering) -> Self {
        let since = entering.clock.now().saturating_sub(entering.waited.get());
        entering.with(|client| client.waiting = Some(since));
        Self(entering)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let mut since = None;
        self.0.with(|client| since = client.waiting.take());
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
    const COMER: Comer = Comer::Client(7);

    fn one() -> (Rc<Enterings>, Rc<Notify>, Places, Entering) {
        let given_back = Rc::new(Notify::new());
        let all = Rc::new(Enterings::new(Rc::clone(&given_back)));
        let places = Places::default();
        let entering = all.begin(places.take_anyway(), Some(COMER), Clock::start(), TELLING);
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

    #[test]
    fn whoever_waits_for_a_late_shard_gives_its_place_back_and_counts_with_that_shard() {
        let (all, given_back, places, entering) = one();
        entering.is_for(3);
        let mut attach = pin!(entering.waits_for(std::future::pending::<()>()));
        assert!(attach.as_mut().now_or_never().is_none());
        let later = entering.clock.now() + TELLING * 2;
        assert_eq!(all.oldest(), None, "not of those that wait for no shard");
        let oldest = all.take_waits(later).of(3).oldest;
        assert!(oldest >= Some(TELLING), "{oldest:?}");
        assert_eq!(all.give_back(|shard| shard != 3, TELLING, later), 0);
        assert_eq!(all.give_back(|_| true, TELLING * 3, later), 0);
        assert_eq!(places.used(), 1);
        assert_eq!(all.give_back(|shard| shard == 3, TELLING, later), 1);
        assert_eq!(places.used(), 0);
        assert!(given_back.notified().now_or_never().is_some());
    }

    #[test]
    fn what_becomes_of_a_client_is_told_unless_somebody_else_keeps_it_in_mind() {
        let (all, _, _, entering) = one();
        entering.connack();
        assert_eq!(all.take_came(), [Came::ToNothing(COMER)]);
        let (all, _, _, entering) = one();
        assert_eq!(entering.take_comer(), Some(COMER));
        drop(entering);
        assert_eq!(all.take_came(), []);
        let (all, _, _, entering) = one();
        entering.waited.set(TELLING * 2);
        drop(entering);
        assert_eq!(all.take_came(), [], "it left because it waited for us");
    }
}
