//! What came of a run.

use std::time::Duration;

use super::moment::{Moment, duration};
use super::run::Run;
use super::watch::Seen;
use crate::edge::EdgeView;
use crate::times::Times;

/// No timeline has more points.
pub const MOST_POINTS: usize = 200;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Clients that can come back and stay.
    pub expected: u32,
    /// Of these, those that have all their SUBACKs at the end.
    pub back: u32,
    /// Until the last of them was back; `None`: somebody is missing.
    pub took: Option<Duration>,
    /// How long the run was.
    pub lasted: Duration,
    /// The time that the work alone takes.
    pub ideal: Duration,
    /// How long one client alone takes.
    pub alone: Duration,
    pub arrivals: u64,
    pub handshakes: u64,
    /// Tries that clients gave up.
    pub gave_up: u64,
    /// Sockets that were reset before TLS.
    pub resets: u64,
    /// Tries whose address did not tell, so that they were held after CONNECT; of these, those that were told to come
    /// again.
    pub by_client_id: u64,
    pub busy: u64,
    /// Logins that the authentication backend failed at.
    pub refused: u64,
    /// Clients that waited for a shard in vain.
    pub turned_away: u64,
    /// Clients that were back and fell out again.
    pub drops: u64,
    /// Of the times from being let in until CONNACK: median and 95th percentile.
    pub time_to_connack: (Duration, Duration),
    /// How patient the edges take the fleet to be at the end.
    pub patience: Duration,
    pub reopening: u64,
    pub level: u32,
    pub slices: u32,
    pub seen: Seen,
    pub timeline: Vec<Point>,
}

/// One moment of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub at: Duration,
    pub level: u32,
    /// Waiting in closed slices, and in open ones.
    pub held: u32,
    pub door: u32,
    pub entering: u32,
    pub entering_limit: u32,
    pub settling: u32,
    pub back: u32,
    pub arrivals: u64,
    pub handshakes: u64,
    pub limiting: String,
}

impl Outcome {
    /// Percent of the ideal time that it took; of the time it lasted, when somebody is missing.
    pub fn percent_of_ideal(&self) -> u64 {
        let took = self.took.unwrap_or(self.lasted).as_micros() * 100;
        u64::try_from(took.div_ceil(self.ideal.as_micros().max(1))).unwrap_or(u64::MAX)
    }

    /// Handshakes for 100 clients.
    pub fn handshakes_per_hundred(&self) -> u64 {
        (self.handshakes * 100).div_ceil(u64::from(self.expected).max(1))
    }

    pub fn is_complete(&self) -> bool {
        self.took.is_some()
    }
}

/// What is counted as it happens.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) back: u32,
    pub(super) last_back: Moment,
    pub(super) arrivals: u64,
    pub(super) handshakes: u64,
    pub(super) gave_up: u64,
    pub(super) resets: u64,
    pub(super) by_client_id: u64,
    pub(super) busy: u64,
    pub(super) refused: u64,
    pub(super) turned_away: u64,
    pub(super) drops: u64,
    pub(super) times: Times,
    points: Vec<Point>,
    /// Ticks from one point to the next, and since the last one.
    stride: u32,
    ticks: u32,
}

impl Run<'_> {
    /// One point more, if it is time; twice as far apart whenever there are too many.
    pub(super) fn sample(&mut self) {
        let stride = self.progress.stride.max(1);
        self.progress.ticks += 1;
        if self.progress.ticks < stride {
            return;
        }
        self.progress.ticks = 0;
        let point = self.point();
        let progress = &mut self.progress;
        progress.points.push(point);
        if progress.points.len() >= MOST_POINTS {
            let mut keep = false;
            progress.points.retain(|_| {
                keep = !keep;
                keep
            });
            progress.stride = stride * 2;
        }
    }

    fn point(&self) -> Point {
        let alive = || self.edges.iter().filter(|edge| edge.alive);
        let sum = |of: &dyn Fn(&super::edge::Edge) -> u32| {
            alive().map(of).fold(0_u32, u32::saturating_add)
        };
        let highest = alive()
            .map(|edge| &edge.view)
            .max_by_key(|view| (view.reopening, view.level));
        Point {
            at: duration(self.now),
            level: highest.map_or(0, |view| view.level),
            held: sum(&super::edge::Edge::held),
            door: sum(&super::edge::Edge::door),
            entering: sum(&|edge| edge.places.used()),
            entering_limit: sum(&|edge| edge.limit()),
            settling: self.shards.iter().map(|shard| shard.settling).sum(),
            back: self.progress.back,
            arrivals: self.progress.arrivals,
            handshakes: self.progress.handshakes,
            limiting: highest.map_or_else(String::new, |view| view.limiting.to_string()),
        }
    }

    pub(super) fn outcome(mut self) -> Outcome {
        let last = self.point();
        self.progress.points.push(last.clone());
        let view = self
            .edges
            .iter()
            .map(|edge| &edge.view)
            .max_by_key(|view| (view.reopening, view.level));
        let (scenario, progress) = (self.scenario, self.progress);
        let expected = scenario.expected();
        let percentile = |percent| progress.times.percentile(percent).unwrap_or_default();
        Outcome {
            expected,
            back: progress.back,
            took: (progress.back == expected).then(|| duration(progress.last_back)),
            lasted: duration(self.now),
            ideal: scenario.ideal(),
            alone: scenario.alone(),
            arrivals: progress.arrivals,
            handshakes: progress.handshakes,
            gave_up: progress.gave_up,
            resets: progress.resets,
            by_client_id: progress.by_client_id,
            busy: progress.busy,
            refused: progress.refused,
            turned_away: progress.turned_away,
            drops: progress.drops,
            time_to_connack: (percentile(50), percentile(95)),
            patience: view.map_or(Duration::ZERO, |view| view.patience),
            reopening: view.map_or(0, |view| view.reopening.0),
            level: last.level,
            slices: view.map_or(0, EdgeView::slices),
            seen: self.watch.seen,
            timeline: progress.points,
        }
    }
}
