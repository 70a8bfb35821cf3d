//! TCP from a chosen source address.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

use super::proxy;
use crate::scenario::ProxyVersion;

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    /// Whatever address the kernel chooses.
    Any,
    /// The socket is bound to it.
    Bound(IpAddr),
    /// A PROXY header says so.
    Told(IpAddr, ProxyVersion),
}

impl Source {
    pub(crate) fn new(address: Option<IpAddr>, proxy: Option<ProxyVersion>) -> Self {
        match (address, proxy) {
            (None, _) => Self::Any,
            (Some(address), None) => Self::Bound(address),
            (Some(address), Some(version)) => Self::Told(address, version),
        }
    }
}

/// Connects to `target`; a header has been sent when it returns.
pub(crate) async fn connect(source: Source, target: SocketAddr) -> io::Result<TcpStream> {
    let socket = if target.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if let Source::Bound(source) = source {
        // gateways may share an address, and its ports that wait for their last packets are free for us
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let mut stream = socket.connect(target).await?;
    stream.set_nodelay(true)?;
    if let Source::Told(source, version) = source {
        let source = SocketAddr::new(source, stream.local_addr()?.port());
        let header = proxy::header(version, source, target);
        stream.write_all(&header).await?;
    }
    Ok(stream)
}

/// Whether sockets may be bound to `source`.
pub(crate) fn probe(source: IpAddr) -> io::Result<()> {
    std::net::TcpListener::bind(SocketAddr::new(source, 0)).map(drop)
}
