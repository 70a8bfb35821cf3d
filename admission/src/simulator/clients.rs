//! The model's clients: impatient, in step, one SUBSCRIBE after the other.

use super::{Event, Run, Try, Work};

impl Run {
    pub(super) fn connect(&mut self, client: u32) {
        let number = self.clients[client as usize].tries + 1;
        self.clients[client as usize].tries = number;
        let attempt = Try { client, number };
        self.after(self.herd.round_trip, Event::Arrive(attempt));
        self.after(self.herd.patience, Event::GiveUp(attempt));
    }

    pub(super) fn give_up(&mut self, attempt: Try) {
        if self.is_current(attempt) && !self.clients[attempt.client as usize].connected {
            self.fail(attempt);
            self.after(self.herd.round_trip / 2, Event::SeenGone(attempt));
            self.after(self.herd.retry, Event::Connect(attempt.client));
        }
    }

    pub(super) fn reset(&mut self, attempt: Try) {
        if self.is_current(attempt) {
            self.fail(attempt);
            self.after(
                self.herd.round_trip / 2 + self.herd.retry,
                Event::Connect(attempt.client),
            );
        }
    }

    /// An alert tells the client at once that its certificate is no good.
    pub(super) fn alert(&mut self, attempt: Try) {
        if self.is_current(attempt) {
            self.fail(attempt);
            self.after(self.herd.round_trip / 2, Event::Connect(attempt.client));
        }
    }

    pub(super) fn presents_expired(&self, attempt: Try) -> bool {
        self.herd.certificates > 1 && self.clients[attempt.client as usize].certificate == 0
    }

    fn fail(&mut self, attempt: Try) {
        let client = &mut self.clients[attempt.client as usize];
        client.tries += 1;
        client.certificate = (client.certificate + 1) % self.herd.certificates;
    }

    pub(super) fn connacked(&mut self, attempt: Try) {
        if self.is_current(attempt) {
            self.clients[attempt.client as usize].connected = true;
            self.after(
                self.herd.round_trip / 2,
                Event::Packet(attempt, Work::Subscribe),
            );
        }
    }

    pub(super) fn subacked(&mut self, attempt: Try) {
        let client = &mut self.clients[attempt.client as usize];
        client.subscribes_left -= 1;
        if client.subscribes_left > 0 {
            self.after(
                self.herd.round_trip,
                Event::Packet(attempt, Work::Subscribe),
            );
        } else {
            self.back += 1;
        }
    }
}
