//! The sessions of a worker, by place and by client id.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use herdgate_admission::settle::Settling;

use super::LinkId;
use super::kept::Second;
use super::replay::SessionReplays;
use crate::link::StreamId;
use crate::routing::subscribers::SessionIndex;
use crate::session::Session;

/// A session that may have ended: its place may be another's by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct SessionKey {
    pub(super) index: SessionIndex,
    generation: u32,
}

/// Whether a session has a connection.
#[derive(Debug)]
pub(super) enum Presence {
    Attached(LinkId, StreamId),
    /// Boxed, so that those who are there do not pay for it.
    Away(Box<Away>),
}

/// A session without a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Away {
    pub(super) ends: Second,
    /// When its will comes; `None`: there is none, or it comes with the end.
    pub(super) will: Option<Second>,
}

/// A session and what the worker keeps with it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) session: Session,
    pub(super) presence: Presence,
    /// The connections it has had; answers to packets of one do not go to another.
    pub(super) connection: u32,
    /// It went on with an earlier session: it is settled as soon as its queue is delivered.
    pub(super) resumed: bool,
    /// Boxed: it is over soon.
    pub(super) settling: Option<Box<Settling>>,
    /// Boxed: most clients have none, most of the time.
    pub(super) replays: Option<Box<SessionReplays>>,
    /// It is in `WorkerCore::dirty`.
    pub(super) dirty: bool,
}

impl Seat {
    pub(super) fn stream(&self) -> Option<(LinkId, StreamId)> {
        match self.presence {
            Presence::Attached(link, stream) => Some((link, stream)),
            Presence::Away(_) => None,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// With the generation of whoever sits or sat there last.
    seats: Vec<(u32, Option<Box<Seat>>)>,
    free: Vec<SessionIndex>,
    hasher: RandomState,
    /// By the hash of the client id, which the session has.
    by_client: HashTable<SessionIndex>,
}

impl Sessions {
    /// Nobody with the same client id may be there.
    pub(super) fn insert(&mut self, seat: Seat) -> SessionKey {
        let hash = self.hasher.hash_one(&**seat.session.client_id());
        let index = self.free.pop().unwrap_or_else(|| {
            self.seats.push((0, None));
            // four billion sessions are more than any machine holds
            SessionIndex(u32::try_from(self.seats.len() - 1).unwrap_or(u32::MAX))
        });
        let place = &mut self.seats[index.0 as usize];
        place.0 = place.0.wrapping_add(1);
        place.1 = Some(Box::new(seat));
        let generation = place.0;
        let (hasher, seats) = (&self.hasher, &self.seats);
        let hash_of = |index: &SessionIndex| {
            let seat = seats[index.0 as usize].1.as_ref();
            seat.map_or(0, |seat| hasher.hash_one(&**seat.session.client_id()))
        };
        self.by_client.insert_unique(hash, index, hash_of);
        SessionKey { index, generation }
    }

    pub(super) fn remove(&mut self, key: SessionKey) -> Option<Box<Seat>> {
        let place = self.seats.get_mut(key.index.0 as usize)?;
        if place.0 != key.generation {
            return None;
        }
        let seat = place.1.take()?;
        self.free.push(key.index);
        let hash = self.hasher.hash_one(&**seat.session.client_id());
        if let Ok(entry) = self.by_client.find_entry(hash, |known| *known == key.index) {
            entry.remove();
        }
        Some(seat)
    }

    pub(super) fn by_client(&self, client_id: &str) -> Option<SessionKey> {
        let is_it = |index: &SessionIndex| {
            let seat = self.at(*index);
            seat.is_some_and(|seat| &**seat.session.client_id() == client_id)
        };
        let index = *self
            .by_client
            .find(self.hasher.hash_one(client_id), is_it)?;
        let generation = self.seats.get(index.0 as usize)?.0;
        Some(SessionKey { index, generation })
    }

    pub(super) fn get_mut(&mut self, key: SessionKey) -> Option<&mut Seat> {
        let place = self.seats.get_mut(key.index.0 as usize)?;
        if place.0 == key.generation {
            place.1.as_deref_mut()
        } else {
            None
        }
    }

    pub(super) fn at(&self, index: SessionIndex) -> Option<&Seat> {
        self.seats.get(index.0 as usize)?.1.as_deref()
    }

    pub(super) fn at_mut(&mut self, index: SessionIndex) -> Option<&mut Seat> {
        self.seats.get_mut(index.0 as usize)?.1.as_deref_mut()
    }

    /// Whoever sits there now.
    pub(super) fn key_at(&self, index: SessionIndex) -> Option<SessionKey> {
        let (generation, seat) = self.seats.get(index.0 as usize)?;
        seat.as_ref().map(|_| SessionKey {
            index,
            generation: *generation,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.by_client.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An idle client has one of these, and it is in memory for as long as it is connected.
    #[test]
    fn a_seat_is_small() {
        assert!(size_of::<Seat>() <= 280, "{}", size_of::<Seat>());
    }
}
