use herdgate_crds::Limits;

use super::Problems;

/// The schema's bounds once more.
pub(super) fn check(limits: &Limits, problems: &mut Problems) {
    for (field, value, allowed) in [
        ("maxClientIdBytes", limits.max_client_id_bytes, 23..=65_535),
        ("maxPacketBytes", limits.max_packet_bytes, 128..=268_435_460),
        ("maxTopicBytes", limits.max_topic_bytes, 16..=65_535),
        ("maxTopicLevels", limits.max_topic_levels, 1..=128),
        ("topicAliasMaximum", limits.topic_alias_maximum, 0..=65_535),
        ("maxSubscriptions", limits.max_subscriptions, 1..=10_000_000),
        (
            "maxQueuedMessages",
            limits.max_queued_messages,
            1..=10_000_000,
        ),
        ("maxQueuedBytes", limits.max_queued_bytes, 1_024..=i32::MAX),
        ("maxInflight", limits.max_inflight, 1..=65_535),
        ("receiveMaximum", limits.receive_maximum, 1..=65_535),
        ("publishRate", limits.publish_rate, 0..=1_000_000),
        ("subscribeRate", limits.subscribe_rate, 0..=1_000_000),
        (
            "connectTimeoutSeconds",
            limits.connect_timeout_seconds,
            1..=3_600,
        ),
        (
            "unreadTimeoutSeconds",
            limits.unread_timeout_seconds,
            1..=86_400,
        ),
        (
            "maxKeepAliveSeconds",
            limits.max_keep_alive_seconds,
            0..=65_535,
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
