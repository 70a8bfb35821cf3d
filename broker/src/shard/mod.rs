//! The shard: owns sessions, subscriptions and retained messages.
//!
//! `core` is the worker as a state machine; `worker` runs it on a thread, `demux` brings frames of a link to the
//! workers that own their streams, `control` judges health and tells edges.

pub mod control;
pub mod core;
mod demux;
mod mailbox;
mod out;
mod settings;
mod start;
mod state;
pub mod system;
mod valve;
mod worker;

pub use control::Tables;
pub use demux::Demux;
pub use mailbox::{EdgeSink, LinkIds, Mail, Mailbox, Mailboxes};
pub use start::ShardParts;
pub use valve::ShardValve;
pub use worker::{Inbox, ShardWorker};
