//! Wrong passwords: who must wait before the next is looked at.
//!
//! Two counts. A user at an address: each failure doubles the wait, a success ends it. An address: one failure for each
//! user name that is wrong there, so that one gateway with a wrong password never counts twice, while somebody who tries
//! names does; an address from which many log in may have many that fail.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::ageing::Ageing;
use crate::config::GrowingWait;

/// Users at addresses, and addresses, that are remembered: some 10 MB at most.
pub(super) const CAPACITY: usize = 65_536;
/// What has not happened for so long is forgotten: far longer than any wait.
pub(super) const LIFETIME: Duration = Duration::from_mins(10);
/// Counts of an address lose half in this time.
const HALF_LIFE: Duration = Duration::from_mins(5);
/// Wrong names at an address that nobody takes amiss.
const FREE_NAMES: u32 = 20;
/// Wrong names that one login makes up for.
const NAMES_PER_LOGIN: u32 = 4;
/// How long somebody waits at least who finds another at the door.
const BEHIND_ANOTHER: Duration = Duration::from_millis(250);

/// Addresses that stand for one place: whoever has one of IPv6 has its /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place(IpAddr);

impl Place {
    pub(super) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        })
    }
}

/// A user name, by a keyed hash: names are as long as clients like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NameHash(pub(super) u64);

/// Why somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// This user failed here.
    User,
    /// Many users failed here.
    Address,
}

/// Since process start.
#[derive(Debug)]
pub(super) struct FailureTable {
    growth: GrowingWait,
    users: Ageing<(Place, NameHash), Door>,
    places: Ageing<Place, Crowd>,
}

/// Where one at a time is let through once there was a failure.
#[derive(Debug, Default)]
struct Door {
    times: u32,
    failed: Duration,
    opens: Duration,
    /// Somebody tries, and it is not known yet how it went.
    taken: bool,
}

#[derive(Debug, Default)]
struct Crowd {
    wrong_names: u32,
    logins: u32,
    halved: Duration,
    door: Door,
}

impl Door {
    fn wait(&self, now: Duration) -> Option<Duration> {
        if self.times == 0 {
            None
        } else {
            let wait = self.opens.saturating_sub(now);
            let behind = if self.taken {
                BEHIND_ANOTHER
            } else {
                Duration::ZERO
            };
            Some(wait.max(behind)).filter(|wait| !wait.is_zero())
        }
    }

    /// Those who began before the last failure was known are one with it.
    fn failed(&mut self, now: Duration, began: Duration, growth: GrowingWait) -> Duration {
        self.taken = false;
        if self.times == 0 || began >= self.failed {
            self.times = self.times.saturating_add(1);
            self.failed = now;
            self.opens = now + growth.after(self.times);
        }
        self.opens.saturating_sub(now)
    }
}

impl Crowd {
    fn fade(&mut self, now: Duration) {
        while self.halved + HALF_LIFE <= now {
            self.halved += HALF_LIFE;
            self.wrong_names /= 2;
            self.logins /= 2;
            if self.wrong_names == 0 && self.logins == 0 {
                self.halved = now;
            }
        }
    }

    fn has_too_many(&self) -> bool {
        let free = FREE_NAMES.saturating_add(self.logins.saturating_mul(NAMES_PER_LOGIN));
        self.wrong_names > free
    }
}

impl FailureTable {
    pub(super) fn new(growth: GrowingWait) -> Self {
        Self {
            growth,
            users: Ageing::new(CAPACITY, LIFETIME),
            places: Ageing::new(CAPACITY, LIFETIME),
        }
    }

    /// Somebody comes with a password. `Err`: how long until it is looked at. After `Ok`, one of `failed`, `succeeded`
    /// and `abandoned` must follow.
    pub(super) fn begin(
        &mut self,
        now: Duration,
        place: Place,
        name: NameHash,
    ) -> Result<(), (Because, Duration)> {
        let mut user = self.users.get_mut(now, (place, name));
        if let Some(wait) = user.as_ref().and_then(|door| door.wait(now)) {
            return Err((Because::User, wait));
        }
        let mut crowd = self.places.get_mut(now, place);
        if let Some(wait) = crowd.as_ref().and_then(|crowd| crowd.door.wait(now)) {
            return Err((Because::Address, wait));
        }
        if let Some(door) = &mut user {
            door.taken = true;
        }
        if let Some(crowd) = &mut crowd {
            crowd.door.taken = true;
        }
        Ok(())
    }

    /// Somebody else's failure became known since `began`: what waited for its turn is not worth a hash any more.
    pub(super) fn is_stale(
        &mut self,
        now: Duration,
        place: Place,
        name: NameHash,
        began: Duration,
    ) -> bool {
        let user = self.users.get_mut(now, (place, name));
        let stale = |door: &Door| door.times > 0 && door.failed > began;
        let user = user.is_some_and(|door| stale(door));
        let crowd = self.places.get_mut(now, place);
        user || crowd.is_some_and(|crowd| stale(&crowd.door))
    }

    /// How long the answer waits, and whether something had to be forgotten early.
    pub(super) fn failed(
        &mut self,
        now: Duration,
        place: Place,
        name: NameHash,
        began: Duration,
    ) -> (Duration, bool) {
        let growth = self.growth;
        let (door, full) = self.users.touch(now, (place, name));
        let is_first = door.times == 0;
        let wait = door.failed(now, began, growth);
        let (crowd, also_full) = self.places.touch(now, place);
        crowd.fade(now);
        crowd.door.taken = false;
        if is_first {
            crowd.wrong_names = crowd.wrong_names.saturating_add(1);
            if crowd.has_too_many() {
                crowd.door.failed(now, began, growth);
            }
        }
        (wait, full || also_full)
    }

    /// Whether something had to be forgotten early.
    pub(super) fn succeeded(&mut self, now: Duration, place: Place, name: NameHash) -> bool {
        if let Some(door) = self.users.get_mut(now, (place, name)) {
            *door = Door::default();
        }
        let (crowd, full) = self.places.touch(now, place);
        crowd.fade(now);
        crowd.logins = crowd.logins.saturating_add(1);
        crowd.door.taken = false;
        if !crowd.has_too_many() {
            crowd.door = Door::default();
        }
        full
    }

    /// It never came to a proof.
    pub(super) fn abandoned(&mut self, now: Duration, place: Place, name: NameHash) {
        if let Some(door) = self.users.get_mut(now, (place, name)) {
            door.taken = false;
        }
        if let Some(crowd) = self.places.get_mut(now, place) {
            crowd.door.taken = false;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.users.len() + self.places.len()
    }
}

#[cfg(test)]
mod tests;
