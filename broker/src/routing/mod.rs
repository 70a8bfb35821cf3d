//! Topics, filters, and who gets what.

mod exact;
pub mod group;
mod interner;
pub mod message;
pub mod partition;
pub mod retained;
mod short_text;
mod slab;
pub mod subscribers;
mod subscriptions;
pub mod topic;
mod tree;
pub mod trie;

pub use group::{ClientFilter, Group};
pub use message::Message;
pub use retained::{Retained, RetainedLimits};
pub use subscriptions::Subscriptions;
pub use topic::{FilterError, MAX_LEVELS, TopicFilter, TopicName, TopicNameError};
pub use trie::{FilterId, Trie};
