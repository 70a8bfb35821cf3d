//! What both ends of a TCP link do with their socket.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::wire::{self, Frame, Greeting, MAX_GREETING, VERSION, WireError};
use crate::process::brought;

/// A greeting that takes longer is none.
pub(super) const GREETING_TIMEOUT: Duration = Duration::from_secs(5);
/// What one read takes at most.
const READ: usize = 64 * 1024;
/// A buffer with less room than this makes way for a new one.
const READ_LEAST: usize = READ / 8;
/// A batch buffer that grew beyond this is not kept.
pub(super) const KEPT: usize = 256 * 1024;
/// A peer whose machine is gone answers no probe. Reports go four times a second, so that some bytes are always on their
/// way: what ends the link then is the time that they go unanswered. A peer that is merely stopped answers through its
/// kernel, but its window closes, and unanswered is then the time that it stays closed: as long as a process may be
/// stopped (a debugger, a machine that is moved) before its clients are better off elsewhere.
const PROBE_AFTER: Duration = Duration::from_secs(5);
const PROBES: u32 = 3;
const UNANSWERED: Duration = Duration::from_mins(1);

#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error("failed to use the link's socket")]
    Socket(#[from] io::Error),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("failed to greet: the peer took too long")]
    Timeout,
    #[error("failed to greet: the peer said {0:?}")]
    Unexpected(Greeting),
    #[error(
        "failed to greet: no version in common, this side speaks {VERSION} and the peer {oldest} to {newest}"
    )]
    Version { oldest: u16, newest: u16 },
    #[error("failed to greet: the token is wrong")]
    Token,
    #[error("failed to greet: younger peers needed the room")]
    PushedOut,
    #[error("failed to go on: the peer has closed the link")]
    Closed,
}

pub(super) fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let options = SockRef::from(socket);
    let keepalive = TcpKeepalive::new()
        .with_time(PROBE_AFTER)
        .with_interval(PROBE_AFTER)
        .with_retries(PROBES);
    options.set_tcp_keepalive(&keepalive)?;
    options.set_tcp_user_timeout(Some(UNANSWERED))
}

/// The peer's greeting; what came behind it stays in `buffer`.
pub(super) async fn greeting(
    socket: &mut TcpStream,
    buffer: &mut BytesMut,
) -> Result<Greeting, LinkError> {
    loop {
        if let Some(greeting) = wire::next(buffer, MAX_GREETING)? {
            return Ok(greeting);
        }
        if socket.read_buf(buffer).await? == 0 {
            return Err(LinkError::Closed);
        }
    }
}

pub(super) async fn say(socket: &mut TcpStream, greeting: &Greeting) -> io::Result<()> {
    let mut out = BytesMut::new();
    greeting.encode(&mut out);
    socket.write_all(&out).await
}

/// Takes what has come: all whole frames, at least one.
pub(super) async fn read_frames<F: Frame>(
    socket: &mut (impl AsyncReadExt + Unpin),
    buffer: &mut BytesMut,
) -> Result<Vec<F>, LinkError> {
    let mut frames = Vec::new();
    loop {
        while let Some(frame) = wire::next(buffer, wire::MAX_FRAME)? {
            frames.push(frame);
        }
        if !frames.is_empty() {
            return Ok(frames);
        }
        // What earlier frames still hold cannot be had back: a new buffer for each read would cost more than the read.
        if buffer.capacity() - buffer.len() < READ_LEAST {
            buffer.reserve(READ);
        }
        if socket.read_buf(buffer).await? == 0 {
            return Err(LinkError::Closed);
        }
        brought();
    }
}

/// One write for a whole batch.
pub(super) async fn write_batch(
    socket: &mut (impl AsyncWriteExt + Unpin),
    batch: &mut BytesMut,
) -> io::Result<()> {
    socket.write_all(batch).await?;
    batch.clear();
    if batch.capacity() > KEPT {
        *batch = BytesMut::new();
    }
    Ok(())
}
