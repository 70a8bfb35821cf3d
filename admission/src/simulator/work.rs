//! What the model's server is asked to do, and what follows.

use std::time::Duration;

use super::{Event, Run, Try, Work};

impl Run {
    pub(super) fn packet(&mut self, attempt: Try, work: Work) {
        if !self.server.connections.contains_key(&attempt) {
            return;
        }
        if work == Work::Subscribe {
            self.server.subscribed(attempt, self.now);
        }
        self.server.queue(attempt, work, self.cost(work), self.now);
        self.keep_core_busy();
    }

    pub(super) fn cost(&self, work: Work) -> Duration {
        let cost = match work {
            Work::Handshake => self.herd.handshake,
            Work::Login => self.herd.login,
            Work::Subscribe => self.herd.subscribe,
        };
        match self.herd.slow {
            Some((from, to, factor)) if (from..to).contains(&self.now) => cost * factor,
            _ => cost,
        }
    }

    pub(super) fn keep_core_busy(&mut self) {
        if let Some(turn) = self.server.start_turn(self.now) {
            self.after(turn, Event::CoreFree);
        }
    }

    pub(super) fn core_free(&mut self) {
        match self.server.end_turn() {
            Some((attempt, Work::Handshake)) if self.presents_expired(attempt) => {
                self.alert(attempt);
                self.seen_gone(attempt);
            }
            Some((attempt, Work::Handshake)) => {
                self.after(self.herd.round_trip, Event::Packet(attempt, Work::Login));
            }
            Some((attempt, Work::Login)) => {
                self.server.attaching.push_back(attempt);
                self.attach_waiting();
            }
            Some((attempt, Work::Subscribe)) => self.subacked(attempt),
            None => {}
        }
        self.keep_core_busy();
    }

    pub(super) fn attach_waiting(&mut self) {
        while self.server.settling < self.herd.settle_limit
            && let Some(attempt) = self.server.attaching.pop_front()
        {
            let edge = self.edge_of(attempt);
            let Some(connection) = self.server.connections.get_mut(&attempt) else {
                continue;
            };
            let took = connection.attach(self.now);
            self.server.settling += 1;
            self.edges[edge].times.record(took);
            self.after(self.herd.round_trip / 2, Event::Connacked(attempt));
            self.after(self.server.quiet(), Event::SettleLook(attempt));
            self.promote(edge);
        }
    }

    pub(super) fn settle_look(&mut self, attempt: Try) {
        if let Some(look_again) = self.server.settle(attempt, self.now) {
            self.after(look_again, Event::SettleLook(attempt));
        }
        self.attach_waiting();
    }
}
