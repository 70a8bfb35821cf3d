//! Clients as cheap as can be: their packets are bytes that were made before.

pub(crate) mod connection;
pub(crate) mod dial;
pub(crate) mod tls;
pub(crate) mod wire;
