//! What an edge counts.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::labels::{By, EdgeLimit, GateDecision, HandshakeFailure, ListenerLabels};
use super::shapes::{by_listener, counter, gauge, waits};
use super::transport::TransportMetrics;

/// Take families with a listener apart once per worker (`get_or_create_owned`), not per event.
#[derive(Clone, Debug)]
pub struct EdgeMetrics {
    /// Clients with a socket, held ones not among them.
    pub connections: Family<ListenerLabels, Gauge>,
    /// Sockets taken from the kernel.
    pub accepted: Family<ListenerLabels, Counter>,
    pub handshakes_started: Counter,
    pub handshakes_completed: Counter,
    pub handshakes_failed: By<HandshakeFailure>,
    /// Alerts written because of a client certificate.
    pub certificate_alerts: Counter,
    pub transport: TransportMetrics,
    pub gate: By<GateDecision>,
    pub held: Gauge,
    pub door: Gauge,
    pub entering: Gauge,
    pub entering_limit: Gauge,
    pub level: Gauge,
    pub stalled: Gauge,
    pub last_class: Gauge,
    pub remembered: Gauge,
    pub places_given_back: Counter,
    pub slices: Gauge,
    pub reopening: Gauge,
    /// Seconds from being let in to CONNACK.
    pub connack_wait: Histogram,
    pub packets_received: Counter,
    pub packets_sent: Counter,
    pub bytes_received: Counter,
    pub bytes_sent: Counter,
    pub keep_alive_expired: Counter,
    /// Of clients that send faster than they may.
    pub read_ahead: Gauge,
    pub limits: By<EdgeLimit>,
}

impl EdgeMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            connections: by_listener(
                r,
                "connections",
                "Clients with a socket, held ones not among them",
            ),
            accepted: by_listener(r, "accepted", "Sockets taken from the kernel"),
            handshakes_started: counter(r, "handshakes_started", "TLS handshakes begun"),
            handshakes_completed: counter(r, "handshakes_completed", "TLS handshakes done"),
            handshakes_failed: By::register(
                r,
                "handshakes_failed",
                "TLS handshakes that came to nothing",
                "reason",
            ),
            certificate_alerts: counter(
                r,
                "certificate_alerts",
                "Alerts written because of a client certificate",
            ),
            transport: TransportMetrics::register(r),
            gate: By::register(
                r,
                "gate_decisions",
                "What the gate did with sockets",
                "decision",
            ),
            held: gauge(r, "held", "Sockets waiting in closed slices"),
            door: gauge(r, "door", "Sockets waiting in open slices"),
            entering: gauge(r, "entering", "Clients let in, CONNACK not yet sent"),
            entering_limit: gauge(r, "entering_limit", "Clients that may be entering at once"),
            level: gauge(r, "level", "Slices open"),
            stalled: gauge(r, "stalled", "1 while shards are hard for minutes"),
            last_class: gauge(r, "last_class", "Clients that never settle"),
            remembered: gauge(r, "remembered", "Addresses remembered for a shard"),
            places_given_back: counter(r, "places_given_back", "Places taken back for late shards"),
            slices: gauge(r, "slices", "Slices there are"),
            reopening: gauge(r, "reopening", "Number of the reopening"),
            connack_wait: waits(r, "connack_wait_seconds", "From being let in to CONNACK"),
            packets_received: counter(r, "packets_received", "MQTT packets from clients"),
            packets_sent: counter(r, "packets_sent", "MQTT packets to clients"),
            bytes_received: counter(r, "received_bytes", "MQTT bytes from clients"),
            bytes_sent: counter(r, "sent_bytes", "MQTT bytes to clients"),
            keep_alive_expired: counter(
                r,
                "keep_alive_expired",
                "Clients closed because their keep-alive ran out",
            ),
            read_ahead: gauge(
                r,
                "read_ahead_bytes",
                "Bytes that were read of clients and wait until they may be sent on",
            ),
            limits: By::register(
                r,
                "edge_limits_reached",
                "Times that a limit of one client was met at the edge",
                "limit",
            ),
        }
    }
}
