//! Where clients connect, and how.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::connection::Stream;

/// One listener of a broker.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// `None`: plain TCP.
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

impl Target {
    /// TCP, and TLS where it is wanted.
    pub(super) async fn dial(&self) -> anyhow::Result<Stream> {
        let socket = TcpStream::connect(self.address)
            .await
            .context("failed to connect")?;
        socket.set_nodelay(true)?;
        let Some(config) = &self.tls else {
            return Ok(Stream::Plain(socket));
        };
        let name = ServerName::try_from("localhost").context("failed to name the server")?;
        let tls = TlsConnector::from(Arc::clone(config))
            .connect(name, socket)
            .await
            .context("failed to shake hands")?;
        Ok(Stream::Tls(Box::new(tls)))
    }
}
