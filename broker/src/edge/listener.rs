//! Listening sockets: one per worker and listener, so that the kernel deals connections out.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use crate::config::Listener;

/// The kernel must never refuse before the gate does: it refuses without order, and clients then wait for a SYN to be
/// sent again. The kernel's own limit (somaxconn, 4096 by default) cuts this.
const BACKLOG: i32 = 65_535;

#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {address} for listener {listener}")]
pub struct BindError {
    listener: String,
    address: SocketAddr,
    source: io::Error,
}

/// The sockets of one listener, one for each worker, all bound to the same address.
#[derive(Debug)]
pub struct Sockets {
    pub address: SocketAddr,
    pub sockets: Vec<TcpListener>,
}

impl Sockets {
    /// With port 0 the first socket finds a port, and the others take the same.
    pub fn bind(listener: &Listener, workers: usize) -> Result<Self, BindError> {
        let failed = |source| BindError {
            listener: listener.name.clone(),
            address: listener.address,
            source,
        };
        let mut address = listener.address;
        let mut sockets = Vec::with_capacity(workers);
        for _ in 0..workers {
            let socket = bind(address, listener.tcp_user_timeout).map_err(failed)?;
            address = socket.local_addr().map_err(failed)?;
            sockets.push(socket);
        }
        Ok(Self { address, sockets })
    }
}

fn bind(address: SocketAddr, user_timeout: Option<Duration>) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    // Inherited by accepted sockets: one call here instead of one per client.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(user_timeout)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_share_an_address() {
        let any = "127.0.0.1:0".parse().unwrap();
        let first = bind(any, None).unwrap();
        let second = bind(first.local_addr().unwrap(), None).unwrap();
        assert_eq!(first.local_addr().unwrap(), second.local_addr().unwrap());
    }

    #[test]
    fn accepted_sockets_have_the_listeners_options() {
        let timeout = Some(Duration::from_secs(7));
        let listener = bind("127.0.0.1:0".parse().unwrap(), timeout).unwrap();
        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let accepted = Socket::from(accepted);
        assert_eq!(accepted.tcp_user_timeout().unwrap(), timeout);
        assert!(accepted.tcp_nodelay().unwrap());
    }
}
