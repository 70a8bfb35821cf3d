//! The edge: owns client sockets from accept to close.
//!
//! `accept` → `gate` → `handshake` → `connect` → `attach` → `packets` → `closing`, each a file; `client` strings them
//! together. `regulate` and `aliases` stand in the way of the few clients that need them. A `Worker` owns the sockets of
//! one thread; `control` decides for all of them how many may enter.

mod accept;
mod aliases;
mod arrival;
mod attach;
mod backlog;
mod budgets;
mod client;
mod closing;
mod conn;
mod connect;
pub mod control;
mod counting;
pub mod drain;
mod entering;
mod exchange;
mod gate;
mod handshake;
mod intake;
mod keepalive;
mod links;
mod listener;
mod local_queue;
mod login;
mod outbox;
mod own_health;
mod pace;
mod packets;
mod peer;
mod proxied;
mod questions;
mod rate;
mod read_ahead;
mod read_some;
mod reasons;
mod reauthentication;
mod regulate;
mod replies;
mod shared;
mod slice_counts;
mod sockets;
mod standing;
mod start;
mod status;
mod stream;
mod tls_socket;
mod upgrade;
mod valve;
mod worker;

#[cfg(test)]
mod tests;

pub use control::EdgeControl;
pub use counting::Censuses;
pub use listener::{BindError, Sockets};
pub use local_queue::LocalQueue;
pub use own_health::OwnHealth;
pub use shared::{ListenerShared, Shared};
pub use start::{EdgeParts, StartError};
pub use status::status;
pub use valve::EdgeValve;
pub use worker::{EdgeWorker, WorkerWires};
