//! How a worker is reached from other threads: in batches, one wake-up each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::core::{Layout, LinkId, PeerMessage, WorkerIndex, partition_of};
use crate::link::{ToEdge, ToShard};

/// Frames for one link, in order. Bounded by the streams' windows, not by the channel.
pub type EdgeSink = UnboundedSender<Vec<ToEdge>>;

/// What a shard worker is sent.
#[derive(Debug)]
pub enum Mail {
    LinkUp {
        link: LinkId,
        sink: EdgeSink,
    },
    Frames {
        link: LinkId,
        frames: Vec<ToShard>,
        sent: Duration,
    },
    LinkDown(LinkId),
    Peer {
        from: WorkerIndex,
        messages: Vec<PeerMessage>,
    },
    /// See `Input::Shutdown`.
    Shutdown {
        clients: usize,
    },
}

/// The way to one worker. Bounded by what fills it: windows of streams, one Attach per client, and routing between
/// workers, which follows from these.
#[derive(Clone, Debug)]
pub struct Mailbox(UnboundedSender<Mail>);

impl Mailbox {
    /// Mail to a worker that has ended is lost: the process is about to end, too.
    pub fn send(&self, mail: Mail) {
        let _ = self.0.send(mail);
    }
}

/// All workers of this shard, by index. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailboxes {
    boxes: Arc<[Mailbox]>,
    layout: Layout,
}

impl Mailboxes {
    /// Of a cluster with one shard.
    pub fn new(workers: u16) -> (Self, Vec<UnboundedReceiver<Mail>>) {
        Self::of(Layout { shards: 1, workers })
    }

    pub fn of(layout: Layout) -> (Self, Vec<UnboundedReceiver<Mail>>) {
        let (boxes, inboxes): (Vec<_>, Vec<_>) = (0..layout.workers.max(1))
            .map(|_| {
                let (sender, receiver) = mpsc::unbounded_channel();
                (Mailbox(sender), receiver)
            })
            .unzip();
        let boxes = boxes.into();
        (Self { boxes, layout }, inboxes)
    }

    /// The worker of a client.
    pub fn owner_of(&self, client_id: &str) -> WorkerIndex {
        WorkerIndex(self.layout.worker_of(partition_of(client_id)))
    }

    pub fn len(&self) -> u16 {
        u16::try_from(self.boxes.len()).unwrap_or(u16::MAX)
    }

    pub fn is_empty(&self) -> bool {
        self.boxes.is_empty()
    }

    pub fn send(&self, worker: WorkerIndex, mail: Mail) {
        if let Some(mailbox) = self.boxes.get(usize::from(worker.0)) {
            mailbox.send(mail);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Mailbox> {
        self.boxes.iter()
    }
}

/// Names links, each once in a process.
#[derive(Clone, Debug, Default)]
pub struct LinkIds(Arc<AtomicU64>);

impl LinkIds {
    pub fn next(&self) -> LinkId {
        LinkId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}
