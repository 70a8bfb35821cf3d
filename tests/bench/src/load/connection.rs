//! One client.

use std::io;
use std::time::Duration;

use anyhow::{Context as _, bail};
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::dial::Target;
use super::wire::{self, Frame};

/// Enough for every packet of a setup.
const READ: usize = 2048;

#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    async fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into).await,
            Self::Tls(tls) => tls.read(into).await,
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes).await,
            Self::Tls(tls) => {
                tls.write_all(bytes).await?;
                tls.flush().await
            }
        }
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }
}

/// With a session. Dropped, it ends with a reset: no `TIME_WAIT` is left to the next round.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    /// Read and not yet looked at.
    ahead: Vec<u8>,
}

impl Connection {
    /// From the first SYN to an accepting CONNACK.
    pub(crate) async fn open(target: &Target, client_id: &str) -> anyhow::Result<Self> {
        let stream = target.dial().await?;
        SockRef::from(stream.socket()).set_linger(Some(Duration::ZERO))?;
        let mut connection = Self {
            stream,
            ahead: Vec::new(),
        };
        connection.send(&wire::connect(client_id)).await?;
        let body = connection.expect(wire::CONNACK).await?;
        if body.get(1) != Some(&0) {
            bail!("failed to get a session: CONNACK {body:?}");
        }
        Ok(connection)
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.stream.write(bytes).await.context("failed to write")
    }

    /// The body of the next packet, which must be of this kind.
    pub(crate) async fn expect(&mut self, kind: u8) -> anyhow::Result<Vec<u8>> {
        loop {
            if let Some((frame, rest)) = Frame::split(&self.ahead) {
                if frame.kind() != kind {
                    bail!(
                        "failed to get {kind:#x}: the broker sent {:#x}",
                        frame.first
                    );
                }
                let body = frame.body.to_vec();
                self.ahead = rest.to_vec();
                return Ok(body);
            }
            let mut buffer = [0; READ];
            let read = self
                .stream
                .read(&mut buffer)
                .await
                .context("failed to read")?;
            if read == 0 {
                bail!("failed to read: the broker has closed the connection");
            }
            self.ahead.extend_from_slice(&buffer[..read]);
        }
    }

    /// One SUBSCRIBE, granted.
    pub(crate) async fn subscribe(&mut self, id: u16, filter: &str, qos: u8) -> anyhow::Result<()> {
        self.send(&wire::subscribe(id, filter, qos)).await?;
        let body = self.expect(wire::SUBACK).await?;
        match body.last() {
            Some(granted) if *granted == qos => Ok(()),
            granted => bail!("failed to subscribe to {filter} at QoS {qos}: granted {granted:?}"),
        }
    }

    /// The bare socket of a plain connection that has nothing unread.
    pub(crate) fn into_socket(self) -> anyhow::Result<TcpStream> {
        match self.stream {
            Stream::Plain(socket) if self.ahead.is_empty() => Ok(socket),
            _ => bail!("failed to take the socket: it has TLS, or bytes were read ahead"),
        }
    }
}
