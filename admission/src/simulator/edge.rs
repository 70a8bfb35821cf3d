//! One edge: the library's admission, or a rival's; held sockets, places, the backend's queue.

use std::collections::VecDeque;
use std::time::Duration;

use super::client::{Client, Try};
use super::cores::Work;
use super::moment::{Moment, duration};
use super::scenario::{Law, Scenario};
use crate::edge::{EdgeAdmission, EdgeCounts, EdgeSettings, EdgeView, Mode};
use crate::hold::Hold;
use crate::places::Places;
use crate::report::EdgeId;
use crate::slicing::{PrefixLengths, SlicePlan, Slicing, SlicingErrors};
use crate::times::Times;
use crate::tuning::Tuning;

/// What any fleet has, at least; a larger one gets a slice for so many clients.
const LEAST_SLICES: u32 = 256;
const CLIENTS_PER_SLICE: u32 = 32;
/// A rival's first limit, what it grows by each time, and what it never goes under.
const AIMD_FIRST: u32 = 64;
const AIMD_STEP: u32 = 8;
const AIMD_LEAST: u32 = 4;

pub(super) struct Edge {
    pub(super) alive: bool,
    pub(super) boot: u64,
    pub(super) admission: EdgeAdmission,
    pub(super) view: EdgeView,
    pub(super) places: Places,
    /// Since the last tick.
    pub(super) arrived: u32,
    limit: u32,
    pub(super) hold: Hold<Try>,
    /// Times to CONNACK since the last tick.
    pub(super) times: Times,
    /// In the order of their entering, with some that are done.
    entering: VecDeque<(Moment, Try)>,
    /// Waits for a core since the last tick, under a law that looks at them.
    waits: Option<Times>,
    pub(super) aimd: u32,
    /// Requests under way to the authentication backend, and logins that wait for one.
    pub(super) asking: u32,
    pub(super) to_ask: VecDeque<(Moment, Try)>,
}

impl Edge {
    pub(super) fn new(scenario: &Scenario, number: u16, boot: u64) -> Result<Self, SlicingErrors> {
        let per_slice = scenario.herd.clients / CLIENTS_PER_SLICE;
        let slices = per_slice
            .next_power_of_two()
            .clamp(LEAST_SLICES, crate::slicing::MAX_SLICES);
        let plan = SlicePlan::new(slices, &Slicing::PrefixHash(PrefixLengths::default()))?;
        let patience = scenario.herd.patience;
        let admission = EdgeAdmission::new(EdgeSettings {
            edge: EdgeId(format!("edge-{number:03}")),
            mode: if scenario.law == Law::Staged {
                Mode::Staged
            } else {
                Mode::Open
            },
            cluster: format!("herd-{}", scenario.seed),
            plan,
            patience,
            entering_cap: scenario.capacity.entering_cap,
            learns_patience: false,
            tuning: Tuning::default(),
        });
        let budget = usize::try_from(scenario.capacity.hold_budget).unwrap_or(usize::MAX);
        let seed = scenario.hash("hold", u32::from(number)).wrapping_add(boot);
        Ok(Self {
            alive: true,
            boot,
            view: admission.view(),
            admission,
            places: Places::default(),
            limit: 0,
            hold: Hold::new(patience, budget, seed),
            times: Times::default(),
            entering: VecDeque::new(),
            waits: matches!(scenario.law, Law::Aimd(_)).then(Times::default),
            aimd: AIMD_FIRST,
            asking: 0,
            arrived: 0,
            to_ask: VecDeque::new(),
        })
    }

    pub(super) fn admits(&self, slice: u32) -> bool {
        self.view.admits(slice)
    }

    pub(super) fn entered(&mut self, attempt: Try, now: Moment) {
        self.entering.push_back((now, attempt));
    }

    pub(super) fn waited(&mut self, work: Work, wait: Duration) {
        if let Some(waits) = &mut self.waits
            && work != Work::Settled
        {
            waits.record(wait);
        }
    }

    /// How many may be entering; of a rival: coming back.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    pub(super) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
        self.places.set_limit(limit);
    }

    /// A rival's law, once in a while.
    pub(super) fn adjust_aimd(&mut self, most: Duration) {
        let waits = self.waits.replace(Times::default()).unwrap_or_default();
        let Some(p95) = waits.percentile(95) else {
            return;
        };
        if p95 > most {
            self.aimd = (self.aimd / 2).max(AIMD_LEAST);
        } else if self.places.used() * 10 >= self.aimd * 7 {
            self.aimd += AIMD_STEP;
        }
    }

    pub(super) fn counts(&mut self, clients: &[Client], now: Moment) -> EdgeCounts {
        EdgeCounts {
            arrivals: std::mem::take(&mut self.arrived),
            entering_peak: self.places.take_peak(),
            oldest_entering: self
                .oldest_entering(clients)
                .map(|entered| duration(now - entered)),
            ..self.counts_now()
        }
    }

    /// What a report needs.
    pub(super) fn counts_now(&self) -> EdgeCounts {
        EdgeCounts {
            door: self.hold.door(),
            held: self.hold.held(),
            entering: self.places.used(),
            ..EdgeCounts::default()
        }
    }

    fn oldest_entering(&mut self, clients: &[Client]) -> Option<Moment> {
        loop {
            let (entered, attempt) = *self.entering.front()?;
            let client = &clients[attempt.client as usize];
            if client.served == attempt.number && !client.connected {
                return Some(entered);
            }
            self.entering.pop_front();
        }
    }
}

/// Of `total`, the part of one of so many edges.
pub(super) fn share(total: u32, number: u16, edges: u16) -> u32 {
    let (number, edges) = (u32::from(number), u32::from(edges).max(1));
    total / edges + u32::from(number < total % edges)
}
