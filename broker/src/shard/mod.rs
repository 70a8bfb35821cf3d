//! The shard: owns sessions, subscriptions and retained messages.

pub mod core;
