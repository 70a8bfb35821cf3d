//! TLS of a listener: certificates, client authorities, reload, and who a client certificate names.

mod principal;
mod server;

pub use principal::principal;
pub use server::{ServerTls, TlsError};
