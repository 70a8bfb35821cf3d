//! The shard: owns sessions, subscriptions and retained messages.
