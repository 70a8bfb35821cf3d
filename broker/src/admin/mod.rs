//! What operators of the process may ask it: alive, ready, metrics, status, how a reopening goes; and, for those who
//! know the token, how it is to go. Plain HTTP, never for clients.

mod questions;
mod readiness;
mod routes;
mod server;
mod status;
mod steering;
mod valve;

#[cfg(test)]
mod tests;

pub use readiness::{Check, Readiness};
pub use server::{Admin, serve};
pub use status::{HandshakeStatus, ShardStatus, Status, StatusSource};
pub use valve::{Subject, Valve};
