//! What a shard counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{By, MessageDrop, ShardLimit};
use super::shapes::{counter, gauge};

#[derive(Clone, Debug)]
pub struct ShardMetrics {
    pub sessions: Gauge,
    pub kept: KeptMetrics,
    pub state: StateMetrics,
    /// CONNACK sent, not yet finished coming back.
    pub settling: Gauge,
    pub settle_limit: Gauge,
    /// Clients in the attach queue.
    pub attaching: Gauge,
    /// Clients that got their session.
    pub attached: Counter,
    /// Clients that the shard refused.
    pub refused: Counter,
    pub taken_over: Counter,
    /// PUBLISH packets taken from clients, wills among them.
    pub messages_received: Counter,
    /// Copies given to subscribers.
    pub messages_sent: Counter,
    pub messages_dropped: By<MessageDrop>,
    /// Messages that wait for clients.
    pub queued: Gauge,
    pub queued_bytes: Gauge,
    pub subscriptions: Gauge,
    pub retained: Gauge,
    pub retained_replays: Gauge,
    pub wills: Counter,
    pub limits: By<ShardLimit>,
}

impl ShardMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            sessions: gauge(r, "sessions", "Sessions with a client"),
            kept: KeptMetrics::register(r),
            state: StateMetrics::register(r),
            settling: gauge(
                r,
                "settling",
                "Clients with a CONNACK that have not finished coming back",
            ),
            settle_limit: gauge(r, "settle_limit", "Clients that may be settling at once"),
            attaching: gauge(r, "attaching", "Clients in the attach queue"),
            attached: counter(r, "attached", "Clients that got their session"),
            refused: counter(r, "sessions_refused", "Clients that the shard refused"),
            taken_over: counter(
                r,
                "taken_over",
                "Clients that lost their session to a newer one of the same id",
            ),
            messages_received: counter(
                r,
                "messages_received",
                "Messages taken from clients, wills among them",
            ),
            messages_sent: counter(
                r,
                "messages_sent",
                "Copies of messages given to subscribers",
            ),
            messages_dropped: By::register(
                r,
                "messages_dropped",
                "Copies of messages that were not delivered",
                "reason",
            ),
            queued: gauge(r, "queued_messages", "Messages that wait for clients"),
            queued_bytes: gauge(
                r,
                "queued_bytes",
                "Bytes of messages that wait for clients, see limits.maxTotalQueuedBytes",
            ),
            subscriptions: gauge(r, "subscriptions", "Subscriptions of all sessions"),
            retained: gauge(r, "retained", "Retained messages"),
            retained_replays: gauge(
                r,
                "retained_replays",
                "Subscribers that are being told what is retained",
            ),
            wills: counter(r, "wills", "Wills published"),
            limits: By::register(
                r,
                "shard_limits_reached",
                "Times that a limit of one client was met at the shard",
                "limit",
            ),
        }
    }
}

/// Of what a restart takes up.
#[derive(Clone, Debug)]
pub struct StateMetrics {
    /// Times that admission was stored.
    pub written: Counter,
    pub failed: Counter,
    /// Starts that found a file which they could not take up.
    pub damaged: Counter,
    /// Clients of the census that the next reopening will be cut by.
    pub census_clients: Gauge,
    /// 1 or 0.
    pub addresses_trusted: Gauge,
}

impl StateMetrics {
    fn register(r: &mut Registry) -> Self {
        Self {
            written: counter(r, "state_written", "Times that admission was stored"),
            failed: counter(
                r,
                "state_write_failed",
                "Times that admission could not be stored",
            ),
            damaged: counter(
                r,
                "state_damaged",
                "Starts that found stored admission which they could not take up",
            ),
            census_clients: gauge(
                r,
                "census_clients",
                "Clients of the census that the next reopening will be cut by",
            ),
            addresses_trusted: gauge(
                r,
                "client_address_trusted",
                "1 while clients' addresses count as their own, 0 once nearly all came from a few peers",
            ),
        }
    }
}

/// Of sessions that outlive their connection.
#[derive(Clone, Debug)]
pub struct KeptMetrics {
    /// Sessions without a client.
    pub sessions: Gauge,
    /// Clients that found their session again.
    pub resumed: Counter,
    /// Sessions whose time without a client was over.
    pub expired: Counter,
    /// Sessions beyond the bound of those that are kept.
    pub not_kept: Counter,
}

impl KeptMetrics {
    fn register(r: &mut Registry) -> Self {
        Self {
            sessions: gauge(r, "sessions_kept", "Sessions that wait for their client"),
            resumed: counter(
                r,
                "sessions_resumed",
                "Clients that found their session again",
            ),
            expired: counter(
                r,
                "sessions_expired",
                "Sessions whose time without a client was over",
            ),
            not_kept: counter(
                r,
                "sessions_not_kept",
                "Sessions that were to outlive their connection, beyond limits.maxKeptSessions",
            ),
        }
    }
}
