//! WebSocket over a transport: reads are decoded where they land, writes that come together leave as one frame.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;

use super::Transport;
use crate::edge::outbox::PIECES;
use crate::websocket::{Close, CloseCode, ControlFrames, Decoded, Decoder, Encoder, Ending};

/// Idle, it holds no buffer.
#[derive(Debug, Default)]
pub(super) struct Frames {
    decoder: Decoder,
    encoder: Encoder,
    control: ControlFrames,
    /// Read together with the request, and not yet decoded.
    early: Vec<u8>,
    /// How the client's side has ended, when nobody was told yet.
    ending: Option<Ending>,
    /// What our close frame says.
    close: Option<Close>,
    owes_close: bool,
    /// No frames are read any more, only bytes to be thrown away.
    is_over: bool,
    unflushed: bool,
}

impl Frames {
    pub(super) fn new(early: Vec<u8>) -> Self {
        Self {
            early,
            ..Self::default()
        }
    }

    pub(super) fn holds_unread(&self) -> bool {
        !self.early.is_empty() || self.ending.is_some()
    }

    pub(super) fn owes_close(&self) -> bool {
        self.owes_close
    }

    pub(super) fn is_midway(&self) -> bool {
        self.encoder.is_midway()
    }

    pub(super) fn will_close(&mut self, code: CloseCode) {
        self.close.get_or_insert(code.into());
    }

    /// Messages' bytes only: frames without any are no news. No byte is the end, as everywhere.
    pub(super) fn poll_read(
        &mut self,
        transport: &mut Transport,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            // A pong that cannot be written now wakes this task when it can.
            if let Poll::Ready(Err(error)) = self.poll_control(transport, cx) {
                return Poll::Ready(Err(error));
            }
            if let Some(ending) = self.ending.take() {
                return Poll::Ready(self.end(ending));
            }
            let start = buf.filled().len();
            ready!(self.poll_bytes(transport, cx, buf))?;
            if self.is_over || buf.filled().len() == start {
                return Poll::Ready(Ok(()));
            }
            let decoded = self.decoder.decode(&mut buf.filled_mut()[start..]);
            buf.set_filled(start + decoded.bytes);
            if self.heed(decoded) {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Whether there are bytes for the reader.
    fn heed(&mut self, decoded: Decoded) -> bool {
        if let Some(ping) = decoded.ping {
            self.control.pong(&ping);
        }
        if decoded.ending.is_some() {
            self.early = Vec::new();
            self.ending = decoded.ending;
        }
        decoded.bytes > 0
    }

    fn end(&mut self, ending: Ending) -> io::Result<()> {
        self.is_over = true;
        self.owes_close = true;
        match ending {
            Ending::Closed(said) => {
                self.close = Some(said);
                Ok(())
            }
            Ending::Failed(code) => {
                self.close = Some(code.into());
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }

    fn poll_bytes(
        &mut self,
        transport: &mut Transport,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return transport.poll_read(cx, buf);
        }
        let taken = self.early.len().min(buf.remaining());
        buf.put_slice(&self.early[..taken]);
        self.early = self.early.split_off(taken);
        Poll::Ready(Ok(()))
    }

    /// One frame for all slices; returns how many of their bytes were taken.
    pub(super) fn poll_write(
        &mut self,
        transport: &mut Transport,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if slices.iter().all(|slice| slice.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        ready!(self.poll_control(transport, cx))?;
        loop {
            let mut out = [IoSlice::new(&[]); PIECES + 1];
            let filled = self.encoder.lay_out(slices, &mut out);
            let written = ready!(transport.poll_write_vectored(cx, &out[..filled]))?;
            let taken = self.encoder.written(written);
            // A header alone is no progress to the writer, and 0 would be the end.
            if taken > 0 || written == 0 {
                return Poll::Ready(Ok(taken));
            }
        }
    }

    /// Writes what waits between two data frames.
    fn poll_control(
        &mut self,
        transport: &mut Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.encoder.is_midway() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let next = self.control.pending();
            if next.is_empty() {
                break;
            }
            let written = ready!(transport.poll_write(cx, next))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.control.written(written);
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(transport.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// The close frame, unless another frame is midway, then the transport's end.
    pub(super) fn poll_shutdown(
        &mut self,
        transport: &mut Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_over = true;
        self.early = Vec::new();
        if !self.encoder.is_midway() {
            self.control
                .close(self.close.unwrap_or(CloseCode::NORMAL.into()));
            ready!(self.poll_control(transport, cx))?;
        }
        transport.poll_shutdown(cx)
    }
}
