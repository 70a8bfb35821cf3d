//! The multiplexed connection between an edge worker and a shard.

mod backoff;
mod client;
pub mod frame;
mod limits;
mod memory;
mod server;
mod streams;
mod target;
#[cfg(test)]
mod tests;
mod token;
mod transport;
pub mod wire;

pub use client::TcpLink;
pub use frame::{
    Attach, Authenticated, CloseReason, DetachReason, Protocol, StreamId, ToEdge, ToShard,
};
pub use limits::ListenerLimits;
pub use memory::MemoryLink;
pub use server::LinkServer;
pub use streams::StreamMap;
pub use target::{LinkEvent, LinkTarget};
pub use token::{TokenFile, TokenFileError};
