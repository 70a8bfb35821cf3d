//! Sockets that wait before TLS: refused for now, kept idle, promoted or reset.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

use crate::places::{Place, Places};
use crate::stable::{Random, spread};
use crate::times::Times;
use crate::tuning::{HoldTuning, Tuning};

/// Opens with no level: for sockets that wait for something else.
pub const NO_SLICE: u32 = u32::MAX;
/// How often a worker looks after its held sockets when nothing else makes it: a twentieth of the shortest hold at a
/// patience of 1 s, so that nobody waits noticeably longer than meant.
pub const SWEEP_EVERY: Duration = Duration::from_millis(10);

/// The held sockets of one edge worker. `Id` is the worker's own name for a socket.
///
/// Every operation costs at most the logarithm of the number held, per socket it touches.
#[derive(Debug)]
pub struct Hold<Id> {
    patience: Duration,
    tuning: HoldTuning,
    sampling: Option<Sampling>,
    /// Nobody is told before the whole patience is over.
    whole: bool,
    budget: usize,
    random: Random,
    level: u32,
    next: Arrival,
    ids: HashMap<Id, Arrival>,
    sockets: BTreeMap<Arrival, Held<Id>>,
    deadlines: BTreeSet<(Duration, Arrival)>,
    /// Waiting in open slices.
    door: BTreeSet<Arrival>,
    /// The same of the last class.
    last: BTreeSet<Arrival>,
    /// Waiting in closed slices, by slice, so that a moving level touches only those it opens.
    closed: BTreeSet<(u32, Arrival)>,
}

/// Grows with each arrival: later is newer.
type Arrival = u64;

#[derive(Debug)]
struct Held<Id> {
    id: Id,
    /// Kept until it leaves by itself, as long as its slice is closed.
    is_sample: bool,
    is_last: bool,
    slice: u32,
    arrived: Duration,
    deadline: Duration,
}

/// Which sockets are kept longer than others, so that their patience shows.
#[derive(Debug)]
struct Sampling {
    percent: u32,
    within: Duration,
    least: Duration,
    given_up: Times,
}

/// Why a socket is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHeld {
    #[error("failed to hold a socket: the budget is used up")]
    OverBudget,
    #[error("failed to hold a socket: it is held already")]
    Already,
}

impl<Id: Copy + Eq + Hash> Hold<Id> {
    /// `budget`: this worker's share of the process's budget. `seed`: anything that differs between workers.
    pub fn new(patience: Duration, budget: usize, seed: u64) -> Self {
        Self {
            patience,
            tuning: HoldTuning::default(),
            sampling: None,
            whole: false,
            budget,
            random: Random::new(seed),
            level: 0,
            next: 0,
            ids: HashMap::new(),
            sockets: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            door: BTreeSet::new(),
            last: BTreeSet::new(),
            closed: BTreeSet::new(),
        }
    }

    #[must_use]
    pub fn tuned(self, tuning: HoldTuning) -> Self {
        Self { tuning, ..self }
    }

    /// Keeps some sockets of closed slices until they leave by themselves, to learn from them; see [`Hold::take_given_up`].
    #[must_use]
    pub fn sampling(mut self, tuning: &Tuning) -> Self {
        self.sampling = Some(Sampling {
            percent: tuning.sample_percent,
            within: tuning.sample_within,
            least: tuning.least_give_up,
            given_up: Times::default(),
        });
        self
    }

    /// For clients that have been served with TLS and CONNECT already: they wait as long as they can.
    #[must_use]
    pub fn for_the_whole_patience(self) -> Self {
        Self {
            whole: true,
            ..self
        }
    }

    /// For sockets that come from now on, and for whom to promote.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// How long sampled clients waited that have left by themselves since this was last asked.
    pub fn take_given_up(&mut self) -> Times {
        let sampling = self.sampling.as_mut();
        sampling.map_or_else(Times::default, |sampling| {
            std::mem::take(&mut sampling.given_up)
        })
    }

    /// Keeps a socket until the returned deadline; reset it at once when this fails. `is_last`: it is of the last class.
    pub fn hold(
        &mut self,
        id: Id,
        slice: u32,
        is_last: bool,
        now: Duration,
    ) -> Result<Duration, NotHeld> {
        if self.ids.contains_key(&id) {
            return Err(NotHeld::Already);
        }
        if self.sockets.len() >= self.budget {
            return Err(NotHeld::OverBudget);
        }
        let arrival = self.next;
        self.next += 1;
        let sampled = self.samples();
        let deadline = now.saturating_add(sampled.unwrap_or_else(|| self.hold_for()));
        self.ids.insert(id, arrival);
        self.deadlines.insert((deadline, arrival));
        self.sockets.insert(
            arrival,
            Held {
                id,
                is_sample: sampled.is_some(),
                is_last,
                slice,
                arrived: now,
                deadline,
            },
        );
        self.place(arrival, slice, is_last);
        Ok(deadline)
    }

    /// The peer has gone. `false`: it was not held.
    pub fn remove(&mut self, id: Id, now: Duration) -> bool {
        let arrival = self.ids.get(&id).copied();
        let held = arrival.and_then(|arrival| self.take(arrival));
        let Some(held) = held else {
            return false;
        };
        if let Some(sampling) = self.sampling.as_mut().filter(|_| held.is_sample) {
            let waited = now.saturating_sub(held.arrived);
            sampling.given_up.record_at_least(waited, sampling.least);
        }
        true
    }

    /// More slices are open; a level never falls within a reopening, so a lower one changes nothing.
    pub fn open_to(&mut self, level: u32) {
        if level <= self.level {
            return;
        }
        self.level = level;
        let still_closed = self.closed.split_off(&(level, 0));
        let opened = std::mem::replace(&mut self.closed, still_closed);
        for (slice, arrival) in opened {
            let is_last = self.sockets.get(&arrival).is_some_and(|held| held.is_last);
            self.place(arrival, slice, is_last);
        }
    }

    /// Another reopening with other slices begins.
    pub fn recut(&mut self, level: u32, mut slice_of: impl FnMut(Id) -> u32) {
        self.level = level;
        self.door.clear();
        self.last.clear();
        self.closed.clear();
        let slices: Vec<_> = self
            .sockets
            .iter_mut()
            .map(|(arrival, held)| {
                held.slice = slice_of(held.id);
                (*arrival, held.slice, held.is_last)
            })
            .collect();
        for (arrival, slice, is_last) in slices {
            self.place(arrival, slice, is_last);
        }
    }

    /// Takes out sockets that stand at the open door, newest first, as long as they have enough patience left and
    /// there are places; then those of the last class. The caller lets them in.
    pub fn promote(&mut self, places: &Places, usual: Duration, now: Duration) -> Vec<(Id, Place)> {
        let mut promoted = Vec::new();
        while let Some(newest) = self.door.last().copied()
            && self.can_make_it(newest, usual, now)
            && let Some(place) = places.try_take()
        {
            promoted.extend(self.take(newest).map(|held| (held.id, place)));
        }
        while let Some(newest) = self.last.last().copied()
            && self.can_make_it(newest, usual, now)
            && let Some(place) = places.try_take_last()
        {
            promoted.extend(self.take(newest).map(|held| (held.id, place)));
        }
        promoted
    }

    /// Takes out the sockets to reset now: those past their deadline, and those at the open door whose patience no
    /// longer lasts. They come back fresh a moment later.
    pub fn expire(&mut self, usual: Duration, now: Duration) -> Vec<Id> {
        let mut expired = Vec::new();
        while let Some((deadline, arrival)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.deadlines.remove(&(deadline, arrival));
            expired.extend(self.take(arrival).map(|held| held.id));
        }
        for is_last in [false, true] {
            while let Some(oldest) = self.at_the_door(is_last).first().copied()
                && !self.can_make_it(oldest, usual, now)
            {
                // a sample as well: where slices are open nobody waits for the sake of a figure
                expired.extend(self.take(oldest).map(|held| held.id));
            }
        }
        expired
    }

    /// Nobody more can be held.
    pub fn is_full(&self) -> bool {
        self.sockets.len() >= self.budget
    }

    /// Clients waiting in open slices, without the last class.
    pub fn door(&self) -> u32 {
        u32::try_from(self.door.len()).unwrap_or(u32::MAX)
    }

    /// Clients of the last class waiting in open slices.
    pub fn last(&self) -> u32 {
        u32::try_from(self.last.len()).unwrap_or(u32::MAX)
    }

    /// Clients waiting in closed slices.
    pub fn held(&self) -> u32 {
        u32::try_from(self.closed.len()).unwrap_or(u32::MAX)
    }

    /// The lowest closed slice that somebody waits in. Whoever waits in [`NO_SLICE`] does not count.
    pub fn lowest_held(&self) -> Option<u32> {
        let lowest = self.closed.first().map(|(slice, _)| *slice);
        lowest.filter(|slice| *slice != NO_SLICE)
    }

    /// When the next socket is due, if nothing else happens.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    fn can_make_it(&self, arrival: Arrival, usual: Duration, now: Duration) -> bool {
        let margin = usual.saturating_mul(self.tuning.margin);
        let needed = margin.min(self.patience / 2);
        self.sockets.get(&arrival).is_some_and(|held| {
            let waited = now.saturating_sub(held.arrived);
            self.patience.saturating_sub(waited) >= needed
        })
    }

    fn at_the_door(&mut self, is_last: bool) -> &mut BTreeSet<Arrival> {
        if is_last {
            &mut self.last
        } else {
            &mut self.door
        }
    }

    fn place(&mut self, arrival: Arrival, slice: u32, is_last: bool) {
        if slice < self.level {
            self.at_the_door(is_last).insert(arrival);
        } else {
            self.closed.insert((slice, arrival));
        }
    }

    fn take(&mut self, arrival: Arrival) -> Option<Held<Id>> {
        let held = self.sockets.remove(&arrival)?;
        self.ids.remove(&held.id);
        self.deadlines.remove(&(held.deadline, arrival));
        if !self.at_the_door(held.is_last).remove(&arrival) {
            self.closed.remove(&(held.slice, arrival));
        }
        Some(held)
    }

    /// For how long the next one is kept as a sample; `None`: it is none.
    fn samples(&mut self) -> Option<Duration> {
        let sampling = self.sampling.as_ref()?;
        let within = sampling.within.max(self.patience);
        (spread(self.random.next(), 100) < sampling.percent).then_some(within)
    }

    /// A random part of the patience: this also takes the fleet out of step.
    fn hold_for(&mut self) -> Duration {
        if self.whole {
            return self.patience;
        }
        let patience = u64::try_from(self.patience.as_micros()).unwrap_or(u64::MAX);
        let least = patience / 100 * u64::from(self.tuning.least_percent);
        let span = patience - least;
        Duration::from_micros(least + self.random.next() % span.saturating_add(1).max(1))
    }
}
