//! TCP from a chosen source address.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};

/// Connects from `source`, or from whatever address the kernel chooses.
pub(crate) async fn connect(source: Option<IpAddr>, target: SocketAddr) -> io::Result<TcpStream> {
    let socket = if target.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if let Some(source) = source {
        // gateways may share an address, and its ports that wait for their last packets are free for us
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let stream = socket.connect(target).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether sockets may be bound to `source`.
pub(crate) fn probe(source: IpAddr) -> io::Result<()> {
    std::net::TcpListener::bind(SocketAddr::new(source, 0)).map(drop)
}
