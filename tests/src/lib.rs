//! What the tests of the whole share: real binaries as child processes, certificates, configs, and clients that
//! others wrote.
#![forbid(unsafe_code)]
// This crate is nothing but test support: stopping at the first surprise is its job.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc
)]

pub mod admin;
pub mod certs;
pub mod cgroup;
pub mod charts;
pub mod clients;
pub mod cluster;
pub mod conformance;
pub mod haproxy;
pub mod lab;
pub mod matrix;
pub mod mqtt;
pub mod mutants;
pub mod probe;
pub mod process;
pub mod scram;
pub mod setup;
pub mod skip;
pub mod staged;
pub mod swarm;
pub mod tls;
pub mod usage;
pub mod wait;
pub mod wire;
