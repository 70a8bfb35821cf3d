//! A link within one process: the same frames, without bytes.

use tokio::sync::mpsc;

use super::{LinkEvent, ToShard};
use crate::edge::LocalQueue;
use crate::process::Clock;
use crate::shard::core::LinkId;
use crate::shard::{Demux, Mailboxes};

/// Batches of frames taken in one turn.
const BATCHES_PER_TURN: usize = 32;

#[derive(Debug)]
pub struct MemoryLink {
    pub link: LinkId,
    pub workers: Mailboxes,
}

impl MemoryLink {
    pub(super) async fn run(
        self,
        queue: &LocalQueue<ToShard>,
        clock: Clock,
        on_event: impl Fn(LinkEvent),
    ) {
        let (sink, mut inbox) = mpsc::unbounded_channel();
        let mut demux = Demux::new(self.link, self.workers, &sink);
        on_event(LinkEvent::Up);
        let mut batches = Vec::with_capacity(BATCHES_PER_TURN);
        loop {
            tokio::select! {
                frames = queue.take() => {
                    demux.push_all(frames);
                    demux.flush(clock.now());
                }
                _ = inbox.recv_many(&mut batches, BATCHES_PER_TURN) => {
                    for frames in batches.drain(..) {
                        demux.passed_all(&frames);
                        on_event(LinkEvent::Frames(frames));
                    }
                }
            }
        }
    }
}
