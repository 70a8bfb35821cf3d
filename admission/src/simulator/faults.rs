//! What goes wrong, and how it heals.

use super::client::Try;
use super::edge::Edge;
use super::moment::{duration, moment};
use super::run::{Event, Run};
use super::scenario::{Mishap, When, Whose};
use super::shard::Shard;

impl Run<'_> {
    pub(super) fn plan_faults(&mut self) {
        for (number, fault) in (0_u16..).zip(&self.scenario.faults) {
            if let When::At(at) = fault.when {
                self.after(moment(at), Event::Fault(number));
            }
        }
    }

    pub(super) fn fault(&mut self, number: u16) {
        self.pending[usize::from(number)] = false;
        let fault = self.scenario.faults[usize::from(number)];
        self.after(moment(fault.lasting), Event::Healed(number));
        let next = self.scenario.faults.get(usize::from(number) + 1);
        if let Some(When::After(wait)) = next.map(|next| next.when) {
            self.after(moment(wait), Event::Fault(number + 1));
        }
        match fault.mishap {
            Mishap::Slow { whose, percent } => self.each_machine(whose, |cores| {
                cores.slow_percent = percent;
            }),
            Mishap::Hog { whose, processes } => self.each_machine(whose, |cores| {
                cores.hogs += processes;
            }),
            Mishap::Stall { whose } => self.each_machine(whose, |cores| {
                cores.stalled = true;
            }),
            Mishap::EdgeKilled { edge } => self.kill_edge(edge),
            Mishap::ShardKilled { shard } => self.kill_shard(shard),
            Mishap::Backend {
                latency,
                failing_percent,
            } => {
                if let Some(backend) = &mut self.backend {
                    backend.latency = latency;
                    backend.failing_percent = failing_percent;
                }
            }
        }
    }

    pub(super) fn healed(&mut self, number: u16) {
        match self.scenario.faults[usize::from(number)].mishap {
            Mishap::Slow { whose, .. } => self.each_machine(whose, |cores| {
                cores.slow_percent = 100;
            }),
            Mishap::Hog { whose, processes } => {
                self.each_machine(whose, |cores| {
                    cores.hogs = cores.hogs.saturating_sub(processes);
                });
            }
            Mishap::Stall { whose } => self.wake(whose),
            Mishap::EdgeKilled { edge } => self.start_edge(edge),
            Mishap::ShardKilled { shard } => self.start_shard(shard),
            Mishap::Backend { .. } => self.backend = self.scenario.capacity.backend,
        }
    }

    fn machines(&self, whose: Whose) -> std::ops::Range<u16> {
        let of = |machine: u16| machine..machine + 1;
        match whose {
            Whose::All => 0..u16::try_from(self.cores.len()).unwrap_or(u16::MAX),
            Whose::Edge(edge) => of(self.edge_machine(edge)),
            Whose::Shard(shard) => of(self.shard_machine(shard)),
        }
    }

    fn each_machine(&mut self, whose: Whose, change: impl Fn(&mut super::cores::Cores)) {
        for machine in self.machines(whose) {
            change(&mut self.cores[usize::from(machine)]);
        }
    }

    /// What had begun before a stall ends now.
    fn wake(&mut self, whose: Whose) {
        for machine in self.machines(whose) {
            let cores = &mut self.cores[usize::from(machine)];
            cores.stalled = false;
            for core in std::mem::take(&mut cores.late) {
                self.after(0, Event::CoreFree(machine, core));
            }
            self.keep_busy(machine);
        }
    }

    fn kill_edge(&mut self, number: u16) {
        self.edges[usize::from(number)].alive = false;
        self.break_connections(|client| client.edge == number);
    }

    fn start_edge(&mut self, number: u16) {
        let edge = &self.edges[usize::from(number)];
        if edge.alive {
            return;
        }
        let boot = edge.boot + 1;
        if let Ok(edge) = Edge::new(self.scenario, number, boot) {
            self.edges[usize::from(number)] = edge;
            self.watch.forgets(number);
            self.publish(usize::from(number));
        }
    }

    /// Sessions end with their shard, and edges close their clients.
    fn kill_shard(&mut self, number: u16) {
        self.shards[usize::from(number)].alive = false;
        for edge in 0..self.edges.len() {
            let now = duration(self.now);
            if self.edges[edge].alive
                && self.edges[edge]
                    .admission
                    .shard_lost(u32::from(number), now)
            {
                self.publish(edge);
            }
        }
        self.break_connections(|client| client.shard == number && client.connected);
    }

    fn start_shard(&mut self, number: u16) {
        let shard = &self.shards[usize::from(number)];
        if shard.alive {
            return;
        }
        let boot = shard.boot + 1;
        self.shards[usize::from(number)] = Shard::new(self.scenario, number, boot);
    }

    fn break_connections(&mut self, whose: impl Fn(&super::client::Client) -> bool) {
        for client in (0_u32..).zip(0..self.clients.len()) {
            let (client, at) = client;
            let number = self.clients[at].served;
            if number != 0 && whose(&self.clients[at]) {
                let attempt = Try { client, number };
                self.forget(attempt);
                self.ended(attempt);
            }
        }
    }
}
