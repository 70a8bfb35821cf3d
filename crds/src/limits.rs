//! What one client may cost.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one client may cost. Whoever goes beyond is told so, slowed or closed; each limit has a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Longest client id, in bytes.
    #[serde(default = "default_client_id_bytes")]
    #[schemars(range(min = 23, max = 65_535))]
    pub max_client_id_bytes: i32,
    /// Largest packet that a client may send, in bytes.
    #[serde(default = "default_packet_bytes")]
    #[schemars(range(min = 128, max = 268_435_460))]
    pub max_packet_bytes: i32,
    /// Longest topic or filter, in bytes.
    #[serde(default = "default_topic_bytes")]
    #[schemars(range(min = 16, max = 65_535))]
    pub max_topic_bytes: i32,
    /// Most levels of a topic or filter.
    #[serde(default = "default_topic_levels")]
    #[schemars(range(min = 1, max = 128))]
    pub max_topic_levels: i32,
    /// Topics that an MQTT 5 client may give an alias; 0 allows none.
    #[serde(default = "default_topic_aliases")]
    #[schemars(range(min = 0, max = 65_535))]
    pub topic_alias_maximum: i32,
    /// Subscriptions of one client.
    #[serde(default = "default_subscriptions")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_subscriptions: i32,
    /// Messages that may wait for one client.
    #[serde(default = "default_queued_messages")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_queued_messages: i32,
    /// Bytes that may wait for one client.
    #[serde(default = "default_queued_bytes")]
    #[schemars(range(min = 1_024, max = 2_147_483_647))]
    pub max_queued_bytes: i32,
    /// QoS 1 and 2 messages on their way to a client that names no limit.
    #[serde(default = "default_inflight")]
    #[schemars(range(min = 1, max = 65_535))]
    pub max_inflight: i32,
    /// QoS 1 and 2 messages that a client may have sent without an acknowledgement.
    #[serde(default = "default_receive_maximum")]
    #[schemars(range(min = 1, max = 65_535))]
    pub receive_maximum: i32,
    /// PUBLISH packets that one client may send a second; who sends more is read later. 0: no limit.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub publish_rate: i32,
    /// Filters, in SUBSCRIBE and UNSUBSCRIBE, that one client may send a second; after a packet of more the next waits the
    /// longer. 0: no limit.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub subscribe_rate: i32,
    /// From the end of TLS to a whole CONNECT.
    #[serde(default = "default_connect_timeout")]
    #[schemars(range(min = 1, max = 3_600))]
    pub connect_timeout_seconds: i32,
    /// A client that takes nothing for so long, while packets wait for it, is closed.
    #[serde(default = "default_unread_timeout")]
    #[schemars(range(min = 1, max = 86_400))]
    pub unread_timeout_seconds: i32,
    /// Longest keep-alive, which MQTT 5 clients are told. 0: no cap.
    #[serde(default)]
    #[schemars(range(min = 0, max = 65_535))]
    pub max_keep_alive_seconds: i32,
    /// How long a session is kept without its client, at most; 3.1.1 clients without clean session get this. 0: none is
    /// kept.
    #[serde(default = "default_session_expiry")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub max_session_expiry_seconds: i32,
    /// Sessions of one shard that outlive their connection; beyond it a client is told that its session is not kept.
    #[serde(default = "default_kept_sessions")]
    #[schemars(range(min = 0, max = 100_000_000))]
    pub max_kept_sessions: i32,
    /// Bytes that may wait for all clients of one shard.
    #[serde(default = "default_total_queued_bytes")]
    #[schemars(range(min = 1_024, max = 2_147_483_647))]
    pub max_total_queued_bytes: i32,
    /// Retained messages of one shard.
    #[serde(default = "default_retained_messages")]
    #[schemars(range(min = 0, max = 100_000_000))]
    pub max_retained_messages: i32,
    /// Bytes of one shard's retained messages, with 256 for each message.
    #[serde(default = "default_retained_bytes")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub max_retained_bytes: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_client_id_bytes: default_client_id_bytes(),
            max_packet_bytes: default_packet_bytes(),
            max_topic_bytes: default_topic_bytes(),
            max_topic_levels: default_topic_levels(),
            topic_alias_maximum: default_topic_aliases(),
            max_subscriptions: default_subscriptions(),
            max_queued_messages: default_queued_messages(),
            max_queued_bytes: default_queued_bytes(),
            max_inflight: default_inflight(),
            receive_maximum: default_receive_maximum(),
            publish_rate: 0,
            subscribe_rate: 0,
            connect_timeout_seconds: default_connect_timeout(),
            unread_timeout_seconds: default_unread_timeout(),
            max_keep_alive_seconds: 0,
            max_session_expiry_seconds: default_session_expiry(),
            max_kept_sessions: default_kept_sessions(),
            max_total_queued_bytes: default_total_queued_bytes(),
            max_retained_messages: default_retained_messages(),
            max_retained_bytes: default_retained_bytes(),
        }
    }
}

fn default_client_id_bytes() -> i32 {
    256
}

fn default_packet_bytes() -> i32 {
    1 << 20
}

fn default_topic_bytes() -> i32 {
    65_535
}

fn default_topic_levels() -> i32 {
    128
}

fn default_topic_aliases() -> i32 {
    16
}

fn default_subscriptions() -> i32 {
    10_000
}

fn default_queued_messages() -> i32 {
    1_000
}

fn default_queued_bytes() -> i32 {
    1 << 20
}

fn default_inflight() -> i32 {
    20
}

fn default_receive_maximum() -> i32 {
    256
}

fn default_connect_timeout() -> i32 {
    10
}

fn default_unread_timeout() -> i32 {
    120
}

fn default_session_expiry() -> i32 {
    7 * 86_400
}

fn default_kept_sessions() -> i32 {
    100_000
}

fn default_total_queued_bytes() -> i32 {
    256 << 20
}

fn default_retained_messages() -> i32 {
    100_000
}

fn default_retained_bytes() -> i32 {
    256 << 20
}
