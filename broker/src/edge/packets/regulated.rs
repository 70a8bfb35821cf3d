//! To the shard, through the regulator of the few clients that have one.

use bytes::{Bytes, BytesMut};

use super::{End, Packets};
use crate::codec::Protocol;
use crate::config::Listener;
use crate::edge::aliases;
use crate::edge::conn::Conn;
use crate::edge::regulate::{Regulator, Stop};
use crate::edge::worker::Worker;
use crate::link::ToShard;
use crate::metrics::EdgeLimit;

impl Packets<'_> {
    /// To the shard, through what limits the client.
    pub(super) fn pass_on(&mut self, packets: &Bytes) -> Option<End> {
        if self.regulator.is_none() && self.brings_aliases(packets) {
            self.regulator = Some(Box::new(regulator(self.worker, self.conn, self.listener)));
        }
        let Some(regulator) = &mut self.regulator else {
            self.forward(packets.clone());
            return None;
        };
        regulator.hold(packets);
        self.release()
    }

    /// Where none are wanted, the shard refuses them.
    fn brings_aliases(&self, packets: &Bytes) -> bool {
        self.conn.protocol == Protocol::V5
            && self.listener.topic_alias_maximum > 0
            && aliases::Inbound::are_in(packets)
    }

    /// Sends on what the client may send by now.
    pub(super) fn release(&mut self) -> Option<End> {
        let regulator = self.regulator.as_mut().filter(|held| !held.is_empty())?;
        let now = self.worker.clock.now();
        self.alarm = self.alarm.filter(|alarm| *alarm > now);
        let mut out = BytesMut::new();
        let stop = regulator.release(self.conn.credit_left(), now, &mut out);
        self.forward(out.freeze());
        match stop {
            Stop::Empty | Stop::NoCredit => None,
            Stop::TooFast(limit, at) => {
                // once for each time that it is made to wait
                if self.alarm.is_none() {
                    self.worker.shared.metrics.edge.limits.inc(limit);
                }
                self.remind(at);
                None
            }
            Stop::Refused(code) => {
                self.worker
                    .shared
                    .metrics
                    .edge
                    .limits
                    .inc(EdgeLimit::TopicAlias);
                Some(End::ProtocolError(code))
            }
        }
    }

    fn forward(&self, packets: Bytes) {
        if !packets.is_empty() {
            self.conn.spend(packets.len());
            self.worker.send(
                self.conn,
                ToShard::Data {
                    stream: self.conn.stream,
                    packets,
                },
            );
        }
    }
}

pub(super) fn regulator(worker: &Worker, conn: &Conn, listener: &Listener) -> Regulator {
    Regulator::new(listener, conn.protocol, &worker.read_ahead)
}
