//! The model's edges: what a real one does with the library, without sockets.

use super::{Connection, Edge, Event, Run, Try, Work, address_of};
use crate::edge::{EdgeCounts, REPORT_EVERY, TICK};
use crate::hold::SWEEP_EVERY;
use crate::places::Place;
use crate::shard::ShardCounts;

impl Run {
    pub(super) fn arrive(&mut self, attempt: Try) {
        if !self.is_current(attempt) {
            return;
        }
        let address = address_of(attempt.client);
        let edge_number = self.edge_of(attempt);
        let edge = &mut self.edges[edge_number];
        let slice = edge.view.table.slice_of(address);
        let place = if edge.view.admits(slice) {
            edge.places.try_take()
        } else {
            None
        };
        match place {
            Some(place) => self.enter(attempt, place),
            None if edge.hold.hold(attempt, slice, self.now).is_err() => self.reset(attempt),
            None => {}
        }
    }

    pub(super) fn enter(&mut self, attempt: Try, place: Place) {
        self.handshakes += 1;
        self.server
            .connections
            .insert(attempt, Connection::new(place, self.now));
        self.packet(attempt, Work::Handshake);
    }

    pub(super) fn seen_gone(&mut self, attempt: Try) {
        let edge = self.edge_of(attempt);
        self.edges[edge].hold.remove(attempt);
        if let Some(connection) = self.server.connections.remove(&attempt) {
            let Edge { times, view, .. } = &mut self.edges[edge];
            times.record_at_least(self.now.saturating_sub(connection.entered), view.aim);
            self.server.forget_settling(&connection);
        }
        self.promote(edge);
        self.attach_waiting();
    }

    pub(super) fn promote(&mut self, edge: usize) {
        let usual = self.edges[edge].view.usual_time_to_connack;
        for attempt in self.edges[edge].hold.expire(usual, self.now) {
            self.reset(attempt);
        }
        let Edge { hold, places, .. } = &mut self.edges[edge];
        for (attempt, place) in hold.promote(places, usual, self.now) {
            self.enter(attempt, place);
        }
    }

    pub(super) fn sweep(&mut self) {
        for edge in 0..self.edges.len() {
            self.promote(edge);
        }
        self.after(SWEEP_EVERY, Event::Sweep);
    }

    pub(super) fn counts(&self, edge: usize) -> EdgeCounts {
        let entering = self
            .server
            .connections
            .iter()
            .filter(|(attempt, connection)| {
                self.edge_of(**attempt) == edge && connection.place.is_some()
            });
        let Edge { hold, places, .. } = &self.edges[edge];
        EdgeCounts {
            door: hold.door(),
            held: hold.held(),
            entering: places.used(),
            entering_peak: places.take_peak(),
            oldest_entering: entering
                .map(|(_, connection)| self.now.saturating_sub(connection.entered))
                .max(),
        }
    }

    pub(super) fn tick(&mut self) {
        for number in 0..self.edges.len() {
            let counts = self.counts(number);
            let edge = &mut self.edges[number];
            edge.admission
                .tick(counts, &std::mem::take(&mut edge.times), self.now);
            self.publish(number);
        }
        self.after(TICK, Event::Tick);
    }

    pub(super) fn report(&mut self) {
        for number in 0..self.edges.len() {
            let Edge {
                hold,
                places,
                admission,
                ..
            } = &self.edges[number];
            let counts = EdgeCounts {
                door: hold.door(),
                held: hold.held(),
                entering: places.used(),
                ..EdgeCounts::default()
            };
            let report = admission.report(counts);
            self.shard.hear(report, self.now);
        }
        let settling = self.server.settling;
        let counts = ShardCounts {
            settling,
            settle_limit: self.herd.settle_limit,
            ..ShardCounts::default()
        };
        let report = self.shard.report(counts, self.now);
        for number in 0..self.edges.len() {
            if self.edges[number].admission.hear(report.clone(), self.now) {
                self.publish(number);
            }
        }
        self.after(REPORT_EVERY, Event::Report);
    }

    pub(super) fn publish(&mut self, number: usize) {
        let edge = &mut self.edges[number];
        let view = edge.admission.view();
        if view.reopening == edge.view.reopening {
            edge.hold.open_to(view.level);
        } else {
            let table = view.table.clone();
            edge.hold.recut(view.level, |attempt| {
                table.slice_of(address_of(attempt.client))
            });
        }
        edge.places.set_limit(view.entering_limit);
        edge.view = view;
        self.promote(number);
    }
}
