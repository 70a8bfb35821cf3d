//! What the clients of one listener may cost.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What clients of one listener may cost, where it differs from `spec.limits`. What shards hold clients to (topics,
/// subscriptions, queue, in flight, Receive Maximum) may only be less than there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListenerLimits {
    /// Longest client id, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 23, max = 65_535))]
    pub max_client_id_bytes: Option<i32>,
    /// Largest packet that a client may send, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 128, max = 268_435_460))]
    pub max_packet_bytes: Option<i32>,
    /// Longest topic or filter, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 16, max = 65_535))]
    pub max_topic_bytes: Option<i32>,
    /// Most levels of a topic or filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 128))]
    pub max_topic_levels: Option<i32>,
    /// Topics that an MQTT 5 client may give an alias; 0 allows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65_535))]
    pub topic_alias_maximum: Option<i32>,
    /// Subscriptions of one client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_subscriptions: Option<i32>,
    /// Messages that may wait for one client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_queued_messages: Option<i32>,
    /// Bytes that may wait for one client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_024, max = 2_147_483_647))]
    pub max_queued_bytes: Option<i32>,
    /// QoS 1 and 2 messages on their way to a client that names no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub max_inflight: Option<i32>,
    /// QoS 1 and 2 messages that a client may have sent without an acknowledgement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub receive_maximum: Option<i32>,
    /// PUBLISH packets that one client may send a second; who sends more is read later. 0: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub publish_rate: Option<i32>,
    /// Filters, in SUBSCRIBE and UNSUBSCRIBE, that one client may send a second; after a packet of more the next waits the
    /// longer. 0: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub subscribe_rate: Option<i32>,
    /// From the end of TLS to a whole CONNECT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3_600))]
    pub connect_timeout_seconds: Option<i32>,
    /// A client that takes nothing for so long, while packets wait for it, is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub unread_timeout_seconds: Option<i32>,
    /// Longest keep-alive, which MQTT 5 clients are told. 0: no cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65_535))]
    pub max_keep_alive_seconds: Option<i32>,
}
