//! What edges do with the library, without sockets.

use std::time::Duration;

use super::by_client_id::client_id;
use super::client::{Try, WayIn};
use super::edge::share;
use super::moment::{Moment, duration, moment};
use super::run::{Event, Run};
use super::scenario::{Law, When};
use crate::hold::NO_SLICE;
use crate::last_class::{Came, Comer};
use crate::places::Place;

/// A rival thinks as often as this library's entering limit does.
const RIVAL_EVERY: Moment = 500_000_000;

/// A fleet in step is out of it after so many times its patience.
const PATIENCES_IN_STEP: Moment = 3;

impl Run<'_> {
    pub(super) fn arrive(&mut self, client: u32) {
        self.progress.arrivals += 1;
        let waiting = self.scenario.expected() - self.progress.back;
        let settled_down = self.now > moment(self.scenario.longest_patience()) * PATIENCES_IN_STEP;
        self.watch.knocks(waiting, settled_down, self.now);
        let number = self.clients[client as usize].tries + 1;
        self.clients[client as usize].tries = number;
        let attempt = Try { client, number };
        let Some(edge_number) = self.balance(attempt) else {
            self.ended(attempt);
            return;
        };
        self.client(attempt).served = number;
        self.client(attempt).edge = edge_number;
        self.client(attempt).entered = self.now;
        self.client(attempt).by_client_id = false;
        let address = self.scenario.address_of(client);
        let now = duration(self.now);
        let edge = &mut self.edges[usize::from(edge_number)];
        edge.arrived += 1;
        let is_last = edge.view.last_class.has(Comer::Address(address), now);
        let slice = if edge.view.keeps_out(address, now) {
            NO_SLICE
        } else if let Some(slice) = edge.view.table.slice_of(address).slice() {
            slice
        } else if edge.clients.is_full() {
            // its handshake would be in vain
            NO_SLICE
        } else {
            self.pass_gate(attempt);
            return;
        };
        let place = edge.try_take(slice, is_last);
        let held = place
            .is_none()
            .then(|| edge.hold.hold(attempt, slice, is_last, now));
        match (place, held) {
            (Some(place), _) => self.enter(attempt, place),
            (None, Some(Ok(deadline))) => {
                let until = self.patient_until(attempt);
                if moment(deadline) >= until {
                    self.after(until.saturating_sub(self.now), Event::GiveUp(attempt));
                }
            }
            (None, _) => self.reset(attempt),
        }
    }

    /// Any edge that is there.
    fn balance(&self, attempt: Try) -> Option<u16> {
        let count = self.edges.len();
        let first = (attempt.client + attempt.number) as usize;
        let there = (0..count)
            .map(|step| (first + step) % count)
            .find(|edge| self.edges[*edge].alive);
        there.and_then(|edge| u16::try_from(edge).ok())
    }

    fn reset(&mut self, attempt: Try) {
        self.client(attempt).served = 0;
        self.progress.resets += 1;
        self.ended(attempt);
    }

    fn enter(&mut self, attempt: Try, place: Place) {
        self.take_place(attempt, place);
        let until = self.patient_until(attempt);
        self.after(until.saturating_sub(self.now), Event::GiveUp(attempt));
        self.shake_hands(attempt);
    }

    /// It is entering from now on.
    pub(super) fn take_place(&mut self, attempt: Try, place: Place) {
        let (edge, now) = (self.client(attempt).edge, self.now);
        self.client(attempt).way_in = WayIn::LetIn;
        if self.scenario.law == Law::Staged {
            let comer = self.comer(attempt);
            let (edges, clients) = (&self.edges, &self.clients);
            self.watch.shares(edges, clients, attempt, comer);
        }
        self.watch.enters(
            &self.edges[usize::from(edge)],
            self.scenario.law,
            &self.shards,
        );
        let client = self.client(attempt);
        let since = std::mem::replace(&mut client.entered, now);
        client.place = Some(place);
        self.edges[usize::from(edge)].entered(attempt, now);
        if self.scenario.law == Law::Staged && self.is_current(attempt) {
            let view = &self.edges[usize::from(edge)].view;
            let (usual, patience) = (view.usual_time_to_connack, view.patience);
            // as its edge knows it, which does not know how long the knock was under way
            let left = patience.saturating_sub(duration(now - since));
            self.watch.waits_yet(usual, left, patience);
        }
    }

    pub(super) fn seen_gone(&mut self, attempt: Try) {
        if !self.is_served(attempt) {
            return;
        }
        let client = self.client(attempt);
        let (edge, entered) = (client.edge, client.entered);
        let asks = client.asks_since.is_some().then_some(client.shard);
        let is_entering = client.place.is_some() && !client.connected || asks.is_some();
        let now = duration(self.now);
        let at = &mut self.edges[usize::from(edge)];
        at.hold.remove(attempt, now);
        at.clients.remove(attempt, now);
        if is_entering {
            let waited = duration(self.now - entered);
            let times = match asks {
                Some(shard) => &mut at.waits.of(shard.into()).times,
                None => &mut at.waits.elsewhere,
            };
            times.record_at_least(waited, at.view.aim);
        }
        self.forget(attempt);
    }

    /// Its edge and its shard have nothing of it any more.
    pub(super) fn forget(&mut self, attempt: Try) {
        if !self.is_served(attempt) {
            return;
        }
        self.note_end(attempt);
        let client = self.client(attempt);
        client.served = 0;
        client.place = None;
        client.asks_since = None;
        let (edge, shard) = (client.edge, client.shard);
        let (was_settling, was_connected) = (
            client.settling.take().is_some(),
            std::mem::take(&mut client.connected),
        );
        let at = &mut self.shards[usize::from(shard)];
        at.settling -= u32::from(was_settling);
        at.connected -= u32::from(was_connected);
        self.promote(edge);
        self.attach_waiting(shard);
    }

    /// Whether the try that is over came to nothing. Whoever left because it waited too long for us has not. An edge counts its
    /// own part of the wait alone; this is the whole time since entering, which has the client's round trip more.
    fn note_end(&mut self, attempt: Try) {
        let now = self.now;
        let client = self.client(attempt);
        let (was_let_in, waited) = (
            std::mem::take(&mut client.way_in) == WayIn::LetIn,
            (!client.connected).then_some(duration(now.saturating_sub(client.entered))),
        );
        let edge = client.edge;
        let aim = self.edges[usize::from(edge)].view.aim;
        if was_let_in && waited.is_none_or(|waited| waited <= aim) {
            self.came(attempt, Came::ToNothing);
        }
    }

    pub(super) fn came(&mut self, attempt: Try, how: impl Fn(Comer) -> Came) {
        let comer = self.comer(attempt);
        let (edge, now) = (self.client(attempt).edge, self.now);
        let came = how(comer);
        self.watch.came(edge, came, now);
        let admission = &mut self.edges[usize::from(edge)].admission;
        admission.came([came], duration(now));
    }

    pub(super) fn promote(&mut self, number: u16) {
        let now = duration(self.now);
        let edge = &mut self.edges[usize::from(number)];
        if !edge.alive {
            return;
        }
        // the rivals know no patience
        let usual = if self.scenario.law == Law::Staged {
            edge.view.usual_time_to_connack
        } else {
            Duration::ZERO
        };
        let swept = edge.sweep(usual, now);
        for attempt in swept.reset {
            self.reset(attempt);
        }
        for attempt in swept.busy {
            self.busy(attempt);
        }
        for (attempt, place, has_said_connect) in swept.promoted {
            if has_said_connect {
                self.take_place(attempt, place);
                self.log_in(attempt);
            } else {
                self.enter(attempt, place);
            }
        }
    }

    fn runs(&self, edge: u16) -> bool {
        let machine = usize::from(self.edge_machine(edge));
        self.edges[usize::from(edge)].alive && !self.cores[machine].stalled
    }

    pub(super) fn sweep(&mut self) {
        for edge in 0..self.scenario.capacity.edges {
            if self.runs(edge) {
                self.promote(edge);
            }
        }
        self.after_sweep();
    }

    pub(super) fn tick(&mut self) {
        for number in 0..self.scenario.capacity.edges {
            if !self.runs(number) {
                continue;
            }
            let edge = &mut self.edges[usize::from(number)];
            let counts = edge.counts(&self.clients, self.now);
            edge.admission.gave_up(&edge.hold.take_given_up());
            edge.admission
                .tick(counts, &std::mem::take(&mut edge.waits), duration(self.now));
            if let Law::Aimd(most) = self.scenario.law
                && self.now.is_multiple_of(RIVAL_EVERY)
            {
                edge.adjust_aimd(most);
            }
            let next = edge.admission.view();
            self.watch
                .advances(&edge.view, &next, &self.shards, self.now);
            self.publish(usize::from(number));
            if self.scenario.law == Law::Staged {
                self.look_at_attaching(number);
            }
        }
        self.watch.behind(&self.edges, self.now);
        self.look_at_level();
        self.sample();
        self.after_tick();
    }

    /// Faults that wait for a level.
    fn look_at_level(&mut self) {
        let percent = self.level_percent();
        for fault in 0..self.pending.len() {
            let due = matches!(self.scenario.faults[fault].when, When::Level(level) if u32::from(level) <= percent);
            if self.pending[fault] && due {
                self.fault(u16::try_from(fault).unwrap_or(u16::MAX));
            }
        }
    }

    fn level_percent(&self) -> u32 {
        let (part, whole) = if self.scenario.law == Law::Staged {
            let highest = self
                .edges
                .iter()
                .map(|edge| &edge.view)
                .max_by_key(|view| (view.reopening, view.level));
            highest.map_or((0, 1), |view| (view.level, view.slices()))
        } else {
            (self.progress.back, self.scenario.expected())
        };
        u32::try_from(u64::from(part) * 100 / u64::from(whole.max(1))).unwrap_or(0)
    }

    pub(super) fn publish(&mut self, number: usize) {
        let scenario = self.scenario;
        let edge = &mut self.edges[number];
        let view = edge.admission.view();
        self.watch.publishes(&edge.view, &view);
        if view.reopening == edge.view.reopening && view.loosened == edge.view.loosened {
            edge.hold.open_to(view.level);
            edge.clients.open_to(view.level);
        } else {
            let (view, now) = (&view, duration(self.now));
            edge.hold.recut(view.level, |attempt| {
                let address = scenario.address_of(attempt.client);
                if view.keeps_out(address, now) {
                    return NO_SLICE;
                }
                // an address that does not tell any more waits until its time is up, and then comes again
                view.table.slice_of(address).slice().unwrap_or(NO_SLICE)
            });
            edge.clients.recut(view.level, |attempt| {
                view.table.slice_of_client(&client_id(attempt.client))
            });
        }
        edge.hold.set_patience(view.patience);
        edge.clients.set_patience(view.patience);
        let place = u16::try_from(number).unwrap_or(0);
        edge.set_limit(match scenario.law {
            Law::Staged | Law::Open => view.entering_limit,
            Law::Constant(limit) => share(limit, place, scenario.capacity.edges),
            Law::Aimd(_) => edge.aimd,
        });
        if scenario.law == Law::Staged {
            edge.places.set_last_limit(view.last_class_limit);
        }
        let half_patience = moment(view.patience / 2);
        edge.view = view;
        let machine = usize::from(self.edge_machine(place));
        self.cores[machine].half_patience = half_patience;
        self.promote(place);
    }
}
