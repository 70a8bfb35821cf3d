//! What a shard tells about itself under `$SYS/broker/`, under the names that mosquitto made customary.

mod load;
mod topics;

pub use topics::{SystemTopics, Totals};
