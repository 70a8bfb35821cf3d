//! What operators of the process may ask it: alive, ready, metrics, status. Plain HTTP, never for clients.

mod readiness;
mod routes;
mod server;
mod status;

#[cfg(test)]
mod tests;

pub use readiness::{Check, Readiness};
pub use server::{Admin, serve};
pub use status::{HandshakeStatus, ShardStatus, Status, StatusSource};
