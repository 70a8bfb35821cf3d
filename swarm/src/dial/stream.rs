//! Streams that tell what they heard.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A byte stream to the server.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// Whether the server has shown that TLS is complete on its side too, without a byte of MQTT.
    fn server_completed(&self) -> bool;
}

/// A TCP stream that knows whether the server ever said anything.
#[derive(Debug)]
pub(crate) struct Tapped {
    tcp: TcpStream,
    heard: bool,
}

impl Tapped {
    pub(crate) fn new(tcp: TcpStream) -> Self {
        Self { tcp, heard: false }
    }

    pub(crate) fn heard(&self) -> bool {
        self.heard
    }
}

impl Stream for Tapped {
    fn server_completed(&self) -> bool {
        false
    }
}

impl Stream for TlsStream<Tapped> {
    fn server_completed(&self) -> bool {
        let (_, tls) = self.get_ref();
        tls.tls13_tickets_received() > 0
            || tls.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_2)
    }
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.tcp).poll_read(cx, buf);
        self.heard |= buf.filled().len() > before;
        result
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
