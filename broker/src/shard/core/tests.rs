//! Workers driven through a network in memory.

// tables are long by nature
#![allow(clippy::too_many_lines)]

mod admission;
mod cluster;
mod delayed_wills;
mod ending;
mod exactly_once;
mod limits;
mod messages;
mod model;
mod network;
mod options;
mod qos2;
mod reasons;
mod retained;
mod sessions;
mod shared;
mod standards;
mod system;
