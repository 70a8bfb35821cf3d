//! Sessions that outlive their connection: how many there may be, and when they end.

use std::collections::BTreeSet;
use std::time::Duration;

use super::closing::will_message;
use super::sessions::{Away, Presence, SessionKey};
use super::{Outbox, WorkerCore};

/// Seconds on the worker's clock. A session ends, and a will comes, up to one of them late: what is due together is
/// looked at together.
pub(super) type Second = u64;

/// Sessions that end in one turn, so that a crowd that left together does not stop the worker when it ends together.
const MOST_ENDED_AT_ONCE: usize = 256;

#[derive(Debug)]
pub(super) struct Kept {
    /// This worker's share of the bound.
    most: usize,
    /// Sessions that were told they will be kept, with a connection or without.
    promised: usize,
    /// Those without a connection, by the second of their end.
    expiring: BTreeSet<(Second, SessionKey)>,
    /// And those among them with a will that comes before it.
    wills: BTreeSet<(Second, SessionKey)>,
}

impl Kept {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            promised: 0,
            expiring: BTreeSet::new(),
            wills: BTreeSet::new(),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.promised < self.most
    }

    /// A session's expiry changes; 0: it is not kept.
    pub(super) fn promise(&mut self, before: u32, after: u32) {
        self.promised += usize::from(after > 0);
        self.promised -= usize::from(before > 0);
    }

    pub(super) fn add(&mut self, key: SessionKey, away: Away) {
        self.expiring.insert((away.ends, key));
        if let Some(at) = away.will {
            self.wills.insert((at, key));
        }
    }

    pub(super) fn remove(&mut self, key: SessionKey, away: Away) {
        self.expiring.remove(&(away.ends, key));
        if let Some(at) = away.will {
            self.wills.remove(&(at, key));
        }
    }

    /// Sessions without a connection.
    pub(super) fn len(&self) -> usize {
        self.expiring.len()
    }

    pub(super) fn next(&self) -> Option<Duration> {
        let next = [self.expiring.first(), self.wills.first()];
        let next = next.into_iter().flatten().map(|(at, _)| *at).min();
        next.map(Duration::from_secs)
    }
}

/// `seconds` from now, and no less.
pub(super) fn second_after(now: Duration, seconds: u32) -> Second {
    let at = now + Duration::from_secs(seconds.into());
    at.as_secs() + u64::from(at.subsec_nanos() > 0)
}

impl WorkerCore {
    /// Publishes wills and ends sessions whose time has come.
    pub(super) fn expire(&mut self, now: Duration, out: &mut Outbox) {
        let second = now.as_secs();
        for _ in 0..MOST_ENDED_AT_ONCE {
            let Some(key) = due(&self.kept.wills, second) else {
                break;
            };
            self.delayed_will(now, key, out);
        }
        for _ in 0..MOST_ENDED_AT_ONCE {
            let Some(key) = due(&self.kept.expiring, second) else {
                break;
            };
            self.stats.expired_total += 1;
            self.forget(now, key, out);
        }
    }

    fn delayed_will(&mut self, now: Duration, key: SessionKey, out: &mut Outbox) {
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        if let Presence::Away(away) = &mut seat.presence {
            self.kept.remove(key, **away);
            away.will = None;
            self.kept.add(key, **away);
        }
        if let Some(message) = will_message(&mut seat.session, now) {
            self.publish_will(now, message, out);
        }
    }
}

fn due(times: &BTreeSet<(Second, SessionKey)>, second: Second) -> Option<SessionKey> {
    let (at, key) = times.first()?;
    (*at <= second).then_some(*key)
}
