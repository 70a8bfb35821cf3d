//! The way in: handshake, login, session.

use super::client::Try;
use super::cores::{For, Work};
use super::edge::Edge;
use super::moment::moment;
use super::run::{Event, Run};

impl Run<'_> {
    pub(super) fn handshake_done(&mut self, attempt: Try) {
        if self.presents_expired(attempt) {
            self.forget(attempt);
            self.alert(attempt);
        } else {
            self.after(self.round_trip, Event::LoginArrives(attempt));
        }
    }

    pub(super) fn login_arrives(&mut self, attempt: Try) {
        if !self.is_served(attempt) {
            return;
        }
        if self.client(attempt).place.is_some() {
            self.log_in(attempt);
        } else {
            self.pass_client(attempt);
        }
    }

    pub(super) fn log_in(&mut self, attempt: Try) {
        let edge = self.client(attempt).edge;
        let machine = self.edge_machine(edge);
        let cost = moment(self.scenario.capacity.login);
        self.work(machine, For::Client(attempt), Work::Login, cost);
    }

    pub(super) fn login_done(&mut self, attempt: Try) {
        if self.backend.is_some() {
            self.wait_for_backend(attempt);
        } else {
            self.let_in(attempt);
        }
    }

    pub(super) fn let_in(&mut self, attempt: Try) {
        let now = self.now;
        let client = self.client(attempt);
        client.asks_since = Some(now);
        let (edge, shard) = (client.edge, client.shard);
        self.edges[usize::from(edge)].to_attach[usize::from(shard)].push_back(attempt);
        self.ask(edge, shard);
    }

    /// As many as the edge may ask the shard to take.
    pub(super) fn ask(&mut self, edge: u16, shard: u16) {
        loop {
            let Edge {
                attaches,
                to_attach,
                ..
            } = &mut self.edges[usize::from(edge)];
            let waiting = &mut to_attach[usize::from(shard)];
            let Some(attempt) = waiting.front().copied() else {
                return;
            };
            let is_there = self.clients[attempt.client as usize].served == attempt.number;
            if is_there && !attaches.try_take(shard.into()) {
                return;
            }
            waiting.pop_front();
            if is_there {
                self.open_session(attempt, shard);
            }
        }
    }

    fn open_session(&mut self, attempt: Try, shard: u16) {
        let cost = moment(self.scenario.capacity.session);
        if cost > 0 && self.shards[usize::from(shard)].alive {
            self.work(
                self.shard_machine(shard),
                For::Client(attempt),
                Work::Session,
                cost,
            );
        } else {
            self.session_open(attempt);
        }
    }
}
