//! Edges and shards that hear each other over links which a test may cut, in steps of a tick.

mod backend;
mod numbers;
mod own_health;
mod ramp;
mod random;
mod shards;
mod steered;
mod tables;

use std::time::Duration;

use crate::edge::{EdgeAdmission, EdgeCounts, EdgeSettings, EdgeView, Mode, TICK};
use crate::report::{
    EdgeId, EdgeReport, ReopeningNumber, ShardBoot, ShardReport, Steering, Trigger, Verdict,
};
use crate::shard::{ShardAdmission, ShardCounts};
use crate::slicing::{PrefixLengths, SlicePlan, Slicing};
use crate::tuning::{HearingTuning, Tuning};
use crate::waits::Waits;

/// One edge process, or none while it is down.
struct Edge {
    running: Option<EdgeAdmission>,
    mode: Mode,
    cap: Option<u32>,
    counts: EdgeCounts,
    waits: Waits,
}

/// One shard process, or none while it is down.
struct Shard {
    running: Option<ShardAdmission>,
    boots: u64,
    feels: ShardCounts,
    /// Its process stands still.
    stopped: bool,
}

struct Cluster {
    now: Duration,
    edges: Vec<Edge>,
    shards: Vec<Shard>,
    /// Edge and shard between which no link is up.
    cut: Vec<(usize, usize)>,
    /// Whether edges hear shards before shards hear edges, as on a link that has just come up.
    edges_hear_first: bool,
}

/// A crowd that does not shrink: the level stands still.
const CROWD: EdgeCounts = EdgeCounts {
    door: 10_000,
    held: 10_000,
    entering: 64,
    entering_peak: 64,
    oldest_entering: None,
    arrivals: 0,
    lowest_held: Some(0),
};
/// Somebody is held, and the door is empty: the level moves.
const KNOCK: EdgeCounts = EdgeCounts {
    door: 0,
    held: 1,
    entering: 0,
    entering_peak: 0,
    oldest_entering: None,
    arrivals: 0,
    lowest_held: Some(0),
};
/// Nobody anywhere.
const NOBODY: EdgeCounts = EdgeCounts {
    door: 0,
    held: 0,
    entering: 0,
    entering_peak: 0,
    oldest_entering: None,
    arrivals: 0,
    lowest_held: None,
};

impl Cluster {
    /// All down.
    fn new(edges: usize, shards: usize) -> Self {
        let edge = || Edge {
            running: None,
            mode: Mode::Staged,
            cap: None,
            counts: KNOCK,
            waits: Waits::default(),
        };
        let shard = || Shard {
            running: None,
            boots: 0,
            feels: ShardCounts::default(),
            stopped: false,
        };
        Self {
            now: Duration::ZERO,
            edges: (0..edges).map(|_| edge()).collect(),
            shards: (0..shards).map(|_| shard()).collect(),
            cut: Vec::new(),
            edges_hear_first: false,
        }
    }

    /// All started at once.
    fn started(edges: usize, shards: usize) -> Self {
        let mut cluster = Self::new(edges, shards);
        (0..shards).for_each(|shard| cluster.start_shard(shard));
        (0..edges).for_each(|edge| cluster.start_edge(edge));
        cluster
    }

    /// All started, and everything open.
    fn open(edges: usize, shards: usize) -> Self {
        let mut cluster = Self::started(edges, shards);
        cluster.run(20_000);
        assert!((0..edges).all(|edge| cluster.level(edge) == 256));
        cluster.crowd(CROWD);
        cluster
    }

    fn start_edge(&mut self, edge: usize) {
        let plan = SlicePlan::new(256, &Slicing::PrefixHash(PrefixLengths::default())).unwrap();
        let settings = EdgeSettings {
            edge: id(edge),
            mode: self.edges[edge].mode,
            cluster: "herd".to_owned(),
            plan,
            patience: Duration::from_secs(5),
            entering_cap: self.edges[edge].cap,
            learns_patience: true,
            tuning: Tuning {
                first_entering: 64,
                ..Tuning::default()
            },
        };
        self.edges[edge].running = Some(EdgeAdmission::new(settings));
    }

    fn stop_edge(&mut self, edge: usize) {
        self.edges[edge].running = None;
    }

    fn start_shard(&mut self, shard: usize) {
        self.stop_shard(shard);
        self.shards[shard].boots += 1;
        let boot_epoch = self.shards[shard].boots;
        self.shards[shard].running = Some(ShardAdmission::new(
            u32::try_from(shard).unwrap(),
            boot_epoch,
            HearingTuning::default(),
        ));
    }

    /// Its links break.
    fn stop_shard(&mut self, shard: usize) {
        self.shards[shard].running = None;
        for edge in self
            .edges
            .iter_mut()
            .filter_map(|edge| edge.running.as_mut())
        {
            edge.shard_lost(u32::try_from(shard).unwrap(), self.now);
        }
    }

    fn crowd(&mut self, counts: EdgeCounts) {
        self.edges.iter_mut().for_each(|edge| edge.counts = counts);
    }

    fn feel(&mut self, shard: usize, verdict: Verdict, signal: &str) {
        self.shards[shard].feels = ShardCounts {
            verdict,
            signal: Some(signal.to_owned()),
            ..ShardCounts::default()
        };
    }

    fn run(&mut self, millis: u128) {
        let until = self.now.as_millis() + millis;
        while self.now.as_millis() < until {
            self.step();
        }
    }

    fn step(&mut self) {
        self.now += TICK;
        if self.edges_hear_first {
            self.tell_edges();
            self.tell_shards();
        } else {
            self.tell_shards();
            self.tell_edges();
        }
        for edge in &mut self.edges {
            let waits = std::mem::take(&mut edge.waits);
            if let Some(running) = &mut edge.running {
                running.tick(edge.counts, &waits, self.now);
            }
        }
    }

    fn linked(&self, edge: usize, shard: usize) -> bool {
        !self.cut.contains(&(edge, shard)) && !self.shards[shard].stopped
    }

    fn tell_shards(&mut self) {
        for (edge, shard) in self.pairs() {
            let report = self.edges[edge]
                .running
                .as_ref()
                .map(|e| e.report(self.edges[edge].counts));
            if let (Some(report), Some(running)) = (report, &mut self.shards[shard].running) {
                running.hear(report, self.now);
            }
        }
    }

    fn tell_edges(&mut self) {
        for (edge, shard) in self.pairs() {
            let feels = self.shards[shard].feels.clone();
            let report = self.shards[shard]
                .running
                .as_mut()
                .map(|s| s.report(feels, self.now));
            if let (Some(report), Some(running)) = (report, &mut self.edges[edge].running) {
                running.hear(report, self.now);
            }
        }
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let all = (0..self.edges.len())
            .flat_map(|edge| (0..self.shards.len()).map(move |shard| (edge, shard)));
        all.filter(|(edge, shard)| self.linked(*edge, *shard))
            .collect()
    }

    fn view(&self, edge: usize) -> EdgeView {
        self.edges[edge].running.as_ref().unwrap().view()
    }

    fn level(&self, edge: usize) -> u32 {
        self.view(edge).level
    }

    fn number(&self, edge: usize) -> u64 {
        self.view(edge).reopening.0
    }

    fn shard_number(&self, shard: usize) -> u64 {
        self.shards[shard].running.as_ref().unwrap().reopening().0
    }

    /// All that run agree on number, level and slices.
    fn agrees(&self) -> bool {
        let views: Vec<_> = self
            .edges
            .iter()
            .filter_map(|edge| edge.running.as_ref())
            .map(EdgeAdmission::view)
            .collect();
        let seen = |view: &EdgeView| (view.reopening, view.level, view.table.table_hash());
        views
            .windows(2)
            .all(|pair| seen(&pair[0]) == seen(&pair[1]))
            && self
                .shards
                .iter()
                .filter_map(|shard| shard.running.as_ref())
                .all(|shard| {
                    views.iter().all(|view| {
                        (view.reopening, view.level) == (shard.reopening(), shard.level())
                    })
                })
    }
}

fn id(edge: usize) -> EdgeId {
    EdgeId(format!("edge-{edge}"))
}
