//! TLS of a listener: certificates, client authorities, reload, and who a client certificate names.

mod load;
mod pem;
mod principal;
mod server;

#[cfg(test)]
mod tests;

pub use load::{Loaded, authorities, load};
pub use pem::{FileError, TlsFileError};
pub use principal::principal;
pub use server::{ServerTls, TlsError};
