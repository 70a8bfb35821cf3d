//! How a worker is reached from other threads: in batches, one wake-up each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use super::core::{Found, Layout, LinkId, PeerMessage, WorkerIndex, partition_of};
use crate::link::{ToEdge, ToShard};
use crate::routing::Message;

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
        /// Of all of them, as `PeerMessage::size`.
        bytes: usize,
    },
    /// To be published by the server.
    System(Vec<Message>),
    /// A person asks where a client stands.
    Find {
        client: Box<str>,
        answer: oneshot::Sender<Found>,
    },
    /// See `Input::Shutdown`.
    Shutdown {
        clients: usize,
    },
}

/// Bytes of other workers' messages that may wait for one worker before those of QoS 0 are dropped. A worker takes them
/// in a few milliseconds; one that does not is stuck behind something, and its publishers must not fill the memory.
const MOST_PEER_BYTES: usize = 16 << 20;

/// The way to one worker. What clients and links send is bounded by windows of streams and one Attach per client; what
/// other workers send follows from these, and beyond `MOST_PEER_BYTES` from what must not be lost.
#[derive(Clone, Debug)]
pub struct Mailbox {
    sender: UnboundedSender<Mail>,
    /// Bytes of `Mail::Peer` that the worker has not taken.
    peer_bytes: Arc<AtomicUsize>,
}

impl Mailbox {
    /// Mail to a worker that has ended is lost: the process is about to end, too.
    pub fn send(&self, mail: Mail) {
        let _ = self.sender.send(mail);
    }

    /// Messages of another worker. Returns how many were dropped because too many wait already.
    pub(super) fn send_peer(&self, from: WorkerIndex, mut messages: Vec<PeerMessage>) -> usize {
        let mut waiting = self.peer_bytes.load(Ordering::Relaxed);
        let (before, mut bytes) = (messages.len(), 0);
        messages.retain(|message| {
            let size = message.size();
            let takes = waiting + size <= MOST_PEER_BYTES || !message.may_be_dropped();
            if takes {
                waiting += size;
                bytes += size;
            }
            takes
        });
        let dropped = before - messages.len();
        if !messages.is_empty() {
            self.peer_bytes.fetch_add(bytes, Ordering::Relaxed);
            self.send(Mail::Peer {
                from,
                messages,
                bytes,
            });
        }
        dropped
    }

    /// The worker has taken them.
    fn took_peer(&self, bytes: usize) {
        self.peer_bytes.fetch_sub(bytes, Ordering::Relaxed);
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
                let mailbox = Mailbox {
                    sender,
                    peer_bytes: Arc::default(),
                };
                (mailbox, receiver)
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

    /// See `Mailbox::send_peer`.
    pub(super) fn send_peer(
        &self,
        to: WorkerIndex,
        from: WorkerIndex,
        messages: Vec<PeerMessage>,
    ) -> usize {
        let mailbox = self.boxes.get(usize::from(to.0));
        mailbox.map_or(0, |mailbox| mailbox.send_peer(from, messages))
    }

    /// This worker has taken `bytes` of other workers' messages.
    pub(super) fn took_peer(&self, worker: WorkerIndex, bytes: usize) {
        if let Some(mailbox) = self.boxes.get(usize::from(worker.0)) {
            mailbox.took_peer(bytes);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::QoS;
    use crate::routing::{Message, TopicName};

    fn message(qos: QoS) -> PeerMessage {
        let topic = TopicName::new("t".into()).unwrap();
        let message = Message::new(topic, &vec![0; 1 << 20], "c".into()).with(qos, false);
        PeerMessage::deliver(Arc::new(message))
    }

    #[test]
    fn a_worker_that_takes_nothing_gets_a_bounded_number_of_qos_0() {
        let (workers, mut inboxes) = Mailboxes::new(2);
        let (from, to) = (WorkerIndex(0), WorkerIndex(1));
        let sent = |qos, count: usize| -> usize {
            let messages = (0..count).map(|_| message(qos)).collect();
            count - workers.send_peer(to, from, messages)
        };
        // a little less than 16, for topics and what holds them
        assert_eq!(sent(QoS::AtMostOnce, 100), 15);
        assert_eq!(sent(QoS::AtMostOnce, 1), 0);
        assert_eq!(sent(QoS::AtLeastOnce, 3), 3, "what was promised is kept");
        while let Ok(mail) = inboxes[1].try_recv() {
            let Mail::Peer { bytes, .. } = mail else {
                panic!("{mail:?}")
            };
            workers.took_peer(to, bytes);
        }
        assert_eq!(sent(QoS::AtMostOnce, 20), 15);
    }
}
