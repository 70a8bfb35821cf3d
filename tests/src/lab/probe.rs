//! Connections from a chosen address, and what the gate does to them.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use socket2::{Domain, Socket, Type};

/// Opens a TCP connection that comes from `source`, if one is given.
pub fn dial(
    source: Option<IpAddr>,
    target: SocketAddr,
    within: Duration,
) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(target), Type::STREAM, None)?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    socket.connect_timeout(&target.into(), within)?;
    Ok(socket.into())
}

/// How a connection ended that the gate did not let in.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not one byte, then a reset: what the gate promises.
    Reset,
    /// Closed in order: the gate leaves no such trace.
    Closed,
    /// The server answered: it spent work on this client.
    Answered(usize),
    /// Still open after all the time given.
    Kept,
}

/// Says hello from `source` and waits for the end.
pub fn knock(
    source: IpAddr,
    target: SocketAddr,
    server_name: &str,
    config: &Arc<ClientConfig>,
    within: Duration,
) -> Refusal {
    let mut stream = dial(Some(source), target, within)
        .unwrap_or_else(|error| panic!("{target} from {source}: {error}"));
    let name = ServerName::try_from(server_name.to_owned()).unwrap();
    let mut hello = Vec::new();
    ClientConnection::new(Arc::clone(config), name)
        .unwrap()
        .write_tls(&mut hello)
        .unwrap();
    let deadline = Instant::now() + within;
    // a reset may come before the hello is out
    if stream.write_all(&hello).is_err() {
        return Refusal::Reset;
    }
    let rest = deadline.saturating_duration_since(Instant::now());
    stream
        .set_read_timeout(Some(rest.max(Duration::from_millis(1))))
        .unwrap();
    match stream.read(&mut [0; 1024]) {
        Ok(0) => Refusal::Closed,
        Ok(bytes) => Refusal::Answered(bytes),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Refusal::Reset,
        Err(_) => Refusal::Kept,
    }
}
