//! Where a worker's output goes: one batch per link and per other worker and turn.

use std::collections::HashMap;

use bytes::Bytes;

use super::core::{LinkId, Outbox, PeerMessage, WorkerIndex};
use super::mailbox::{EdgeSink, Mailboxes};
use crate::link::{StreamId, ToEdge};

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
                add(&mut known.pending, frame);
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

/// Appends the frame, or joins it to the last one when both bring the very same bytes: a message of QoS 0 is encoded once
/// for all its receivers.
fn add(pending: &mut Vec<ToEdge>, frame: ToEdge) {
    let joined = match (&frame, pending.last_mut()) {
        (ToEdge::Data { stream, packets }, Some(last)) => join(last, *stream, packets),
        _ => false,
    };
    if !joined {
        pending.push(frame);
    }
}

fn join(last: &mut ToEdge, stream: StreamId, packets: &Bytes) -> bool {
    let is_same =
        |known: &Bytes| known.as_ptr() == packets.as_ptr() && known.len() == packets.len();
    match last {
        ToEdge::Fan { streams, packets } if is_same(packets) => streams.push(stream),
        ToEdge::Data {
            stream: first,
            packets,
        } if is_same(packets) => {
            *last = ToEdge::Fan {
                streams: vec![*first, stream],
                packets: packets.clone(),
            };
        }
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_of_the_same_bytes_share_a_frame() {
        let shared = Bytes::from(vec![1; 100]);
        let equal = Bytes::from(vec![1; 100]);
        let mut pending = Vec::new();
        for (stream, packets) in [
            (1, &shared),
            (2, &shared),
            (3, &shared),
            (4, &equal),
            (5, &shared),
        ] {
            let frame = ToEdge::Data {
                stream: StreamId(stream),
                packets: packets.clone(),
            };
            add(&mut pending, frame);
        }
        let streams: Vec<Vec<u32>> = pending
            .iter()
            .map(|frame| match frame {
                ToEdge::Data { stream, .. } => vec![stream.0],
                ToEdge::Fan { streams, .. } => streams.iter().map(|stream| stream.0).collect(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(streams, [vec![1, 2, 3], vec![4], vec![5]]);
    }
}
