//! The links of one edge worker, one per shard.

use std::rc::Rc;

use tokio::sync::watch;

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
    up: watch::Sender<bool>,
}

impl Links {
    pub(super) fn new(shards: usize) -> Self {
        let link = || Link {
            queue: Rc::default(),
            up: watch::Sender::new(false),
        };
        Self {
            links: (0..shards).map(|_| link()).collect(),
        }
    }

    /// Where frames for a shard wait for its link.
    pub(super) fn queue(&self, shard: usize) -> Option<Rc<LocalQueue<ToShard>>> {
        self.links.get(shard).map(|link| Rc::clone(&link.queue))
    }

    /// The shard of a client. Several shards know nothing of each other, so that a client must always meet the same.
    pub(super) fn shard_of(&self, client_id: &str) -> usize {
        usize::from(partition_of(client_id).index()) % self.links.len().max(1)
    }

    pub(super) fn is_up(&self, shard: usize) -> bool {
        self.links.get(shard).is_some_and(|link| *link.up.borrow())
    }

    /// Waits for the shard's link.
    pub(super) async fn until_up(&self, shard: usize) {
        if let Some(link) = self.links.get(shard) {
            // The sender lives as long as this.
            let _ = link.up.subscribe().wait_for(|up| *up).await;
        }
    }

    /// To all shards whose links are up; the others hear it when they are.
    pub(super) fn push_to_all(&self, frame: impl Fn() -> ToShard) {
        for link in self.links.iter().filter(|link| *link.up.borrow()) {
            link.queue.push(frame());
        }
    }

    pub(super) fn set_up(&self, shard: usize, up: bool) {
        if let Some(link) = self.links.get(shard) {
            link.up.send_replace(up);
            if !up {
                // Its streams are gone, and whoever comes next must not be taken for one of them.
                link.queue.clear();
            }
        }
    }

    pub(super) fn push(&self, shard: usize, frame: ToShard) {
        if let Some(link) = self.links.get(shard).filter(|link| *link.up.borrow()) {
            link.queue.push(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::link::StreamId;

    #[tokio::test]
    async fn whoever_waits_hears_that_a_link_is_up() {
        let links = Links::new(2);
        let wait = |shard| timeout(Duration::from_millis(20), links.until_up(shard));
        assert!(wait(1).await.is_err());
        links.set_up(1, true);
        assert!(wait(1).await.is_ok());
        assert!(wait(0).await.is_err());
    }

    #[tokio::test]
    async fn what_was_for_a_lost_link_is_not_for_the_next() {
        let links = Links::new(1);
        let frame = || ToShard::Cancel {
            stream: StreamId(1),
        };
        links.push(0, frame());
        links.set_up(0, true);
        links.push(0, frame());
        links.set_up(0, false);
        links.set_up(0, true);
        let queue = links.queue(0).unwrap();
        assert!(
            timeout(Duration::from_millis(20), queue.take())
                .await
                .is_err()
        );
    }

    #[test]
    fn a_client_id_has_one_shard_and_shards_share_them() {
        let links = Links::new(3);
        let shards: Vec<_> = (0..300)
            .map(|n| links.shard_of(&format!("gw-{n}")))
            .collect();
        assert!((0..3).all(|shard| shards.iter().filter(|of| **of == shard).count() > 50));
        assert_eq!(links.shard_of("gw-7"), links.shard_of("gw-7"));
    }
}
