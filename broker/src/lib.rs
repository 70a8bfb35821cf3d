//! The Herdgate broker: a TLS edge that admits clients a slice at a time, and the shards behind it.
//!
//! `session`, `routing` and `shard::core` are plain state machines: events in, actions out, time as an argument.
//! Sockets, timers and files live in the modules around them.
#![forbid(unsafe_code)]

pub mod admin;
pub mod auth;
pub mod codec;
pub mod commands;
pub mod config;
pub mod edge;
pub mod link;
pub mod metrics;
pub mod process;
pub mod proxy_protocol;
pub mod routing;
pub mod session;
pub mod shard;
pub mod tls;
pub mod websocket;
