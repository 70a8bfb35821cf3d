//! The way in: handshake, login, authentication backend, session.

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
        if self.is_served(attempt) {
            let edge = self.client(attempt).edge;
            let machine = self.edge_machine(edge);
            let cost = moment(self.scenario.capacity.login);
            self.work(machine, For::Client(attempt), Work::Login, cost);
        }
    }

    pub(super) fn login_done(&mut self, attempt: Try) {
        if self.backend.is_some() {
            let (edge, now) = (self.client(attempt).edge, self.now);
            self.edges[usize::from(edge)]
                .to_ask
                .push_back((now, attempt));
            self.ask_backend(edge);
        } else {
            self.let_in(attempt);
        }
    }

    fn ask_backend(&mut self, number: u16) {
        let half_patience = moment(self.scenario.herd.patience / 2);
        let (Some(backend), now) = (self.backend, self.now) else {
            return;
        };
        while self.edges[usize::from(number)].asking < backend.concurrent {
            let edge = &mut self.edges[usize::from(number)];
            let newest_first = edge
                .to_ask
                .front()
                .is_some_and(|(since, _)| now - since > half_patience);
            let next = if newest_first {
                edge.to_ask.pop_back()
            } else {
                edge.to_ask.pop_front()
            };
            let Some((_, attempt)) = next else {
                return;
            };
            if self.is_served(attempt) {
                self.edges[usize::from(number)].asking += 1;
                self.after(
                    moment(backend.latency),
                    Event::BackendAnswers(attempt, number),
                );
            }
        }
    }

    pub(super) fn backend_answers(&mut self, attempt: Try, edge: u16) {
        let failing = u64::from(self.backend.map_or(0, |backend| backend.failing_percent));
        let asking = &mut self.edges[usize::from(edge)].asking;
        *asking = asking.saturating_sub(1);
        if self.is_served(attempt) {
            if self.random_below(100) < failing {
                self.progress.refused += 1;
                self.forget(attempt);
                self.ended(attempt);
            } else {
                self.let_in(attempt);
            }
        }
        self.ask_backend(edge);
    }

    fn let_in(&mut self, attempt: Try) {
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
