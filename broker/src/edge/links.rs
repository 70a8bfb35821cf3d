//! The links of one edge worker, one per shard.

use std::cell::Cell;
use std::rc::Rc;

use super::local_queue::LocalQueue;
use crate::link::ToShard;
use crate::routing::partition::partition_of;

/// All links of a worker; the order is the configuration's.
#[derive(Debug)]
pub(super) struct Links {
    links: Vec<Link>,
}

#[derive(Debug)]
struct Link {
    queue: Rc<LocalQueue<ToShard>>,
    up: Cell<bool>,
}

impl Links {
    pub(super) fn new(shards: usize) -> Self {
        let link = || Link {
            queue: Rc::default(),
            up: Cell::new(false),
        };
        Self {
            links: (0..shards).map(|_| link()).collect(),
        }
    }

    /// Where frames for a shard wait for its link.
    pub(super) fn queue(&self, shard: usize) -> Option<Rc<LocalQueue<ToShard>>> {
        self.links.get(shard).map(|link| Rc::clone(&link.queue))
    }

    /// The shard of a client; `None` while its link is down. Several shards know nothing of each other, so that a client
    /// must always meet the same.
    pub(super) fn shard_of(&self, client_id: &str) -> Option<usize> {
        let shards = self.links.len();
        let shard = usize::from(partition_of(client_id).index()) % shards.max(1);
        self.links
            .get(shard)
            .filter(|link| link.up.get())
            .map(|_| shard)
    }

    pub(super) fn set_up(&self, shard: usize, up: bool) {
        if let Some(link) = self.links.get(shard) {
            link.up.set(up);
            if !up {
                // Its streams are gone, and whoever comes next must not be taken for one of them.
                link.queue.clear();
            }
        }
    }

    pub(super) fn push(&self, shard: usize, frame: ToShard) {
        if let Some(link) = self.links.get(shard).filter(|link| link.up.get()) {
            link.queue.push(frame);
        }
    }
}
