//! Brings the frames of one link to the workers that own their streams.

use std::time::Duration;

use super::core::{LinkId, WorkerIndex};
use super::mailbox::{EdgeSink, Mail, Mailboxes};
use crate::link::{StreamId, StreamMap, ToEdge, ToShard};

/// One link's end at the shard. Dropping it tells the workers that the link is gone.
#[derive(Debug)]
pub struct Demux {
    link: LinkId,
    workers: Mailboxes,
    owners: StreamMap<WorkerIndex>,
    /// By worker; sent by `flush`.
    pending: Vec<Vec<ToShard>>,
}

impl Demux {
    /// The workers send what is for the link into `sink`.
    pub fn new(link: LinkId, workers: Mailboxes, sink: &EdgeSink) -> Self {
        for worker in workers.iter() {
            worker.send(Mail::LinkUp {
                link,
                sink: sink.clone(),
            });
        }
        let pending = (0..workers.len()).map(|_| Vec::new()).collect();
        Self {
            link,
            workers,
            owners: StreamMap::default(),
            pending,
        }
    }

    /// Sorts a frame to its worker. Frames of unknown streams go nowhere: the stream ended while they were on the way.
    pub fn push(&mut self, frame: ToShard) {
        let owner = match &frame {
            ToShard::Attach { stream, attach } => {
                let owner = self.workers.owner_of(&attach.client_id);
                self.owners.insert(*stream, owner);
                Some(owner)
            }
            ToShard::Data { stream, .. } | ToShard::Window { stream, .. } => {
                self.owners.get(stream).copied()
            }
            ToShard::Cancel { stream } | ToShard::Detach { stream, .. } => {
                self.owners.remove(stream)
            }
            ToShard::Health(_) | ToShard::Census(_) => None,
        };
        if let Some(pending) = owner.and_then(|owner| self.pending.get_mut(usize::from(owner.0))) {
            pending.push(frame);
        }
    }

    pub fn push_all(&mut self, frames: Vec<ToShard>) {
        for frame in frames {
            self.push(frame);
        }
    }

    /// Sends what was pushed: one batch per worker.
    pub fn flush(&mut self, now: Duration) {
        for (worker, pending) in (0..).zip(&mut self.pending) {
            if !pending.is_empty() {
                let frames = std::mem::take(pending);
                self.workers.send(
                    WorkerIndex(worker),
                    Mail::Frames {
                        link: self.link,
                        frames,
                        sent: now,
                    },
                );
            }
        }
    }

    /// Frames go to the edge; some of them free their stream.
    pub fn passed_all(&mut self, frames: &[ToEdge]) {
        for frame in frames {
            self.passed(frame);
        }
    }

    fn passed(&mut self, frame: &ToEdge) {
        if let ToEdge::Refused { stream, .. } | ToEdge::Close { stream, .. } = frame {
            self.owners.remove(stream);
        }
    }

    /// Streams that have an owner.
    pub fn streams(&self) -> usize {
        self.owners.len()
    }

    pub fn owner(&self, stream: StreamId) -> Option<WorkerIndex> {
        self.owners.get(&stream).copied()
    }
}

impl Drop for Demux {
    fn drop(&mut self) {
        for worker in self.workers.iter() {
            worker.send(Mail::LinkDown(self.link));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use tokio::sync::mpsc;

    use super::*;
    use crate::link::{Attach, CloseReason, DetachReason, ListenerLimits, Protocol};

    fn attach(stream: u32, client_id: &str) -> ToShard {
        ToShard::Attach {
            stream: StreamId(stream),
            attach: Box::new(Attach {
                client_id: Arc::from(client_id),
                client_id_assigned: false,
                principal: None,
                protocol: Protocol::V5,
                connect: Bytes::new(),
                peer: "127.0.0.1:1".parse().unwrap(),
                max_packet_bytes: 1 << 20,
                server_keep_alive: None,
                authenticated: None,
                topic_alias_maximum: 0,
                limits: ListenerLimits::default(),
            }),
        }
    }

    fn data(stream: u32) -> ToShard {
        ToShard::Data {
            stream: StreamId(stream),
            packets: Bytes::from_static(&[0xE0, 0]),
        }
    }

    fn frames(inbox: &mut mpsc::UnboundedReceiver<Mail>) -> Vec<ToShard> {
        let mut all = Vec::new();
        while let Ok(mail) = inbox.try_recv() {
            if let Mail::Frames { frames, .. } = mail {
                all.extend(frames);
            }
        }
        all
    }

    #[test]
    fn a_stream_stays_with_the_owner_of_its_client_id() {
        let (workers, mut inboxes) = Mailboxes::new(2);
        let (sink, _edge) = mpsc::unbounded_channel();
        let mut demux = Demux::new(LinkId(1), workers.clone(), &sink);
        for stream in 0..20 {
            demux.push(attach(stream, &format!("gw-{stream}")));
            demux.push(data(stream));
        }
        demux.flush(Duration::ZERO);
        for (worker, inbox) in (0..).zip(&mut inboxes) {
            let frames = frames(inbox);
            assert!(frames.len() >= 2, "both workers own some");
            for pair in frames.chunks(2) {
                let [
                    ToShard::Attach { stream, attach },
                    ToShard::Data { stream: of, .. },
                ] = pair
                else {
                    panic!("in order: {pair:?}")
                };
                assert_eq!(stream, of);
                assert_eq!(workers.owner_of(&attach.client_id), WorkerIndex(worker));
            }
        }
    }

    #[test]
    fn a_freed_stream_has_no_owner() {
        let (workers, mut inboxes) = Mailboxes::new(1);
        let (sink, _edge) = mpsc::unbounded_channel();
        let mut demux = Demux::new(LinkId(1), workers, &sink);
        demux.push(attach(1, "a"));
        demux.push(attach(2, "b"));
        demux.push(ToShard::Detach {
            stream: StreamId(1),
            reason: DetachReason::PeerGone,
        });
        demux.passed(&ToEdge::Close {
            stream: StreamId(2),
            reason: CloseReason::TakenOver,
        });
        demux.push(data(1));
        demux.push(data(2));
        demux.flush(Duration::ZERO);
        assert_eq!(frames(&mut inboxes[0]).len(), 3);
        assert_eq!(demux.streams(), 0);
    }

    #[test]
    fn workers_hear_of_the_links_end() {
        let (workers, mut inboxes) = Mailboxes::new(2);
        let (sink, _edge) = mpsc::unbounded_channel();
        drop(Demux::new(LinkId(7), workers, &sink));
        for inbox in &mut inboxes {
            assert!(matches!(
                inbox.try_recv(),
                Ok(Mail::LinkUp {
                    link: LinkId(7),
                    ..
                })
            ));
            assert!(matches!(inbox.try_recv(), Ok(Mail::LinkDown(LinkId(7)))));
        }
    }
}
