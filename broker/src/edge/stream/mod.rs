//! A client's byte stream: over TCP or TLS, with or without WebSocket in between.

mod frames;
mod transport;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

pub(super) use self::transport::Transport;

use self::frames::Frames;
use crate::websocket::CloseCode;

#[derive(Debug)]
pub(super) struct Stream {
    transport: Transport,
    /// Of WebSocket clients, once they are upgraded.
    frames: Option<Box<Frames>>,
}

impl From<Transport> for Stream {
    fn from(transport: Transport) -> Self {
        Self {
            transport,
            frames: None,
        }
    }
}

impl Stream {
    /// From here on the bytes come and go in frames. `early`: frames that came with the request.
    pub(super) fn begin_frames(&mut self, early: Vec<u8>) {
        self.frames = Some(Box::new(Frames::new(early)));
    }

    pub(super) fn socket(&self) -> &TcpStream {
        self.transport.socket()
    }

    /// A layer of ours has read what nobody has taken.
    pub(super) fn holds_unread(&mut self) -> bool {
        self.transport.holds_plaintext() || self.frames.as_ref().is_some_and(|it| it.holds_unread())
    }

    /// The client has ended by a close frame or by breaking WebSocket's rules, and is owed one in return.
    pub(super) fn owes_close(&self) -> bool {
        self.frames.as_ref().is_some_and(|it| it.owes_close())
    }

    /// What was promised to the client must follow before anything else can be said.
    pub(super) fn is_midway(&self) -> bool {
        self.frames.as_ref().is_some_and(|it| it.is_midway())
    }

    /// What the last frame says of why, where WebSocket is spoken and nothing else is owed.
    pub(super) fn will_close(&mut self, code: CloseCode) {
        if let Some(frames) = &mut self.frames {
            frames.will_close(code);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { transport, frames } = self.get_mut();
        match frames {
            None => transport.poll_read(cx, buf),
            Some(frames) => frames.poll_read(transport, cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { transport, frames } = self.get_mut();
        match frames {
            None => transport.poll_write(cx, bytes),
            Some(frames) => frames.poll_write(transport, cx, &[IoSlice::new(bytes)]),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { transport, frames } = self.get_mut();
        match frames {
            None => transport.poll_write_vectored(cx, slices),
            Some(frames) => frames.poll_write(transport, cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().transport.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { transport, frames } = self.get_mut();
        match frames {
            None => transport.poll_shutdown(cx),
            Some(frames) => frames.poll_shutdown(transport, cx),
        }
    }
}
