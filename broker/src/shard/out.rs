//! Where a worker's output goes: one batch per link and per other worker and turn.

use std::collections::HashMap;

use super::core::{LinkId, Outbox, PeerMessage, WorkerIndex};
use super::mailbox::{EdgeSink, Mailboxes};
use crate::link::ToEdge;

#[derive(Debug)]
pub(super) struct Out {
    index: WorkerIndex,
    workers: Mailboxes,
    links: HashMap<LinkId, Link>,
    /// Links with something pending.
    dirty: Vec<LinkId>,
    peers: Vec<Vec<PeerMessage>>,
}

#[derive(Debug)]
struct Link {
    sink: EdgeSink,
    pending: Vec<ToEdge>,
}

impl Out {
    pub(super) fn new(index: WorkerIndex, workers: Mailboxes) -> Self {
        let peers = (0..workers.len()).map(|_| Vec::new()).collect();
        Self {
            index,
            workers,
            links: HashMap::new(),
            dirty: Vec::new(),
            peers,
        }
    }

    pub(super) fn link_up(&mut self, link: LinkId, sink: EdgeSink) {
        self.links.insert(
            link,
            Link {
                sink,
                pending: Vec::new(),
            },
        );
    }

    pub(super) fn link_down(&mut self, link: LinkId) {
        self.links.remove(&link);
    }

    /// Empties `outbox` into batches and sends them. Returns how many messages other workers had no room for.
    pub(super) fn send(&mut self, outbox: &mut Outbox) -> usize {
        for (link, frame) in outbox.to_links.drain(..) {
            if let Some(known) = self.links.get_mut(&link) {
                if known.pending.is_empty() {
                    self.dirty.push(link);
                }
                known.pending.push(frame);
            }
        }
        for (peer, message) in outbox.to_peers.drain(..) {
            if let Some(pending) = self.peers.get_mut(usize::from(peer.0)) {
                pending.push(message);
            }
        }
        self.flush()
    }

    fn flush(&mut self) -> usize {
        for link in self.dirty.drain(..) {
            if let Some(known) = self.links.get_mut(&link) {
                // A link that has just ended tells so by itself.
                let _ = known.sink.send(std::mem::take(&mut known.pending));
            }
        }
        let mut dropped = 0;
        for (peer, pending) in (0..).zip(&mut self.peers) {
            if !pending.is_empty() {
                let messages = std::mem::take(pending);
                dropped += self
                    .workers
                    .send_peer(WorkerIndex(peer), self.index, messages);
            }
        }
        dropped
    }

    /// This worker has taken `bytes` of other workers' messages.
    pub(super) fn took_peer(&self, bytes: usize) {
        self.workers.took_peer(self.index, bytes);
    }
}
