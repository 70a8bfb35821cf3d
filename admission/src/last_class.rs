//! Clients that come in again and again and never settle: they share a part of the places, so that the others get on.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::stable::StableHash;
use crate::tuning::Tuning;

/// Comers that one edge keeps in mind. Only those that came to nothing are; beyond it the oldest is forgotten, and is
/// taken for any other. A full memory takes 6 MB.
pub const MOST_COMERS: usize = 65_536;

/// Whoever comes in: an address, or a client where the address is that of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comer {
    Address(IpAddr),
    /// The hash of a client id.
    Client(u64),
}

impl Comer {
    pub fn client(id: &str) -> Self {
        Self::Client(StableHash::new(0).bytes(b"l").text(id).finish())
    }
}

/// How a comer's way in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    Settled(Comer),
    /// It was let in, and left without having settled.
    ToNothing(Comer),
}

/// Those who share a part of the places. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct LastClass {
    /// Until when.
    comers: Arc<HashMap<Comer, Duration>>,
}

impl LastClass {
    pub fn has(&self, comer: Comer, now: Duration) -> bool {
        self.comers.get(&comer).is_some_and(|until| *until > now)
    }

    pub fn len(&self) -> usize {
        self.comers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.comers.is_empty()
    }
}

/// Keeps in mind who came to nothing how often.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comers {
    known: HashMap<Comer, (u32, Duration)>,
    /// When which is forgotten, in that order; with some that have come again.
    until: VecDeque<(Duration, Comer)>,
    last: LastClass,
}

impl Comers {
    pub(crate) fn note(&mut self, came: Came, now: Duration, tuning: &Tuning) {
        self.forget(now);
        match came {
            Came::Settled(comer) => self.clear(comer),
            Came::ToNothing(comer) => {
                let until = now.saturating_add(tuning.last_class_for);
                let known = self.known.entry(comer).or_default();
                *known = (known.0.saturating_add(1), until);
                if known.0 >= tuning.last_class_after {
                    Arc::make_mut(&mut self.last.comers).insert(comer, until);
                }
                if self.until.back() != Some(&(until, comer)) {
                    self.until.push_back((until, comer));
                }
                while self.until.len() > MOST_COMERS {
                    self.forget_oldest();
                }
            }
        }
    }

    /// Those whose time is over.
    pub(crate) fn forget(&mut self, now: Duration) {
        while self.until.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
    }

    pub(crate) fn last(&self) -> &LastClass {
        &self.last
    }

    fn forget_oldest(&mut self) {
        if let Some((until, comer)) = self.until.pop_front()
            && self
                .known
                .get(&comer)
                .is_some_and(|(_, known)| *known == until)
        {
            self.clear(comer);
        }
    }

    fn clear(&mut self, comer: Comer) {
        self.known.remove(&comer);
        if self.last.comers.contains_key(&comer) {
            Arc::make_mut(&mut self.last.comers).remove(&comer);
        }
    }
}

/// Of so many places, those that the last class may have while others wait; one at least, so that it is never shut out.
pub(crate) fn share(places: u32, tuning: &Tuning) -> u32 {
    let part = u64::from(places) * u64::from(tuning.last_class_percent) / 100;
    u32::try_from(part).unwrap_or(places).max(1).min(places)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn comer(number: u32) -> Comer {
        Comer::Address(Ipv4Addr::from_bits(number).into())
    }

    /// What each of these brings comer 1 into: whether it is in the last class.
    fn course(steps: &[Came]) -> Vec<bool> {
        let mut comers = Comers::default();
        let step = |came: &Came| {
            comers.note(*came, SECOND, &Tuning::default());
            comers.last().has(comer(1), SECOND)
        };
        steps.iter().map(step).collect()
    }

    #[test]
    fn whoever_came_to_nothing_twice_is_last_until_it_settles() {
        let (settled, to_nothing) = (Came::Settled(comer(1)), Came::ToNothing(comer(1)));
        let other = Came::ToNothing(comer(2));
        assert_eq!(
            course(&[
                to_nothing, other, to_nothing, to_nothing, settled, to_nothing, other
            ]),
            [false, false, true, true, false, false, false]
        );
        assert_eq!(course(&[to_nothing, settled, to_nothing]), [false; 3]);
    }

    #[test]
    fn whoever_does_not_come_for_a_while_is_forgotten() {
        let (mut comers, tuning) = (Comers::default(), Tuning::default());
        let during = tuning.last_class_for;
        comers.note(Came::ToNothing(comer(1)), SECOND, &tuning);
        comers.note(Came::ToNothing(comer(1)), SECOND * 2, &tuning);
        assert!(comers.last().has(comer(1), during + SECOND));
        assert!(!comers.last().has(comer(1), during + SECOND * 2));
        comers.forget(during + SECOND);
        assert!(!comers.last().is_empty(), "it came a second later again");
        comers.forget(during + SECOND * 2);
        assert!(comers.last().is_empty() && comers.known.is_empty());
    }

    #[test]
    fn a_client_id_is_no_address_and_no_other_id() {
        let (mut comers, tuning) = (Comers::default(), Tuning::default());
        (0..2).for_each(|_| comers.note(Came::ToNothing(Comer::client("gw-1")), SECOND, &tuning));
        assert!(comers.last().has(Comer::client("gw-1"), SECOND));
        assert!(!comers.last().has(Comer::client("gw-2"), SECOND));
    }

    #[test]
    fn beyond_the_bound_the_oldest_is_forgotten() {
        let (mut comers, tuning) = (Comers::default(), Tuning::default());
        let most = u32::try_from(MOST_COMERS).unwrap();
        for number in 0..=most / 2 {
            (0..2).for_each(|_| comers.note(Came::ToNothing(comer(number)), SECOND, &tuning));
        }
        let (known, last) = (comers.known.len(), comers.last.comers.len());
        assert!(comers.until.len() <= MOST_COMERS && known <= MOST_COMERS && last <= known);
        assert!(comers.last().has(comer(most / 2), SECOND));
        for _ in 0..=most {
            comers.note(Came::ToNothing(comer(7)), SECOND, &tuning);
        }
        assert!(comers.until.len() <= MOST_COMERS && comers.last().has(comer(7), SECOND));
    }

    #[test]
    fn a_tenth_of_the_places_and_never_none_of_some() {
        let shares = [0, 1, 4, 9, 10, 64, 105].map(|places| share(places, &Tuning::default()));
        assert_eq!(shares, [0, 1, 1, 1, 1, 6, 10]);
        let none = Tuning {
            last_class_percent: 0,
            ..Tuning::default()
        };
        assert_eq!(share(64, &none), 1);
    }

    proptest! {
        #[test]
        fn it_knows_what_a_list_of_all_would(steps in prop::collection::vec((0_u32..5, any::<bool>(), 0_u32..200), 1..80)) {
            let (mut comers, tuning) = (Comers::default(), Tuning::default());
            let (mut all, mut now) = (Vec::new(), Duration::ZERO);
            for (number, settles, wait) in steps {
                now += SECOND * wait;
                let came = if settles { Came::Settled(comer(number)) } else { Came::ToNothing(comer(number)) };
                comers.note(came, now, &tuning);
                all.push((number, settles, now));
                for number in 0..5 {
                    let mut count = 0;
                    let mut before = Duration::ZERO;
                    for (_, settles, at) in all.iter().filter(|(other, ..)| *other == number) {
                        let in_time = *at < before + tuning.last_class_for;
                        count = if *settles { 0 } else if in_time { count + 1 } else { 1 };
                        before = *at;
                    }
                    let in_time = now < before + tuning.last_class_for;
                    let is_last = in_time && count >= tuning.last_class_after;
                    prop_assert_eq!(comers.last().has(comer(number), now), is_last);
                }
            }
        }
    }
}
