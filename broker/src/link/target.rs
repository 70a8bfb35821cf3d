//! How an edge worker reaches a shard: by TCP, or, in one process, by memory.

use std::rc::Rc;
use std::sync::Arc;

use herdgate_admission::report::EdgeReport;
use tokio::sync::watch;

use super::client::TcpLink;
use super::memory::MemoryLink;
use super::{ToEdge, ToShard};
use crate::edge::LocalQueue;
use crate::process::Clock;

/// What a worker hears of a link.
#[derive(Debug)]
pub enum LinkEvent {
    Up,
    Frames(Vec<ToEdge>),
    /// All its streams are gone.
    Down,
}

#[derive(Debug)]
pub enum LinkTarget {
    Memory(MemoryLink),
    Tcp(TcpLink),
}

impl LinkTarget {
    /// Runs until the process ends.
    pub async fn run(
        self,
        queue: Rc<LocalQueue<ToShard>>,
        report: watch::Receiver<Option<Arc<EdgeReport>>>,
        clock: Clock,
        on_event: impl Fn(LinkEvent),
    ) {
        match self {
            // Control threads of one process need no link to hear each other.
            Self::Memory(link) => link.run(&queue, clock, on_event).await,
            Self::Tcp(link) => link.run(queue, report, on_event).await,
        }
    }
}
