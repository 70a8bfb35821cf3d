use std::ops::RangeInclusive;

use herdgate_crds::{Limits, ListenerLimits};

use super::Problems;

/// A limit of one client that a listener may have of its own.
pub(crate) struct ClientLimit {
    pub(crate) field: &'static str,
    pub(crate) of_all: fn(&mut Limits) -> &mut i32,
    pub(crate) of_listener: fn(&mut ListenerLimits) -> &mut Option<i32>,
    pub(crate) allowed: RangeInclusive<i32>,
    /// Who enforces it. A shard never allows more than its own.
    pub(crate) by: Enforcer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enforcer {
    Edge,
    Shard,
}

macro_rules! client_limits {
    ($($field:literal $name:ident $allowed:expr, $by:ident;)+) => {
        &[$(ClientLimit {
            field: $field,
            of_all: |limits| &mut limits.$name,
            of_listener: |limits| &mut limits.$name,
            allowed: $allowed,
            by: Enforcer::$by,
        }),+]
    };
}

/// The schema's bounds once more.
#[rustfmt::skip] // a table: one limit a line
pub(crate) const CLIENT_LIMITS: &[ClientLimit] = client_limits! {
    "maxClientIdBytes" max_client_id_bytes 23..=65_535, Edge;
    "maxPacketBytes" max_packet_bytes 128..=268_435_460, Edge;
    "maxTopicBytes" max_topic_bytes 16..=65_535, Shard;
    "maxTopicLevels" max_topic_levels 1..=128, Shard;
    "topicAliasMaximum" topic_alias_maximum 0..=65_535, Edge;
    "maxSubscriptions" max_subscriptions 1..=10_000_000, Shard;
    "maxQueuedMessages" max_queued_messages 1..=10_000_000, Shard;
    "maxQueuedBytes" max_queued_bytes 1_024..=i32::MAX, Shard;
    "maxInflight" max_inflight 1..=65_535, Shard;
    "receiveMaximum" receive_maximum 1..=65_535, Shard;
    "publishRate" publish_rate 0..=1_000_000, Edge;
    "subscribeRate" subscribe_rate 0..=1_000_000, Edge;
    "connectTimeoutSeconds" connect_timeout_seconds 1..=3_600, Edge;
    "unreadTimeoutSeconds" unread_timeout_seconds 1..=86_400, Edge;
    "maxKeepAliveSeconds" max_keep_alive_seconds 0..=65_535, Edge;
};

pub(super) fn check(mut limits: Limits, problems: &mut Problems) {
    for limit in CLIENT_LIMITS {
        let value = *(limit.of_all)(&mut limits);
        let field = format!("spec.limits.{}", limit.field);
        problems.range(&field, value, limit.allowed.clone());
    }
    for (field, value, allowed) in [
        (
            "maxSessionExpirySeconds",
            limits.max_session_expiry_seconds,
            0..=i32::MAX,
        ),
        ("maxKeptSessions", limits.max_kept_sessions, 0..=100_000_000),
        (
            "maxTotalQueuedBytes",
            limits.max_total_queued_bytes,
            1_024..=i32::MAX,
        ),
        (
            "maxRetainedMessages",
            limits.max_retained_messages,
            0..=100_000_000,
        ),
        ("maxRetainedBytes", limits.max_retained_bytes, 0..=i32::MAX),
    ] {
        problems.range(&format!("spec.limits.{field}"), value, allowed);
    }
}

/// `field`: of the listener. `of_all`: what holds where it names nothing.
pub(super) fn check_listener(
    field: &str,
    mut limits: ListenerLimits,
    mut of_all: Limits,
    problems: &mut Problems,
) {
    for limit in CLIENT_LIMITS {
        let Some(value) = *(limit.of_listener)(&mut limits) else {
            continue;
        };
        let field = format!("{field}.limits.{}", limit.field);
        problems.range(&field, value, limit.allowed.clone());
        let most = *(limit.of_all)(&mut of_all);
        if limit.by == Enforcer::Shard && value > most {
            let text = format!(
                "must not be more than `spec.limits.{}`, which is {most}",
                limit.field
            );
            problems.add(field, text);
        }
    }
}
