//! TLS over a socket, without a buffer while nothing is under way.
//!
//! A buffered TLS stream keeps 4 KB for the next record of every client, more than all the rest of an idle one. Here
//! records are decrypted where they were read to, on the stack, and only one that is cut off is kept.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ServerConfig;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncryptError, UnbufferedStatus, WriteTraffic};
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::backlog::{Backlog, FillError};

/// What one read takes at most: nearly a record of the largest size, and many of the usual ones.
const READ: usize = 16 * 1024;
/// Plaintext of one record.
const FRAGMENT: usize = 16 * 1024;
/// What a record adds to its plaintext, in every version and suite.
const RECORD_OVERHEAD: usize = 64;

/// Kinds of records.
const ALERT: u8 = 21;
const SEALED: u8 = 23;
/// Level and description, the kind of what is sealed, and the tag.
const SEALED_ALERT_BYTES: u16 = 2 + 1 + 16;

/// A server's side of TLS.
pub(super) struct TlsSocket {
    socket: TcpStream,
    tls: UnbufferedServerConnection,
    /// The beginning of a record.
    partial: Vec<u8>,
    steps: Steps,
    /// The protocol has failed.
    broken: bool,
    /// Our `close_notify` is sealed.
    closing: bool,
}

impl std::fmt::Debug for TlsSocket {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let socket = &self.socket;
        out.debug_struct("TlsSocket")
            .field("socket", socket)
            .finish_non_exhaustive()
    }
}

impl TlsSocket {
    /// The whole handshake. On an error the alert has been written, if there was one, and the socket is given back.
    pub(super) async fn accept(
        config: Arc<ServerConfig>,
        socket: TcpStream,
    ) -> Result<Self, (io::Error, TcpStream)> {
        let tls = match UnbufferedServerConnection::new(config) {
            Ok(tls) => tls,
            Err(error) => return Err((io::Error::other(error), socket)),
        };
        let mut stream = Self {
            socket,
            tls,
            partial: Vec::new(),
            steps: Steps::default(),
            broken: false,
            closing: false,
        };
        match poll_fn(|cx| stream.poll_handshake(cx)).await {
            Ok(()) => Ok(stream),
            Err(error) => Err((error, stream.socket)),
        }
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(super) fn peer_certificate(&self) -> Option<&CertificateDer<'static>> {
        self.tls.peer_certificates()?.first()
    }

    /// It was read from the socket, and not yet from here.
    pub(super) fn holds_plaintext(&self) -> bool {
        !self.steps.plain.is_empty()
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_sealed(cx))?;
            if !self.tls.is_handshaking() {
                return Poll::Ready(Ok(()));
            }
            if let Err(error) = ready!(self.poll_records(cx)) {
                // An alert is a few bytes: a socket that does not take them now has nobody who reads them.
                let _ = self.poll_sealed(cx);
                return Poll::Ready(Err(error));
            }
            if self.steps.peer_closed && self.tls.is_handshaking() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Takes in what the socket has: at least a byte, or the end.
    fn poll_records(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut memory = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut memory);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
        let bytes = buffer.filled_mut();
        if bytes.is_empty() {
            self.steps.peer_closed = true;
        } else if self.partial.is_empty() {
            let used = self.process(bytes)?;
            self.partial.extend_from_slice(&bytes[used..]);
        } else {
            self.partial.extend_from_slice(bytes);
            self.process_partial()?;
        }
        Poll::Ready(Ok(()))
    }

    /// What is cut off, and whatever waits to be sealed. The state remembers handshake messages by their place: it must
    /// be shown these bytes each time.
    fn process_partial(&mut self) -> io::Result<()> {
        let mut records = std::mem::take(&mut self.partial);
        let used = self.process(&mut records)?;
        if used < records.len() {
            records.drain(..used);
            self.partial = records;
        }
        Ok(())
    }

    /// Whole records; the number of bytes that were used.
    fn process(&mut self, records: &mut [u8]) -> io::Result<usize> {
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut used = 0;
        loop {
            let UnbufferedStatus { discard, state } =
                self.tls.process_tls_records(&mut records[used..]);
            let goes_on = match state {
                Ok(state) => self.steps.take(state),
                Err(error) => return Err(self.fail(error, &mut records[used + discard..])),
            };
            used += discard;
            if !goes_on? {
                return Ok(used);
            }
        }
    }

    /// The alert, if there is one, is the last of what waits now: a `ServerHello` may go before it. Nothing is asked for
    /// behind it: whoever asks again makes the protocol look again at what it failed on.
    fn fail(&mut self, error: rustls::Error, records: &mut [u8]) -> io::Error {
        self.broken = true;
        let (mut used, mut is_told) = (0, false);
        while !is_told {
            let before = self.steps.sealed.bytes().len();
            let UnbufferedStatus { discard, state } =
                self.tls.process_tls_records(&mut records[used..]);
            used += discard;
            let Ok(state @ ConnectionState::EncodeTlsData(_)) = state else {
                break;
            };
            // Without its alert the client hears nothing but the end.
            if self.steps.take(state).is_err() {
                break;
            }
            is_told = is_alert(self.steps.sealed.bytes().get(before..).unwrap_or_default());
        }
        io::Error::new(io::ErrorKind::InvalidData, error)
    }

    fn seal(&mut self, plaintext: &[u8]) -> io::Result<()> {
        self.process_partial()?;
        self.write_traffic(plaintext.len() + RECORD_OVERHEAD, |traffic, room| {
            traffic.encrypt(plaintext, room)
        })
    }

    fn seal_close_notify(&mut self) -> io::Result<()> {
        self.process_partial()?;
        self.write_traffic(2 * RECORD_OVERHEAD, |traffic, room| {
            traffic.queue_close_notify(room)
        })
    }

    fn write_traffic(
        &mut self,
        room: usize,
        mut write: impl FnMut(
            &mut WriteTraffic<'_, ServerConnectionData>,
            &mut [u8],
        ) -> Result<usize, EncryptError>,
    ) -> io::Result<()> {
        // Nothing is discarded: all of it was processed a moment ago.
        match self.tls.process_tls_records(&mut self.partial).state {
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                self.steps.sealed.fill(room, |room| {
                    write(&mut traffic, room).map_err(FillError::from)
                })
            }
            Ok(_) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    /// Writes all that is sealed.
    fn poll_sealed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.steps.sealed.is_empty() {
            let written = Pin::new(&mut self.socket).poll_write(cx, self.steps.sealed.bytes());
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.steps.sealed.taken(written),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// A record of the kind alert; or one that TLS 1.3 has sealed, as short as no handshake message is.
fn is_alert(record: &[u8]) -> bool {
    match record {
        [ALERT, ..] => true,
        [SEALED, _, _, high, low, ..] => u16::from_be_bytes([*high, *low]) == SEALED_ALERT_BYTES,
        _ => false,
    }
}

/// What the protocol's steps leave behind.
#[derive(Default)]
struct Steps {
    /// Decrypted, not yet read.
    plain: Backlog,
    /// Encrypted, not yet written.
    sealed: Backlog,
    peer_closed: bool,
}

impl Steps {
    /// `false`: it waits for the peer, or for us.
    fn take(&mut self, state: ConnectionState<'_, '_, ServerConnectionData>) -> io::Result<bool> {
        match state {
            ConnectionState::ReadTraffic(mut traffic) => {
                while let Some(record) = traffic.next_record() {
                    let record = record.map_err(io::Error::other)?;
                    self.plain.push(record.payload);
                }
            }
            ConnectionState::PeerClosed => self.peer_closed = true,
            ConnectionState::EncodeTlsData(mut data) => {
                self.sealed
                    .fill(0, |room| data.encode(room).map_err(FillError::from))?;
            }
            // It lies in `sealed`, which is written before anything that comes later.
            ConnectionState::TransmitTlsData(data) => data.done(),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl AsyncRead for TlsSocket {
    /// A peer that ends without `close_notify` has ended all the same: MQTT packets have a length, none can be cut
    /// short unnoticed.
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.steps.plain.is_empty() && !this.steps.peer_closed {
            let read = this.poll_records(cx);
            // A key update wants an answer.
            if let Poll::Ready(Err(error)) = this.poll_sealed(cx) {
                return Poll::Ready(Err(error));
            }
            ready!(read)?;
        }
        let bytes = this.steps.plain.bytes();
        let taken = bytes.len().min(buffer.remaining());
        buffer.put_slice(&bytes[..taken]);
        this.steps.plain.taken(taken);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // One write is ahead of the socket at most.
        ready!(this.poll_sealed(cx))?;
        let len = bytes.len().min(FRAGMENT);
        this.seal(&bytes[..len])?;
        match this.poll_sealed(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(len)),
        }
    }

    /// Small packets become one record.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_sealed(cx))?;
        if let [one] = slices {
            return Pin::new(this).poll_write(cx, one);
        }
        let all: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut record = Vec::with_capacity(all.min(FRAGMENT));
        for slice in slices {
            let room = FRAGMENT - record.len();
            record.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        Pin::new(this).poll_write(cx, &record)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_sealed(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.closing && !this.broken {
            this.closing = true;
            this.seal_close_notify()?;
        }
        ready!(this.poll_sealed(cx))?;
        Pin::new(&mut this.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
