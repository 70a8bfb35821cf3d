//! An edge worker between real sockets and a shard that the test plays.

mod attach;
mod authentication;
mod gate;
mod harness;
mod last_class;
mod limits;
mod packets;
mod proxied;
mod waits;
mod websocket;
