//! The multiplexed connection between an edge worker and a shard.

pub mod frame;
pub mod wire;

pub use frame::{Attach, CloseReason, DetachReason, Protocol, StreamId, ToEdge, ToShard};
