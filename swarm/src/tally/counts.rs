//! Counters of everything a fleet tried.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::gateway::{Failure, Milestone, Stage};

/// All since the beginning of the tally.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Counts {
    /// Dials, successful or not.
    pub(crate) attempts: u64,
    /// Dials per certificate, in the order in which they are tried.
    pub(crate) certificate_tries: Vec<u64>,
    pub(crate) tcp_connects: u64,
    /// `connect()` failed.
    pub(crate) refused: u64,
    /// Closed or reset before a byte of the server.
    pub(crate) reset_before_tls: u64,
    /// Completed on the gateway's side.
    pub(crate) handshakes: u64,
    /// Of these, the server showed that it completed them too.
    pub(crate) handshakes_confirmed: u64,
    pub(crate) tls_alerts: u64,
    /// The server's certificate did not prove its name.
    pub(crate) distrusted: u64,
    pub(crate) connacks: u64,
    /// CONNACK codes that said no.
    pub(crate) denied: BTreeMap<u8, u64>,
    pub(crate) subscribes_refused: u64,
    pub(crate) protocol_errors: u64,
    /// Closed by the server on the way.
    pub(crate) closed: u64,
    /// Connections that both ends lost without being told.
    pub(crate) cut: u64,
    pub(crate) timeouts: Timeouts,
    /// Messages that were not the gateway's own: commands.
    pub(crate) messages: u64,
    pub(crate) telemetry_sent: u64,
    /// At `QoS` 1.
    pub(crate) telemetry_acknowledged: u64,
    /// Times that gateways hung up which never settle.
    pub(crate) flaps: u64,
    /// Gateways that were back and lost it again.
    pub(crate) drops: u64,
}

/// Which step took too long.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Timeouts {
    pub(crate) dial: u64,
    pub(crate) connack: u64,
    pub(crate) suback: u64,
    pub(crate) own_message: u64,
    pub(crate) pong: u64,
}

impl Timeouts {
    pub(crate) fn sum(&self) -> u64 {
        self.dial + self.connack + self.suback + self.own_message + self.pong
    }
}

impl Counts {
    pub(super) fn add(&mut self, milestone: Milestone) {
        match milestone {
            Milestone::Attempt { certificate } => {
                self.attempts += 1;
                let index = usize::from(certificate);
                if self.certificate_tries.len() <= index {
                    self.certificate_tries.resize(index + 1, 0);
                }
                self.certificate_tries[index] += 1;
            }
            Milestone::TcpUp => self.tcp_connects += 1,
            Milestone::Handshake { .. } => self.handshakes += 1,
            Milestone::HandshakeConfirmed => self.handshakes_confirmed += 1,
            Milestone::ConnAck => self.connacks += 1,
            Milestone::Failed(failure) => self.fail(failure),
            Milestone::Dropped(failure) => {
                self.drops += 1;
                self.fail(failure);
            }
            Milestone::Message => self.messages += 1,
            Milestone::TelemetrySent => self.telemetry_sent += 1,
            Milestone::TelemetryAcknowledged => self.telemetry_acknowledged += 1,
            Milestone::Flapped => self.flaps += 1,
            Milestone::Back => {}
        }
    }

    fn fail(&mut self, failure: Failure) {
        let counter = match failure {
            Failure::Refused => &mut self.refused,
            Failure::ResetBeforeTls => &mut self.reset_before_tls,
            Failure::Alert => &mut self.tls_alerts,
            Failure::Distrusted => &mut self.distrusted,
            Failure::Denied(code) => self.denied.entry(code).or_default(),
            Failure::SubscribeRefused => &mut self.subscribes_refused,
            Failure::Protocol => &mut self.protocol_errors,
            Failure::Closed => &mut self.closed,
            Failure::Cut => &mut self.cut,
            Failure::Timeout(Stage::Dial) => &mut self.timeouts.dial,
            Failure::Timeout(Stage::ConnAck) => &mut self.timeouts.connack,
            Failure::Timeout(Stage::SubAck) => &mut self.timeouts.suback,
            Failure::Timeout(Stage::OwnMessage) => &mut self.timeouts.own_message,
            Failure::Timeout(Stage::Pong) => &mut self.timeouts.pong,
        };
        *counter += 1;
    }
}
