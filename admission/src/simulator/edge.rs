//! One edge: the library's admission, or a rival's; held sockets, places, the backend's queue.

use std::collections::VecDeque;
use std::time::Duration;

use super::backend::Asking;
use super::client::{Client, Try};
use super::cores::Work;
use super::moment::{Moment, duration};
use super::scenario::{Law, Scenario};
use crate::attaches::Attaches;
use crate::edge::{EdgeAdmission, EdgeCounts, EdgeSettings, EdgeView, Mode};
use crate::hold::Hold;
use crate::places::{Place, Places};
use crate::report::EdgeId;
use crate::slicing::SlicingErrors;
use crate::times::Times;
use crate::tuning::Tuning;
use crate::waits::Waits;

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
    /// Before TLS, by address.
    pub(super) hold: Hold<Try>,
    /// After CONNECT, by client id.
    pub(super) clients: Hold<Try>,
    /// Who of the two is served first, in turn.
    clients_first: bool,
    /// Since the last tick.
    pub(super) waits: Waits,
    pub(super) attaches: Attaches,
    /// Clients that wait until their shard may be asked, by shard.
    pub(super) to_attach: Vec<VecDeque<Try>>,
    /// In the order of their entering, with some that are done.
    entering: VecDeque<(Moment, Try)>,
    /// Waits for a core since the last tick, under a law that looks at them.
    core_waits: Option<Times>,
    pub(super) aimd: u32,
    pub(super) asking: Asking,
}

/// Who waits no longer.
#[derive(Debug, Default)]
pub(super) struct Swept {
    pub(super) reset: Vec<Try>,
    pub(super) busy: Vec<Try>,
    /// Whether it has said CONNECT is last.
    pub(super) promoted: Vec<(Try, Place, bool)>,
}

impl Edge {
    pub(super) fn new(scenario: &Scenario, number: u16, boot: u64) -> Result<Self, SlicingErrors> {
        let plan = scenario.plan()?;
        let patience = scenario.first_patience();
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
            learns_patience: scenario.capacity.learns_patience,
            tuning: Tuning::default(),
        });
        let budget = |sockets| usize::try_from(sockets).unwrap_or(usize::MAX);
        let (sockets, clients) = (
            budget(scenario.capacity.hold_budget),
            budget(scenario.capacity.client_hold_budget),
        );
        let seed = scenario.hash("hold", u32::from(number)).wrapping_add(boot);
        let hold = Hold::new(patience, sockets, seed);
        let hold = if scenario.capacity.learns_patience {
            hold.sampling(&Tuning::default())
        } else {
            hold
        };
        Ok(Self {
            alive: true,
            boot,
            view: admission.view(),
            admission,
            places: Places::default(),
            limit: 0,
            hold,
            clients: Hold::new(patience, clients, seed).for_the_whole_patience(),
            clients_first: false,
            waits: Waits::default(),
            attaches: Attaches::new(usize::from(scenario.capacity.shards)),
            to_attach: vec![VecDeque::new(); usize::from(scenario.capacity.shards)],
            entering: VecDeque::new(),
            core_waits: matches!(scenario.law, Law::Aimd(_)).then(Times::default),
            aimd: AIMD_FIRST,
            asking: Asking::default(),
            arrived: 0,
        })
    }

    pub(super) fn admits(&self, slice: u32) -> bool {
        self.view.admits(slice)
    }

    /// `None`: its slice is closed, or its class has no place.
    pub(super) fn try_take(&self, slice: u32, is_last: bool) -> Option<Place> {
        if !self.admits(slice) {
            None
        } else if is_last {
            self.places.try_take_last()
        } else {
            self.places.try_take()
        }
    }

    /// Clients waiting in open slices.
    pub(super) fn door(&self) -> u32 {
        self.hold.door() + self.clients.door()
    }

    /// Clients waiting in closed slices.
    pub(super) fn held(&self) -> u32 {
        self.hold.held() + self.clients.held()
    }

    /// Those of both holds whose time is up: reset, and told to come again; and those who have a place now.
    pub(super) fn sweep(&mut self, usual: Duration, now: Duration) -> Swept {
        let mut swept = Swept::default();
        self.clients_first = !self.clients_first;
        for clients in [self.clients_first, !self.clients_first] {
            let (hold, expired) = if clients {
                (&mut self.clients, &mut swept.busy)
            } else {
                (&mut self.hold, &mut swept.reset)
            };
            expired.extend(hold.expire(usual, now));
            let promoted = hold.promote(&self.places, usual, now);
            let promoted = promoted.into_iter();
            swept
                .promoted
                .extend(promoted.map(|(attempt, place)| (attempt, place, clients)));
        }
        swept
    }

    pub(super) fn entered(&mut self, attempt: Try, now: Moment) {
        self.entering.push_back((now, attempt));
    }

    pub(super) fn waited(&mut self, work: Work, wait: Duration) {
        if let Some(waits) = &mut self.core_waits
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
        // the rivals know no classes
        self.places.set_last_limit(limit);
    }

    /// A rival's law, once in a while.
    pub(super) fn adjust_aimd(&mut self, most: Duration) {
        let waits = self
            .core_waits
            .replace(Times::default())
            .unwrap_or_default();
        let Some(p95) = waits.percentile(95) else {
            return;
        };
        if p95 > most {
            self.aimd = (self.aimd / 2).max(AIMD_LEAST);
        } else if self.places.used() * 10 >= self.aimd * 7 {
            self.aimd += AIMD_STEP;
        }
    }

    /// Notes who waits for which shard for how long.
    pub(super) fn counts(&mut self, clients: &[Client], now: Moment) -> EdgeCounts {
        let mut oldest = None;
        let waits = &mut self.waits;
        self.entering.retain(|(entered, attempt)| {
            let client = &clients[attempt.client as usize];
            if client.served != attempt.number || client.connected {
                return false;
            }
            let waited = Some(duration(now - *entered));
            if client.asks_since.is_some() {
                let shard = waits.of(client.shard.into());
                shard.oldest = shard.oldest.max(waited);
            } else {
                oldest = oldest.max(waited);
            }
            true
        });
        for shard in (0..).take(self.to_attach.len()) {
            let asked = self.attaches.take_asked(shard);
            if asked > 0 {
                self.waits.of(shard).asked += asked;
            }
        }
        EdgeCounts {
            arrivals: std::mem::take(&mut self.arrived),
            entering_peak: self.places.take_peak(),
            oldest_entering: oldest,
            ..self.counts_now()
        }
    }

    /// Clients that have waited for their shard for longer than `most`.
    pub(super) fn wait_longer<'a>(
        &'a self,
        clients: &'a [Client],
        most: Duration,
        now: Moment,
    ) -> impl Iterator<Item = Try> + 'a {
        let all = self.entering.iter().map(|(_, attempt)| *attempt);
        all.filter(move |attempt| {
            let client = &clients[attempt.client as usize];
            let is_entering = client.served == attempt.number && !client.connected;
            let asks_since = client.asks_since.filter(|_| is_entering);
            asks_since.is_some_and(|since| duration(now - since) > most)
        })
    }

    /// What a report needs.
    pub(super) fn counts_now(&self) -> EdgeCounts {
        EdgeCounts {
            door: self.door(),
            held: self.held(),
            entering: self.places.used(),
            lowest_held: [&self.hold, &self.clients]
                .into_iter()
                .filter_map(Hold::lowest_held)
                .min(),
            ..EdgeCounts::default()
        }
    }
}

/// Of `total`, the part of one of so many edges.
pub(super) fn share(total: u32, number: u16, edges: u16) -> u32 {
    let (number, edges) = (u32::from(number), u32::from(edges).max(1));
    total / edges + u32::from(number < total % edges)
}
