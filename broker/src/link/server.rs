//! A shard's end of TCP links.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use bytes::BytesMut;
use herdgate_admission::keeper::CensusReport;
use herdgate_admission::report::{EdgeReport, ShardReport};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::token::TokenFile;
use super::transport::{self, GREETING_TIMEOUT, LinkError};
use super::wire::{Frame, Greeting, Hello, VERSION, Welcome};
use super::{ToEdge, ToShard};
use crate::metrics::LinkMetrics;
use crate::process::{Causes, Clock};
use crate::shard::{Demux, LinkIds, Mailboxes, Tables};

/// Peers that have not shown their token yet, on one thread: more than edges that dial at once, few enough to cost
/// nothing.
const MOST_GREETING: usize = 256;
/// Batches of frames taken in one turn.
const BATCHES_PER_TURN: usize = 64;

/// Peers that are being greeted, the oldest first.
#[derive(Debug, Default)]
struct Greeters(VecDeque<oneshot::Sender<()>>);

impl Greeters {
    /// One more: what is returned ends when it must go. When there is no room the oldest goes: peers that mean it have
    /// said who they are long before.
    fn admit(&mut self) -> oneshot::Receiver<()> {
        self.0.retain(|greeter| !greeter.is_closed());
        if self.0.len() >= MOST_GREETING {
            self.0.pop_front();
        }
        let (greeter, pushed_out) = oneshot::channel();
        self.0.push_back(greeter);
        pushed_out
    }
}

/// What every link of a shard needs.
#[derive(Clone, Debug)]
pub struct LinkServer {
    pub shard: u32,
    pub boot_epoch: u64,
    pub token: TokenFile,
    pub clock: Clock,
    pub links: LinkIds,
    pub workers: Mailboxes,
    /// What edges report.
    pub edges: UnboundedSender<EdgeReport>,
    /// What they are told.
    pub report: watch::Receiver<Option<Arc<ShardReport>>>,
    /// What edges count.
    pub censuses: UnboundedSender<CensusReport>,
    /// What reopenings are cut by.
    pub tables: Tables,
    pub metrics: LinkMetrics,
}

impl LinkServer {
    /// Serves the sockets that are handed over, on this thread, until the process ends. Needs a `LocalSet`.
    pub async fn run(self, mut sockets: UnboundedReceiver<std::net::TcpStream>) {
        let server = Rc::new(self);
        let mut greeters = Greeters::default();
        while let Some(socket) = sockets.recv().await {
            let pushed_out = greeters.admit();
            let server = Rc::clone(&server);
            tokio::task::spawn_local(async move {
                let greeted = tokio::select! {
                    greeted = server.greet(socket) => greeted,
                    _ = pushed_out => Err(LinkError::PushedOut),
                };
                match greeted {
                    Ok((socket, buffer, hello)) => server.serve(socket, buffer, &hello).await,
                    Err(error) => {
                        server.metrics.refused.inc();
                        tracing::warn!(error = %Causes(&error), "link peer refused");
                    }
                }
            });
        }
    }

    pub(super) async fn greet(
        &self,
        socket: std::net::TcpStream,
    ) -> Result<(TcpStream, BytesMut, Hello), LinkError> {
        let mut socket = TcpStream::from_std(socket)?;
        transport::prepare(&socket)?;
        let mut buffer = BytesMut::new();
        let said = timeout(
            GREETING_TIMEOUT,
            transport::greeting(&mut socket, &mut buffer),
        )
        .await;
        let hello = match said.unwrap_or(Err(LinkError::Timeout))? {
            Greeting::Hello(hello) => hello,
            other @ Greeting::Welcome(_) => return Err(LinkError::Unexpected(other)),
        };
        if !self.token.matches(&hello.token) {
            return Err(LinkError::Token);
        }
        let welcome = Welcome {
            version: VERSION,
            shard: self.shard,
            boot_epoch: self.boot_epoch,
        };
        // said even to a peer that does not speak it, so that its log tells both versions as ours does
        transport::say(&mut socket, &Greeting::Welcome(welcome)).await?;
        let (oldest, newest) = hello.versions;
        if !(oldest..=newest).contains(&VERSION) {
            return Err(LinkError::Version { oldest, newest });
        }
        Ok((socket, buffer, hello))
    }

    async fn serve(&self, socket: TcpStream, buffer: BytesMut, hello: &Hello) {
        tracing::info!(edge = hello.edge.0, worker = hello.worker, "link is up");
        self.metrics.up.inc();
        let error = self.carry(socket, buffer, hello.worker == 0).await;
        self.metrics.up.dec();
        self.metrics.lost.inc();
        tracing::warn!(edge = hello.edge.0, worker = hello.worker, error = %Causes(&error), "link is lost");
    }

    /// Carries frames both ways until the link breaks; then its streams are gone. `is_first`: of its edge's workers.
    async fn carry(&self, socket: TcpStream, mut buffer: BytesMut, is_first: bool) -> LinkError {
        let (mut from, mut to) = socket.into_split();
        let (sink, mut batches) = unbounded_channel();
        let demux = RefCell::new(Demux::new(self.links.next(), self.workers.clone(), &sink));
        let reading = async {
            loop {
                match transport::read_frames(&mut from, &mut buffer).await {
                    Ok(frames) => self.take(&demux, frames),
                    Err(error) => return error,
                }
            }
        };
        let mut reports = self.report.clone();
        reports.mark_changed();
        let mut tables = self.tables.clone();
        tables.mark_changed();
        let writing = async {
            let mut frames: Vec<Vec<ToEdge>> = Vec::new();
            let mut batch = BytesMut::new();
            loop {
                // A table before the first report of its reopening.
                tokio::select! {
                    biased;
                    Ok(()) = tables.changed(), if is_first => {
                        if let Some(table) = &*tables.borrow_and_update() {
                            ToEdge::Table(Arc::clone(table)).encode(&mut batch);
                        }
                    }
                    _ = batches.recv_many(&mut frames, BATCHES_PER_TURN) => {}
                    Ok(()) = reports.changed() => {
                        if let Some(report) = &*reports.borrow_and_update() {
                            ToEdge::Health(Box::new((**report).clone())).encode(&mut batch);
                        }
                    }
                }
                for frames in frames.drain(..) {
                    demux.borrow_mut().passed_all(&frames);
                    // Frames share their bytes with others; encoded, all of them together may be more than there is.
                    for frame in frames {
                        frame.encode(&mut batch);
                        if batch.len() >= transport::KEPT
                            && let Err(error) = transport::write_batch(&mut to, &mut batch).await
                        {
                            return LinkError::from(error);
                        }
                    }
                }
                if let Err(error) = transport::write_batch(&mut to, &mut batch).await {
                    return LinkError::from(error);
                }
            }
        };
        tokio::select! {
            error = reading => error,
            error = writing => error,
        }
    }

    fn take(&self, demux: &RefCell<Demux>, frames: Vec<ToShard>) {
        let mut demux = demux.borrow_mut();
        for frame in frames {
            match frame {
                ToShard::Health(report) => {
                    // Control ends only with the process.
                    let _ = self.edges.send(*report);
                }
                ToShard::Census(report) => {
                    let _ = self.censuses.send(Arc::unwrap_or_clone(report));
                }
                frame => demux.push(frame),
            }
        }
        demux.flush(self.clock.now());
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    #[test]
    fn silent_peers_make_room_for_younger_ones() {
        let mut greeters = Greeters::default();
        let mut silent: Vec<_> = (0..MOST_GREETING).map(|_| greeters.admit()).collect();
        drop(silent.pop());
        let _edge = greeters.admit();
        assert_eq!(
            silent[0].try_recv(),
            Err(TryRecvError::Empty),
            "one had gone"
        );
        let mut edge = greeters.admit();
        assert_eq!(silent[0].try_recv(), Err(TryRecvError::Closed));
        assert_eq!(silent[1].try_recv(), Err(TryRecvError::Empty));
        assert_eq!(edge.try_recv(), Err(TryRecvError::Empty));
    }
}
