//! An edge worker's TCP link to a shard: dials, greets, carries frames, dials again.

use std::rc::Rc;
use std::sync::Arc;

use bytes::BytesMut;
use herdgate_admission::report::{EdgeId, EdgeReport};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use super::token::TokenFile;
use super::transport::{self, GREETING_TIMEOUT, LinkError};
use super::wire::{Frame, Greeting, Hello, VERSION, Welcome};
use super::{LinkEvent, ToShard};
use crate::edge::LocalQueue;
use crate::metrics::LinkMetrics;
use crate::process::Causes;

type Reports = watch::Receiver<Option<Arc<EdgeReport>>>;

/// Where a shard is, and who dials.
#[derive(Clone, Debug)]
pub struct TcpLink {
    /// `host:port`; resolved at each dial.
    pub address: String,
    pub token: TokenFile,
    pub edge: EdgeId,
    pub worker: u16,
    pub metrics: LinkMetrics,
}

impl TcpLink {
    /// Runs until the process ends.
    pub(super) async fn run(
        self,
        queue: Rc<LocalQueue<ToShard>>,
        reports: Reports,
        on_event: impl Fn(LinkEvent),
    ) {
        let seed = u64::from(std::process::id()) << 16 | u64::from(self.worker);
        let mut backoff = Backoff::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        loop {
            match self.dial().await {
                Ok((socket, buffer, welcome)) => {
                    backoff.reset();
                    tracing::info!(
                        address = self.address,
                        shard = welcome.shard,
                        worker = self.worker,
                        "link is up"
                    );
                    self.metrics.up.inc();
                    on_event(LinkEvent::Up);
                    let error = carry(socket, buffer, &queue, reports.clone(), &on_event).await;
                    self.metrics.up.dec();
                    self.metrics.lost.inc();
                    on_event(LinkEvent::Down);
                    tracing::warn!(address = self.address, worker = self.worker, error = %Causes(&error), "link is lost");
                }
                Err(error) => {
                    tracing::warn!(address = self.address, worker = self.worker, error = %Causes(&error), "link is down");
                }
            }
            sleep(backoff.wait()).await;
        }
    }

    async fn dial(&self) -> Result<(TcpStream, BytesMut, Welcome), LinkError> {
        timeout(GREETING_TIMEOUT, self.greet())
            .await
            .unwrap_or(Err(LinkError::Timeout))
    }

    pub(super) async fn greet(&self) -> Result<(TcpStream, BytesMut, Welcome), LinkError> {
        let mut socket = TcpStream::connect(&self.address).await?;
        transport::prepare(&socket)?;
        let hello = Hello {
            versions: (VERSION, VERSION),
            token: self.token.bytes(),
            edge: self.edge.clone(),
            worker: self.worker,
        };
        transport::say(&mut socket, &Greeting::Hello(hello)).await?;
        let mut buffer = BytesMut::new();
        match transport::greeting(&mut socket, &mut buffer).await? {
            Greeting::Welcome(welcome) if welcome.version == VERSION => {
                Ok((socket, buffer, welcome))
            }
            Greeting::Welcome(Welcome { version, .. }) => Err(LinkError::Version {
                oldest: version,
                newest: version,
            }),
            other @ Greeting::Hello(_) => Err(LinkError::Unexpected(other)),
        }
    }
}

/// Carries frames both ways until the link breaks.
async fn carry(
    socket: TcpStream,
    mut buffer: BytesMut,
    queue: &LocalQueue<ToShard>,
    mut reports: Reports,
    on_event: &impl Fn(LinkEvent),
) -> LinkError {
    let (mut from, mut to) = socket.into_split();
    // The shard numbers a reopening only when it has heard of an edge.
    reports.mark_changed();
    let reading = async {
        loop {
            match transport::read_frames(&mut from, &mut buffer).await {
                Ok(frames) => on_event(LinkEvent::Frames(frames)),
                Err(error) => return error,
            }
        }
    };
    let writing = async {
        let mut batch = BytesMut::new();
        loop {
            tokio::select! {
                frames = queue.take() => frames.iter().for_each(|frame| frame.encode(&mut batch)),
                Ok(()) = reports.changed() => {
                    if let Some(report) = &*reports.borrow_and_update() {
                        ToShard::Health(Box::new((**report).clone())).encode(&mut batch);
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
