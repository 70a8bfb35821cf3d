//! Tables of packets are long by nature.
#![allow(clippy::too_many_lines)]

mod frames;
mod mutations;
mod properties;
mod rejected;
mod round_trips;
mod sizes;
