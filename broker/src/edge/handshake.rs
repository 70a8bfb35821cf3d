//! TLS, so many at a time.

use std::cell::Cell;
use std::io;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::arrival::waits_for;
use super::entering::Entering;
use super::pace::Pace;
use super::shared::Shared;
use super::tls_socket::TlsSocket;
use super::{closing, peer};
use crate::metrics::HandshakeFailure;
use crate::tls::ServerTls;

/// From the first byte of TLS to its last.
const TIMEOUT: Duration = Duration::from_secs(5);
/// For the first byte of TLS: a client sends it as soon as it is connected, a probe never does.
const SILENCE: Duration = Duration::from_secs(5);
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

    /// First come, first served; whoever goes meanwhile costs nothing. Nobody has a turn before there is a byte to work
    /// on: those who are silent would keep it from those who are not.
    async fn turn(
        &self,
        socket: TcpStream,
        entering: Option<&Entering>,
    ) -> Option<(SemaphorePermit<'_>, TcpStream)> {
        // A peek and not `readable`, which may be wrong about a new socket.
        let spoken = timeout(SILENCE, socket.peek(&mut [0])).await.ok()?.ok()?;
        if spoken == 0 || peer::is_gone(&socket) {
            return None;
        }
        if let Ok(permit) = self.running.try_acquire() {
            return Some((permit, socket));
        }
        if self.waiting.get() >= MOST_WAITING {
            entering.inspect(|entering| entering.spare());
            peer::reset(socket);
            return None;
        }
        self.waiting.set(self.waiting.get() + 1);
        let _turn = Turn(&self.waiting);
        let permit = waits_for(entering, async {
            tokio::select! {
                biased;
                () = peer::gone(&socket) => None,
                permit = self.running.acquire() => permit.ok(),
            }
        });
        Some((permit.await?, peer::registered_anew(socket).ok()?))
    }
}

/// Why there is no TLS.
#[derive(Debug)]
pub(super) enum NoTls {
    /// Nobody is there to answer.
    Gone,
    /// The alert is on its way: `end` it.
    Alerted(TcpStream),
}

/// `entering` waits for its turn; `None`: it is let in later.
pub(super) async fn handshake(
    handshakes: &Handshakes,
    shared: &Shared,
    tls: &ServerTls,
    socket: TcpStream,
    entering: Option<&Entering>,
) -> Result<Box<TlsSocket>, NoTls> {
    let metrics = &shared.metrics.edge;
    let turn = handshakes.turn(socket, entering).await;
    // Others may go on while the client of a failed one reads its alert.
    let (_permit, socket) = turn.ok_or(NoTls::Gone)?;
    metrics.handshakes_started.inc();
    let accept = TlsSocket::accept(tls.current(), socket);
    let (failure, no) = match timeout(TIMEOUT, handshakes.pace.paced(accept)).await {
        Ok(Ok(stream)) => {
            acknowledge(stream.socket());
            metrics.handshakes_completed.inc();
            return Ok(Box::new(stream));
        }
        Ok(Err((error, socket))) => {
            tracing::debug!(%error, "tls handshake failed");
            match classify(&error) {
                gone @ HandshakeFailure::ClientGone => (gone, NoTls::Gone),
                failure => (failure, NoTls::Alerted(socket)),
            }
        }
        Err(_) => (HandshakeFailure::Timeout, NoTls::Gone),
    };
    metrics.handshakes_failed.inc(failure);
    if matches!(
        failure,
        HandshakeFailure::Certificate | HandshakeFailure::NoCertificate
    ) {
        metrics.certificate_alerts.inc();
    }
    Err(no)
}

/// After the client's last handshake message we have nothing to say, and the kernel would keep the ACK for 40 ms. A
/// client that does not set `TCP_NODELAY` sends its CONNECT only then.
fn acknowledge(socket: &TcpStream) {
    // Without it the client waits a moment longer.
    let _ = SockRef::from(socket).set_tcp_quickack(true);
}

/// Lets the client read its alert; no place or turn is held meanwhile.
pub(super) async fn end(mut socket: TcpStream) {
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

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use futures::FutureExt;
    use herdgate_admission::places::Places;
    use tokio::net::TcpListener;

    use super::*;
    use crate::edge::entering::Enterings;
    use crate::process::Clock;

    fn entering() -> Entering {
        let place = Places::default().take_anyway();
        Rc::new(Enterings::default()).begin(place, None, Clock::start(), TIMEOUT)
    }

    #[tokio::test]
    async fn silent_clients_have_no_turn_and_keep_none_from_others() {
        let handshakes = Handshakes {
            running: Semaphore::new(1),
            waiting: Cell::default(),
            pace: Pace::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _silent = TcpStream::connect(address).await.unwrap();
        let (silent, _) = listener.accept().await.unwrap();
        let (first, second) = (entering(), entering());
        let mut silence = Box::pin(handshakes.turn(silent, Some(&first)));
        assert!(silence.as_mut().now_or_never().is_none());
        let mut client = TcpStream::connect(address).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        client.write_all(&[22]).await.unwrap();
        let turn = tokio::select! {
            turn = handshakes.turn(socket, Some(&second)) => turn,
            _ = silence => panic!("nothing was said"),
        };
        assert!(turn.is_some());
    }
}
