//! From the configuration to what a worker core is told.

use crate::config::ShardSettings;
use crate::session::TopicLimits;
use crate::shard::control::ControlSettings;
use crate::shard::core::{CoreSettings, SessionLimits};

pub(super) fn control_settings(settings: &ShardSettings) -> ControlSettings {
    ControlSettings {
        keeper: settings.keeper,
        health: settings.tuning.health,
    }
}

pub(super) fn core_settings(settings: &ShardSettings) -> CoreSettings {
    let limits = &settings.limits;
    CoreSettings {
        shards: u16::try_from(settings.count).unwrap_or(u16::MAX),
        workers: u16::try_from(settings.workers.get()).unwrap_or(u16::MAX),
        topic_key_level: settings
            .routing
            .topic_key_level
            .map(|level| u8::try_from(level).unwrap_or(u8::MAX)),
        settle_limit: settings.mode.binds().then_some(settings.settle_limit.get()),
        tuning: settings.tuning,
        max_session_expiry: limits.max_session_expiry_seconds,
        max_kept_sessions: limits.max_kept_sessions as usize,
        max_queued_bytes: limits.max_total_queued_bytes as usize,
        max_retained_messages: limits.max_retained_messages as usize,
        max_retained_bytes: limits.max_retained_bytes as usize,
        session: SessionLimits {
            max_queued_messages: limits.max_queued_messages.get() as usize,
            max_queued_bytes: limits.max_queued_bytes as usize,
            max_inflight: limits.max_inflight,
            receive_maximum: limits.receive_maximum,
            max_subscriptions: limits.max_subscriptions.get() as usize,
            topics: TopicLimits {
                bytes: limits.max_topic_bytes,
                levels: limits.max_topic_levels,
            },
        },
    }
}
