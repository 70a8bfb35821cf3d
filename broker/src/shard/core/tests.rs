//! Workers driven through a network in memory.

// tables are long by nature
#![allow(clippy::too_many_lines)]

mod admission;
mod cluster;
mod ending;
mod limits;
mod messages;
mod model;
mod network;
mod options;
mod reasons;
mod retained;
mod shared;
mod standards;
mod system;
