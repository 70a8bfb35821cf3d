//! An edge worker between real sockets and a shard that the test plays.

mod attach;
mod gate;
mod harness;
mod packets;
