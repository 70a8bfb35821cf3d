//! From a source address to a stream that CONNECT can be written to.

mod proxy;
mod socket;
mod stream;
mod tls;
mod wire;

pub(crate) use socket::{Source, connect, probe};
pub(crate) use stream::{Stream, Tapped};
pub(crate) use tls::{Tls, TlsError, classify};
pub(crate) use wire::Voice;
