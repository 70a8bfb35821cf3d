//! Clients whose address does not tell: they pass the gate, cost their handshake, say CONNECT, and are held by client id.

use super::client::Try;
use super::cores::{For, Work};
use super::moment::{duration, moment};
use super::run::{Event, Run};
use crate::last_class::Comer;

/// As a CONNECT says it.
pub(super) fn client_id(client: u32) -> String {
    format!("client-{client}")
}

impl Run<'_> {
    /// Without a place: whether there is one for it is known after CONNECT.
    pub(super) fn pass_gate(&mut self, attempt: Try) {
        self.progress.by_client_id += 1;
        self.client(attempt).by_client_id = true;
        let until = self.patient_until(attempt);
        self.after(until.saturating_sub(self.now), Event::GiveUp(attempt));
        self.shake_hands(attempt);
    }

    pub(super) fn shake_hands(&mut self, attempt: Try) {
        self.progress.handshakes += 1;
        let edge = self.client(attempt).edge;
        self.work(
            self.edge_machine(edge),
            For::Client(attempt),
            Work::Handshake,
            moment(self.scenario.capacity.handshake),
        );
    }

    /// CONNECT has come: in, or held for its whole patience, or told to come again.
    pub(super) fn pass_client(&mut self, attempt: Try) {
        let (now, comer) = (self.now, self.comer(attempt));
        let client = self.client(attempt);
        // the edge counts its patience from here
        client.entered = now;
        let number = client.edge;
        let edge = &mut self.edges[usize::from(number)];
        let slice = edge.view.table.slice_of_client(&client_id(attempt.client));
        let now = duration(now);
        let is_last = edge.view.last_class.has(comer, now);
        if let Some(place) = edge.try_take(slice, is_last) {
            self.take_place(attempt, place);
            self.log_in(attempt);
            return;
        }
        if edge.clients.hold(attempt, slice, is_last, now).is_err() {
            self.busy(attempt);
        }
    }

    /// Whom its edge keeps in mind, if this try comes to nothing.
    pub(super) fn comer(&self, attempt: Try) -> Comer {
        if self.clients[attempt.client as usize].by_client_id {
            Comer::client(&client_id(attempt.client))
        } else {
            Comer::Address(self.scenario.address_of(attempt.client))
        }
    }

    /// 0x89: come again.
    pub(super) fn busy(&mut self, attempt: Try) {
        self.progress.busy += 1;
        self.client(attempt).served = 0;
        self.ended(attempt);
    }
}
