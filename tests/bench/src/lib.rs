//! The broker against its peers: the same load, the same machine, one run. Other runs use its subjects and measures.
//!
//! The load generator is this process, one thread on a core of its own; the broker under measurement has the other.
#![forbid(unsafe_code)]

pub mod backend;
pub mod cli;
mod load;
pub mod machine;
mod outcome;
pub mod procfs;
mod report;
mod rounds;
mod scenario;
mod statistics;
pub mod subject;
