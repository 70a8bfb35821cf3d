//! One client, and what its edge and its shard know of it.

use std::time::Duration;

use super::moment::Moment;
use super::scenario::{Herd, Scenario};
use crate::places::Place;
use crate::settle::Settling;
use crate::stable::StableHash;

/// One try of one client to come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Try {
    pub(super) client: u32,
    pub(super) number: u32,
}

/// The network takes news of an end to the server before it takes the next try there: one record of each side is enough.
pub(super) struct Client {
    /// Grows with each beginning and each end of a try.
    pub(super) tries: u32,
    /// Failures in a row.
    pub(super) failures: u16,
    /// Which one it presents next.
    pub(super) certificate: u8,
    pub(super) subscribes_left: u16,
    pub(super) is_back: bool,
    pub(super) dialled: Moment,
    /// When its CONNACK reaches it; `None`: none is under way.
    pub(super) connacked: Option<Moment>,
    /// The try that its edge has; 0: none.
    pub(super) served: u32,
    pub(super) edge: u16,
    pub(super) shard: u16,
    /// When it entered; until then: since when its edge has waited for a place for it.
    pub(super) entered: Moment,
    /// Of the try that its edge has: whether its address did not tell.
    pub(super) by_client_id: bool,
    /// Of that try.
    pub(super) way_in: WayIn,
    /// Held until CONNACK.
    pub(super) place: Option<Place>,
    /// Since when it has waited for its shard.
    pub(super) asks_since: Option<Moment>,
    pub(super) settling: Option<Settling>,
    pub(super) connected: bool,
}

/// How far a try has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum WayIn {
    #[default]
    Outside,
    LetIn,
    Settled,
}

/// What kind of client a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Usual,
    Flapping,
    Gone,
}

impl Client {
    pub(super) fn new(herd: &Herd, shard: u16) -> Self {
        Self {
            tries: 0,
            failures: 0,
            certificate: 0,
            subscribes_left: herd.subscribes,
            is_back: false,
            dialled: 0,
            connacked: None,
            served: 0,
            edge: 0,
            shard,
            entered: 0,
            by_client_id: false,
            way_in: WayIn::Outside,
            place: None,
            asks_since: None,
            settling: None,
            connected: false,
        }
    }
}

impl Scenario {
    /// Clients that are simulated: those that come, and those that do not.
    pub(super) fn everybody(&self) -> u32 {
        self.herd.clients.saturating_add(self.herd.flapping)
    }

    pub(super) fn kind(&self, client: u32) -> Kind {
        if client >= self.herd.clients {
            return Kind::Flapping;
        }
        let gone =
            |clients: u32| u64::from(clients) * u64::from(self.herd.never_return_percent) / 100;
        if gone(client) < gone(client + 1) {
            Kind::Gone
        } else {
            Kind::Usual
        }
    }

    pub(super) fn longest_patience(&self) -> Duration {
        match self.herd.other_patience_percent {
            0 => self.herd.patience,
            _ => self.herd.patience.max(self.herd.other_patience),
        }
    }

    pub(super) fn patience_of(&self, client: u32) -> Duration {
        let others = u64::from(self.herd.other_patience_percent);
        if others > 0 && self.hash("patience", client) % 100 < others {
            self.herd.other_patience
        } else {
            self.herd.patience
        }
    }

    pub(super) fn shard_of(&self, client: u32) -> u16 {
        let shards = u64::from(self.capacity.shards);
        u16::try_from(self.hash("shard", client) % shards.max(1)).unwrap_or(0)
    }

    /// Something about one client that is the same in every run of the seed.
    pub(super) fn hash(&self, what: &str, client: u32) -> u64 {
        StableHash::new(self.seed)
            .text(what)
            .number(u64::from(client))
            .finish()
    }
}
