//! TLS, so many at a time.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::pace::Pace;
use super::shared::Shared;
use super::{closing, peer};
use crate::metrics::HandshakeFailure;
use crate::tls::ServerTls;

/// From the first byte of TLS to its last.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Sockets that wait for a handshake at one worker: as many as may be held before the gate, which wait no worse.
const MOST_WAITING: usize = 20_000;

/// The handshakes of one worker. A handshake costs tens of KB and a third of a millisecond: many at once only make each
/// of them late.
#[derive(Debug)]
pub(super) struct Handshakes {
    running: Semaphore,
    waiting: Cell<usize>,
    pub(super) pace: Pace,
}

/// A wait for the turn, counted.
struct Turn<'a>(&'a Cell<usize>);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Handshakes {
    /// This worker's share of the process's limit; never none.
    pub(super) fn new(index: usize, shared: &Shared) -> Self {
        let limit = shared.settings.admission.handshake_limit.get() as usize;
        let workers = shared.settings.workers.get();
        let share = limit / workers + usize::from(index < limit % workers);
        Self {
            running: Semaphore::new(share.max(1)),
            waiting: Cell::new(0),
            pace: Pace::default(),
        }
    }

    /// First come, first served; whoever goes meanwhile costs nothing.
    async fn turn(&self, socket: TcpStream) -> Option<(SemaphorePermit<'_>, TcpStream)> {
        if let Ok(permit) = self.running.try_acquire() {
            return Some((permit, socket));
        }
        if self.waiting.get() >= MOST_WAITING {
            peer::reset(socket);
            return None;
        }
        self.waiting.set(self.waiting.get() + 1);
        let _turn = Turn(&self.waiting);
        let permit = tokio::select! {
            biased;
            () = peer::gone(&socket) => return None,
            permit = self.running.acquire() => permit.ok()?,
        };
        Some((permit, peer::registered_anew(socket).ok()?))
    }
}

/// `None`: it came to nothing, and the client knows.
pub(super) async fn handshake(
    handshakes: Rc<Handshakes>,
    shared: Arc<Shared>,
    tls: &ServerTls,
    socket: TcpStream,
) -> Option<Box<TlsStream<TcpStream>>> {
    let metrics = &shared.metrics.edge;
    let (permit, socket) = handshakes.turn(socket).await?;
    metrics.handshakes_started.inc();
    let accept = TlsAcceptor::from(tls.current())
        .accept(socket)
        .into_fallible();
    let failure = match timeout(TIMEOUT, handshakes.pace.paced(accept)).await {
        Ok(Ok(stream)) => {
            acknowledge(stream.get_ref().0);
            metrics.handshakes_completed.inc();
            return Some(Box::new(stream));
        }
        Ok(Err((error, socket))) => {
            // The alert is written; others may go on while the client reads it.
            drop(permit);
            let failure = classify(&error);
            tracing::debug!(%error, "tls handshake failed");
            end(failure, socket, &shared).await;
            failure
        }
        Err(_) => HandshakeFailure::Timeout,
    };
    metrics.handshakes_failed.inc(failure);
    None
}

/// After the client's last handshake message we have nothing to say, and the kernel would keep the ACK for 40 ms. A
/// client that does not set `TCP_NODELAY` sends its CONNECT only then.
fn acknowledge(socket: &TcpStream) {
    // Without it the client waits a moment longer.
    let _ = SockRef::from(socket).set_tcp_quickack(true);
}

async fn end(failure: HandshakeFailure, mut socket: TcpStream, shared: &Shared) {
    match failure {
        HandshakeFailure::ClientGone => return,
        HandshakeFailure::Certificate | HandshakeFailure::NoCertificate => {
            shared.metrics.edge.certificate_alerts.inc();
        }
        HandshakeFailure::Protocol | HandshakeFailure::Timeout => {}
    }
    if socket.shutdown().await.is_ok() {
        closing::drain(socket).await;
    }
}

fn classify(error: &io::Error) -> HandshakeFailure {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(_)) => HandshakeFailure::Certificate,
        Some(rustls::Error::NoCertificatesPresented) => HandshakeFailure::NoCertificate,
        Some(_) => HandshakeFailure::Protocol,
        None => HandshakeFailure::ClientGone,
    }
}
