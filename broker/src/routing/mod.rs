//! Topics, filters, and who gets what.

pub mod group;
pub mod interner;
pub mod message;
pub mod partition;
pub mod retained;
pub mod subscribers;
pub mod topic;
pub mod trie;

pub use group::{ClientFilter, Group};
pub use message::Message;
pub use retained::{Retained, RetainedLimits};
pub use topic::{FilterError, MAX_LEVELS, TopicFilter, TopicName, TopicNameError};
pub use trie::Trie;
