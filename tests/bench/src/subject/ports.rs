//! Free ports for programs that cannot tell which one they got.

use std::net::TcpListener;

use anyhow::Context as _;

/// Holds what it has given away until it is dropped, so that no port is given twice.
#[derive(Debug, Default)]
pub(super) struct Ports(Vec<TcpListener>);

impl Ports {
    pub(super) fn take(&mut self) -> anyhow::Result<u16> {
        let listener = TcpListener::bind("127.0.0.1:0").context("failed to find a free port")?;
        let port = listener.local_addr()?.port();
        self.0.push(listener);
        Ok(port)
    }
}
