//! What clients do: impatient, one SUBSCRIBE after the other, and again after each failure.

use super::client::{Kind, Try};
use super::cores::{For, Work};
use super::moment::{Moment, moment};
use super::run::{Event, Run};

/// Core time of an answer to a client that is back.
const ANSWER: Moment = 5_000;

impl Run<'_> {
    pub(super) fn dial_after(&mut self, wait: Moment, client: u32) {
        self.clients[client as usize].dialled = self.now + wait;
        self.after(wait + self.round_trip, Event::Arrive(client));
    }

    /// When a try's patience ends.
    pub(super) fn patient_until(&self, attempt: Try) -> Moment {
        self.clients[attempt.client as usize].dialled
            + moment(self.scenario.patience_of(attempt.client))
    }

    pub(super) fn give_up(&mut self, attempt: Try) {
        let has_connack = self
            .client(attempt)
            .connacked
            .is_some_and(|at| at <= self.now);
        if self.is_current(attempt) && !has_connack {
            self.progress.gave_up += 1;
            self.go(attempt);
        }
    }

    /// A flapping client has stayed long enough.
    pub(super) fn leave(&mut self, attempt: Try) {
        if self.is_current(attempt) {
            self.go(attempt);
        }
    }

    /// Of its own accord; its edge sees that half a round trip later.
    fn go(&mut self, attempt: Try) {
        self.fail(attempt);
        self.after(self.round_trip / 2, Event::SeenGone(attempt));
        let wait = self.retry_wait(attempt.client);
        self.dial_after(wait, attempt.client);
    }

    /// The server ended the try.
    pub(super) fn ended(&mut self, attempt: Try) {
        if self.is_current(attempt) {
            self.fail(attempt);
            let wait = self.retry_wait(attempt.client);
            self.dial_after(self.round_trip / 2 + wait, attempt.client);
        }
    }

    /// An alert tells the client at once that its certificate is no good.
    pub(super) fn alert(&mut self, attempt: Try) {
        if self.is_current(attempt) {
            self.fail(attempt);
            self.dial_after(self.round_trip / 2, attempt.client);
        }
    }

    pub(super) fn presents_expired(&self, attempt: Try) -> bool {
        self.scenario.herd.certificates > 1
            && self.clients[attempt.client as usize].certificate == 0
    }

    fn fail(&mut self, attempt: Try) {
        let (certificates, subscribes) = (
            self.scenario.herd.certificates,
            self.scenario.herd.subscribes,
        );
        let client = self.client(attempt);
        client.tries += 1;
        client.failures = client.failures.saturating_add(1);
        client.certificate = (client.certificate + 1) % certificates;
        client.subscribes_left = subscribes;
        client.connacked = None;
        if std::mem::take(&mut client.is_back) {
            self.progress.back -= 1;
            self.progress.drops += 1;
        }
    }

    fn retry_wait(&mut self, client: u32) -> Moment {
        let herd = &self.scenario.herd;
        let failures = self.clients[client as usize].failures;
        if herd.gives_up_after > 0 && failures.is_multiple_of(herd.gives_up_after) {
            return moment(herd.gives_up_for);
        }
        let (mut wait, longest) = (moment(herd.retry), moment(herd.longest_retry));
        if herd.back_off_percent > 100 {
            for _ in 1..failures {
                wait = (wait / 100)
                    .saturating_mul(u64::from(herd.back_off_percent))
                    .min(longest);
                if wait == longest {
                    break;
                }
            }
        }
        let part = wait / 100 * u64::from(herd.jitter_percent);
        wait - part + self.random_below(2 * part + 1)
    }

    /// CONNACK is on its way to the client.
    pub(super) fn connack(&mut self, attempt: Try) {
        let arrives = self.now + self.round_trip / 2;
        if !self.is_current(attempt) || arrives > self.patient_until(attempt) {
            return;
        }
        self.client(attempt).connacked = Some(arrives);
        self.after(self.round_trip, Event::SubscribeArrives(attempt));
        if self.scenario.kind(attempt.client) == Kind::Flapping {
            let stays = moment(self.scenario.herd.flapping_stays);
            self.after(self.round_trip / 2 + stays, Event::Leave(attempt));
        }
    }

    pub(super) fn suback(&mut self, attempt: Try) {
        let client = self.client(attempt);
        client.subscribes_left = client.subscribes_left.saturating_sub(1);
        if client.subscribes_left > 0 {
            let gap = moment(self.scenario.herd.subscribe_gap);
            self.after(self.round_trip + gap, Event::SubscribeArrives(attempt));
        } else {
            self.is_back(attempt);
        }
    }

    pub(super) fn is_back(&mut self, attempt: Try) {
        if self.scenario.kind(attempt.client) == Kind::Flapping {
            return;
        }
        let client = self.client(attempt);
        client.is_back = true;
        client.failures = 0;
        self.progress.back += 1;
        self.progress.last_back = self.now;
        let keep_alive = moment(self.scenario.herd.keep_alive);
        if keep_alive > 0 {
            let first = self.random_below(keep_alive);
            self.after(first, Event::KeepAlive(attempt));
        }
    }

    pub(super) fn keep_alive(&mut self, attempt: Try) {
        if self.is_current(attempt) && self.is_served(attempt) {
            let edge = self.client(attempt).edge;
            let machine = self.edge_machine(edge);
            self.work(machine, For::Client(attempt), Work::Settled, ANSWER);
        }
    }

    /// A client that is not answered in time looks for a better connection.
    pub(super) fn answered(&mut self, attempt: Try, asked: Moment) {
        if !self.is_current(attempt) {
            return;
        }
        let keep_alive = moment(self.scenario.herd.keep_alive);
        if self.now - asked > keep_alive / 2 {
            self.forget(attempt);
            self.ended(attempt);
        } else {
            self.after(keep_alive, Event::KeepAlive(attempt));
        }
    }
}
