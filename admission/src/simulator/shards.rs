//! What shards do with the library, without links.

use super::client::{Try, WayIn};
use super::cores::{For, Work};
use super::moment::{Moment, duration, moment};
use super::run::{Event, Run};
use super::scenario::Law;
use crate::last_class::Came;
use crate::report::ReopeningNumber;
use crate::settle::Settling;
use crate::slicing::TableFor;
use crate::tuning::SettleTuning;

impl Run<'_> {
    pub(super) fn session_open(&mut self, attempt: Try) {
        let shard = self.client(attempt).shard;
        self.shards[usize::from(shard)].attaching.push_back(attempt);
        self.attach_waiting(shard);
    }

    /// Whoever waits for a shard that is late gives its place back; after half a patience it is told to come again, and
    /// its address is remembered.
    pub(super) fn look_at_attaching(&mut self, number: u16) {
        let edge = &self.edges[usize::from(number)];
        let patience = edge.view.patience;
        let late: Vec<_> = edge
            .wait_longer(&self.clients, edge.view.aim, self.now)
            .filter(|attempt| {
                let shard = self.clients[attempt.client as usize].shard;
                edge.view.is_late(shard.into())
            })
            .collect();
        let refused: Vec<_> = edge
            .wait_longer(&self.clients, patience / 2, self.now)
            .collect();
        let scenario = self.scenario;
        let shard_of = |attempt: &Try| self.clients[attempt.client as usize].shard.into();
        // an address of many is not kept out for one of them
        let tells = |attempt: &&Try| {
            let found = edge
                .view
                .table
                .slice_of(scenario.address_of(attempt.client));
            found.slice().is_some()
        };
        let remembered: Vec<_> = refused
            .iter()
            .filter(tells)
            .map(|attempt| (scenario.address_of(attempt.client), shard_of(attempt)))
            .collect();
        for attempt in late {
            self.client(attempt).place = None;
        }
        self.edges[usize::from(number)]
            .admission
            .remember(remembered, duration(self.now));
        for attempt in refused {
            self.progress.turned_away += 1;
            // that was not its doing
            self.client(attempt).way_in = WayIn::Outside;
            self.forget(attempt);
            self.ended(attempt);
        }
        for view in self.edges[usize::from(number)].view.shards.clone().iter() {
            let edge = &self.edges[usize::from(number)];
            edge.attaches.grant(view.shard, view.attaches);
            self.ask(number, u16::try_from(view.shard).unwrap_or(0));
        }
        self.promote(number);
    }

    pub(super) fn attach_waiting(&mut self, number: u16) {
        loop {
            let shard = &mut self.shards[usize::from(number)];
            if !shard.alive || shard.settling >= shard.settle_limit() {
                return;
            }
            let Some(attempt) = shard.attaching.pop_front() else {
                return;
            };
            if self.is_served(attempt) {
                self.attach(attempt, number);
            }
        }
    }

    fn attach(&mut self, attempt: Try, number: u16) {
        let now = self.now;
        let gives_back = matches!(self.scenario.law, Law::Staged | Law::Open);
        let client = self.client(attempt);
        client.settling = Some(Settling::begin(duration(now), &SettleTuning::default()));
        client.connected = true;
        client.asks_since = None;
        let (took, edge) = (duration(now - client.entered), client.edge);
        let place = if gives_back {
            client.place.take()
        } else {
            None
        };
        drop(place);
        let shard = &mut self.shards[usize::from(number)];
        shard.settling += 1;
        shard.connected += 1;
        self.watch.attaches(shard.settling, shard.settle_limit());
        let quiet = moment(self.shards[usize::from(number)].gaps.quiet());
        let waits = &mut self.edges[usize::from(edge)].waits;
        waits.of(number.into()).times.record(took);
        self.progress.times.record(took);
        self.connack(attempt);
        self.after(quiet, Event::SettleLook(attempt));
        self.promote(edge);
    }

    pub(super) fn subscribe_arrives(&mut self, attempt: Try) {
        if !self.is_current(attempt) || !self.is_served(attempt) {
            return;
        }
        let now = duration(self.now);
        let (shard, subscribes_left) = (
            self.client(attempt).shard,
            self.client(attempt).subscribes_left,
        );
        if subscribes_left == 0 {
            self.is_back(attempt);
            return;
        }
        let gaps = &mut self.shards[usize::from(shard)].gaps;
        if let Some(settling) = &mut self.clients[attempt.client as usize].settling {
            settling.subscribe(gaps, now);
        }
        let cost = moment(self.scenario.capacity.subscribe);
        self.work(
            self.shard_machine(shard),
            For::Client(attempt),
            Work::Subscribe,
            cost,
        );
    }

    /// A client that has waited too long for its SUBACK has left meanwhile.
    pub(super) fn subscribed(&mut self, attempt: Try, queued: Moment) {
        let waited = self.now - queued;
        let shard = self.client(attempt).shard;
        self.shards[usize::from(shard)]
            .window
            .suback
            .times
            .record(duration(waited));
        if !self.is_current(attempt) {
            return;
        }
        if waited + self.round_trip > moment(self.scenario.herd.step_timeout) {
            self.progress.gave_up += 1;
            self.forget(attempt);
            self.ended(attempt);
        } else {
            self.suback(attempt);
        }
    }

    pub(super) fn settle_look(&mut self, attempt: Try) {
        if !self.is_served(attempt) {
            return;
        }
        let now = duration(self.now);
        let (shard, edge) = (self.client(attempt).shard, self.client(attempt).edge);
        let quiet = self.shards[usize::from(shard)].gaps.quiet();
        let Some(settling) = self.client(attempt).settling else {
            return;
        };
        if !settling.is_settled(true, quiet, now) {
            let again = settling.next_look(quiet, now).saturating_sub(now);
            self.after(moment(again), Event::SettleLook(attempt));
            return;
        }
        self.client(attempt).way_in = WayIn::Settled;
        self.came(attempt, Came::Settled);
        let client = self.client(attempt);
        client.settling = None;
        client.place = None;
        self.shards[usize::from(shard)].settling -= 1;
        self.attach_waiting(shard);
        self.promote(edge);
    }

    fn shard_runs(&self, shard: u16) -> bool {
        let machine = usize::from(self.shard_machine(shard));
        self.shards[usize::from(shard)].alive && !self.cores[machine].stalled
    }

    pub(super) fn judge(&mut self) {
        for number in 0..self.scenario.capacity.shards {
            if self.shard_runs(number) {
                let cores = &self.cores[usize::from(self.shard_machine(number))];
                let oldest = |work| duration(cores.oldest(work, self.now));
                let oldest = (oldest(Work::Settled), oldest(Work::Subscribe));
                self.shards[usize::from(number)].judge(oldest);
                // the settle limit may have grown
                self.attach_waiting(number);
            }
        }
        self.judge_backend();
        self.after_window();
    }

    /// Edges tell shards, shards tell edges.
    pub(super) fn report(&mut self) {
        let now = duration(self.now);
        let edges: Vec<_> = (0..self.edges.len())
            .filter(|edge| self.edges[*edge].alive)
            .collect();
        let shards: Vec<_> = (0..self.scenario.capacity.shards)
            .filter(|shard| self.shard_runs(*shard))
            .collect();
        for edge in edges.iter().copied() {
            if self.cores[usize::from(self.edge_machine(u16::try_from(edge).unwrap_or(0)))].stalled
            {
                continue;
            }
            let at = &mut self.edges[edge];
            let counts = at.counts_now();
            let report = at.admission.report(counts);
            for shard in &shards {
                self.shards[usize::from(*shard)]
                    .admission
                    .hear(report.clone(), now);
            }
        }
        for shard in shards {
            let at = &mut self.shards[usize::from(shard)];
            let counts = at.counts();
            let report = at.admission.report(counts, now);
            at.reported = (report.reopening, report.verdict);
            for edge in edges.iter().copied() {
                let table = self.table_of(report.reopening, edge);
                let admission = &mut self.edges[edge].admission;
                let recut = table.is_some_and(|table| admission.adopt_table(&table));
                if admission.hear(report.clone(), now) || recut {
                    self.publish(edge);
                }
            }
        }
        self.after_report();
    }

    /// What a reopening is cut by, where an edge does not know it yet.
    fn table_of(&self, reopening: ReopeningNumber, edge: usize) -> Option<TableFor> {
        let known = self.edges[edge].admission.table_for();
        let is_new = known.is_none_or(|known| known.reopening < reopening);
        let spec = self.spec.as_ref().filter(|_| is_new)?.clone();
        Some(TableFor { reopening, spec })
    }
}
