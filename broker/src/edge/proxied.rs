//! Whose connection it is: the socket's own address, or what a trusted balancer says in front of all else.

use std::cell::Cell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use herdgate_admission::places::{Place, Places};
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::shared::ListenerShared;
use super::worker::Worker;
use crate::metrics::ProxyHeader;
use crate::proxy_protocol::{Header, HeaderError, Source, parse};

/// For the whole header. Balancers send it as soon as they are connected.
const PATIENCE: Duration = Duration::from_secs(5);
/// Sockets that wait for their header at one worker: a herd's worth, since each waits for a moment only.
const MOST_WAITING: usize = 20_000;
/// Sockets under a balancer's own address that may be entering at one worker: a balancer checks a few times a second.
pub(super) const MOST_PROBES: u32 = 64;

/// What a worker counts of its balancers' sockets.
#[derive(Debug)]
pub(super) struct Balancers {
    waiting: Cell<usize>,
    probes: Places,
}

impl Default for Balancers {
    fn default() -> Self {
        let probes = Places::default();
        probes.set_limit(MOST_PROBES);
        Self {
            waiting: Cell::new(0),
            probes,
        }
    }
}

/// The other end of a connection.
#[derive(Debug)]
pub(super) enum Peer {
    /// Somebody to be admitted by this address.
    Client(SocketAddr),
    /// A balancer that speaks for itself: it passes the gate with a place that is none of the clients'.
    Probe(SocketAddr, Place),
}

/// A wait for a header, counted.
struct Waiting<'a>(&'a Cell<usize>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Balancers {
    /// `None`: too many wait.
    fn wait(&self) -> Option<Waiting<'_>> {
        let waiting = self.waiting.get();
        (waiting < MOST_WAITING).then(|| {
            self.waiting.set(waiting + 1);
            Waiting(&self.waiting)
        })
    }
}

/// Reads the header where the listener requires one, and not a byte more. `None`: reset the socket; it is counted.
pub(super) async fn peer(
    worker: &Worker,
    listener: &ListenerShared,
    socket: &TcpStream,
    from: SocketAddr,
) -> Option<Peer> {
    let Some(trusted) = &listener.balancers else {
        return Some(Peer::Client(from));
    };
    let found = if trusted.contains(from.ip()) {
        ask(worker, socket, from).await
    } else {
        Err(ProxyHeader::Untrusted)
    };
    let outcomes = &worker.shared.metrics.edge.transport.proxy_headers;
    match found {
        Ok(peer) => {
            outcomes.inc(match peer {
                Peer::Client(_) => ProxyHeader::Client,
                Peer::Probe(..) => ProxyHeader::Own,
            });
            Some(peer)
        }
        Err(failure) => {
            tracing::debug!(%from, reason = ?failure, "no PROXY header");
            outcomes.inc(failure);
            None
        }
    }
}

async fn ask(worker: &Worker, socket: &TcpStream, from: SocketAddr) -> Result<Peer, ProxyHeader> {
    let source = {
        let _waiting = worker.balancers.wait().ok_or(ProxyHeader::Full)?;
        let header = timeout(PATIENCE, read(worker, socket));
        header.await.map_err(|_| ProxyHeader::Timeout)??
    };
    match source {
        Source::Client(client) => Ok(Peer::Client(client)),
        Source::Own => {
            let place = worker.balancers.probes.try_take();
            Ok(Peer::Probe(from, place.ok_or(ProxyHeader::Full)?))
        }
    }
}

async fn read(worker: &Worker, socket: &TcpStream) -> Result<Source, ProxyHeader> {
    let mut begun = Vec::new();
    poll_fn(|cx| {
        loop {
            let mut memory = worker.read_buffer.borrow_mut();
            match ready!(take(socket, cx, &mut memory, &mut begun)) {
                Ok(None) => {}
                Ok(Some(source)) => return Poll::Ready(Ok(source)),
                Err(failure) => return Poll::Ready(Err(failure)),
            }
        }
    })
    .await
}

/// Takes what there is of the header off the socket; what follows it stays there, for TLS or whoever reads next.
fn take(
    socket: &TcpStream,
    cx: &mut Context<'_>,
    memory: &mut [u8],
    begun: &mut Vec<u8>,
) -> Poll<Result<Option<Source>, ProxyHeader>> {
    let mut seen = ReadBuf::new(memory);
    if ready!(socket.poll_peek(cx, &mut seen)).is_err() || seen.filled().is_empty() {
        return Poll::Ready(Err(ProxyHeader::Gone));
    }
    let (used, source) = match step(begun, seen.filled()) {
        Ok(step) => step,
        Err(error) => {
            tracing::debug!(%error, "PROXY header refused");
            return Poll::Ready(Err(ProxyHeader::Malformed));
        }
    };
    let taken = memory.get_mut(..used).map(|memory| socket.try_read(memory));
    Poll::Ready(match taken {
        Some(Ok(taken)) if taken == used => Ok(source),
        _ => Err(ProxyHeader::Gone),
    })
}

/// How many of the bytes in sight belong to the header, and what it says when it is whole.
fn step(begun: &mut Vec<u8>, seen: &[u8]) -> Result<(usize, Option<Source>), HeaderError> {
    let parsed = if begun.is_empty() {
        parse(seen)?
    } else {
        parse(&[begun, seen].concat())?
    };
    if let Some(Header { source, len }) = parsed {
        return Ok((len.saturating_sub(begun.len()), Some(source)));
    }
    begun.extend_from_slice(seen);
    Ok((seen.len(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_taken_however_it_is_cut() {
        let header = b"PROXY TCP4 198.51.100.7 203.0.113.9 8080 8883\r\n";
        let stream = [&header[..], b"hello"].concat();
        for cut in 1..header.len() {
            let mut begun = Vec::new();
            assert_eq!(step(&mut begun, &stream[..cut]), Ok((cut, None)));
            let (used, source) = step(&mut begun, &stream[cut..]).unwrap();
            assert_eq!(cut + used, header.len());
            assert!(matches!(source, Some(Source::Client(_))));
        }
    }
}
