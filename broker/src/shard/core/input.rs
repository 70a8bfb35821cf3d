//! What a worker hears and says.

use std::time::Duration;

use super::PeerMessage;
use crate::link::{ToEdge, ToShard};
use crate::routing::Message;

/// One link (one edge worker), unique in this process and not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// A worker of this shard: 0 to `CoreSettings::workers` - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerIndex(pub u16);

#[derive(Debug)]
pub enum Input {
    /// A frame of a link. `Attach` goes to the worker of `partition_of(client_id)`, every later frame of the stream
    /// to the same worker, in order. `Health` is not for workers.
    Link {
        link: LinkId,
        frame: ToShard,
        /// How long the frame has waited for this worker; a health signal.
        waited: Duration,
    },
    /// The link is gone, and all its streams with it. Nothing more may come from it or go to it.
    LinkLost(LinkId),
    /// From another worker of this shard. Messages between two workers keep their order and are never lost.
    Peer(WorkerIndex, PeerMessage),
    /// The server publishes this.
    System(Box<Message>),
    /// `next_deadline` has come.
    Tick,
    /// Close this many clients because the process ends (v5: 0x8B); refuse new ones from now on.
    Shutdown { clients: usize },
}

/// What follows from inputs. The shell sends it, in order, and clears it; several inputs may share one.
#[derive(Debug, Default)]
pub struct Outbox {
    pub to_links: Vec<(LinkId, ToEdge)>,
    /// Never to the worker itself.
    pub to_peers: Vec<(WorkerIndex, PeerMessage)>,
}

impl Outbox {
    pub fn is_empty(&self) -> bool {
        self.to_links.is_empty() && self.to_peers.is_empty()
    }

    pub fn clear(&mut self) {
        self.to_links.clear();
        self.to_peers.clear();
    }
}
