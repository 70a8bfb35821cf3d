//! The header with which a balancer says whose connection it passes on: PROXY protocol, versions 1 and 2
//! (haproxy.org, `proxy-protocol.txt`). Bytes in, an address out; reading them is up to others.

mod error;
mod v1;
mod v2;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

pub use error::HeaderError;

/// Bytes of the longest header that is taken, whatever its version.
pub const MOST_BYTES: usize = v2::FIXED + v2::MOST_BEHIND;

/// A whole header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub source: Source,
    /// Its bytes; what follows is the client's.
    pub len: usize,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Client(SocketAddr),
    /// The sender speaks for itself, such as in a health check, or does not know: the socket's own address holds.
    Own,
}

/// Reads the header at the beginning of `bytes`. `None`: more bytes are needed.
pub fn parse(bytes: &[u8]) -> Result<Option<Header>, HeaderError> {
    if agrees(bytes, &v2::SIGNATURE) {
        v2::parse(bytes)
    } else if agrees(bytes, v1::PREFIX) {
        v1::parse(bytes)
    } else {
        Err(HeaderError::NoHeader)
    }
}

/// Whether `bytes` begin with `prefix`, as far as they go.
fn agrees(bytes: &[u8], prefix: &[u8]) -> bool {
    bytes
        .iter()
        .zip(prefix)
        .all(|(byte, wanted)| byte == wanted)
}
