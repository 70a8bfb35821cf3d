//! What a worker reads and writes, counted on its own thread: shared counters would be fought over.

use std::cell::Cell;

use crate::metrics::EdgeMetrics;

/// Since it was told last.
#[derive(Debug, Default)]
pub(in crate::edge) struct Traffic {
    packets_in: Cell<u64>,
    packets_out: Cell<u64>,
    received: Cell<u64>,
    sent: Cell<u64>,
}

impl Traffic {
    pub(in crate::edge) fn received(&self, bytes: usize, packets: u64) {
        self.received.set(self.received.get() + bytes as u64);
        self.packets_in.set(self.packets_in.get() + packets);
    }

    /// Packets on their way to a client.
    pub(super) fn delivers(&self, packets: u64) {
        self.packets_out.set(self.packets_out.get() + packets);
    }

    pub(in crate::edge) fn sent(&self, bytes: usize) {
        self.sent.set(self.sent.get() + bytes as u64);
    }

    pub(super) fn tell(&self, metrics: &EdgeMetrics) {
        metrics.packets_received.inc_by(self.packets_in.take());
        metrics.packets_sent.inc_by(self.packets_out.take());
        metrics.bytes_received.inc_by(self.received.take());
        metrics.bytes_sent.inc_by(self.sent.take());
    }
}
