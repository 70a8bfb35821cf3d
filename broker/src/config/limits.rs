//! What clients may cost: all of a shard, and those of one listener.

use super::reader::Reader;
use super::types::{Limits, Role};
use crate::link::ListenerLimits;

pub(super) fn limits(section: &Reader<'_>) -> Option<Limits> {
    let max_queued_messages = section.one("maxQueuedMessages");
    let max_queued_bytes = section.one("maxQueuedBytes");
    let max_inflight = section.one("maxInflight");
    let receive_maximum = section.one("receiveMaximum");
    let max_topic_bytes = section.one("maxTopicBytes");
    let max_topic_levels = section.one("maxTopicLevels");
    let max_subscriptions = section.one("maxSubscriptions");
    let max_session_expiry_seconds = section.one("maxSessionExpirySeconds");
    let max_kept_sessions = section.one("maxKeptSessions");
    let max_total_queued_bytes = section.one("maxTotalQueuedBytes");
    let max_retained_messages = section.one("maxRetainedMessages");
    let max_retained_bytes = section.one("maxRetainedBytes");
    Some(Limits {
        max_queued_messages: max_queued_messages?,
        max_queued_bytes: max_queued_bytes?,
        max_inflight: max_inflight?,
        receive_maximum: receive_maximum?,
        max_topic_bytes: max_topic_bytes?,
        max_topic_levels: max_topic_levels?,
        max_subscriptions: max_subscriptions?,
        max_session_expiry_seconds: max_session_expiry_seconds?,
        max_kept_sessions: max_kept_sessions?,
        max_total_queued_bytes: max_total_queued_bytes?,
        max_retained_messages: max_retained_messages?,
        max_retained_bytes: max_retained_bytes?,
    })
}

/// A listener's own; what it does not name is the shard's.
pub(super) fn listener_limits(
    section: &Reader<'_>,
    top: &Reader<'_>,
    role: Role,
) -> ListenerLimits {
    let limits = ListenerLimits {
        max_queued_messages: section.optional("maxQueuedMessages"),
        max_queued_bytes: section.optional("maxQueuedBytes"),
        max_inflight: section.optional("maxInflight"),
        receive_maximum: section.optional("receiveMaximum"),
        max_topic_bytes: section.optional("maxTopicBytes"),
        max_topic_levels: section.optional("maxTopicLevels"),
        max_subscriptions: section.optional("maxSubscriptions"),
    };
    check_within(section, top, role);
    limits
}

const OF_LISTENERS: [&str; 7] = [
    "maxQueuedMessages",
    "maxQueuedBytes",
    "maxInflight",
    "receiveMaximum",
    "maxTopicBytes",
    "maxTopicLevels",
    "maxSubscriptions",
];

/// More than the shard's would not be had. An edge knows the shard's only where its file has them as well.
fn check_within(section: &Reader<'_>, top: &Reader<'_>, role: Role) {
    let shards = top.sub("limits");
    for name in OF_LISTENERS {
        if role != Role::Standalone && !shards.has(name) {
            continue;
        }
        let (wanted, most): (Option<u32>, Option<u32>) = (section.optional(name), shards.one(name));
        if let (Some(wanted), Some(most)) = (wanted, most)
            && wanted > most
        {
            section.note(
                name,
                format!("{wanted} is not allowed; allowed: at most limits.{name}, which is {most}"),
            );
        }
    }
}
