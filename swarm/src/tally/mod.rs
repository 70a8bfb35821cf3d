//! What the fleet did, counted since the last beginning: the swarm's start, or the restart of the server.

mod counts;
mod report;
#[cfg(test)]
mod tests;
mod text;

use std::time::Duration;

pub(crate) use counts::Counts;
pub(crate) use report::{Heading, Report, Verdict};
pub(crate) use text::render;

use crate::gateway::Milestone;

/// One gateway as the tally sees it.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    range: u16,
    settled: bool,
    /// Lost its connection since the beginning, at least once.
    fell: bool,
    /// Came back since the beginning: how long after it, the last time.
    back: Option<Duration>,
}

/// Counts and times of a fleet.
#[derive(Debug)]
pub(crate) struct Tally {
    began: Duration,
    /// The next drop is the restart: the tally begins with it.
    armed: bool,
    records: Vec<Record>,
    settled: u32,
    fallen: u32,
    counts: Counts,
    /// Gateways that came back in each second since the beginning.
    per_second: Vec<u32>,
}

impl Tally {
    /// `ranges[i]` gateways belong to range i; they are numbered in that order.
    pub(crate) fn new(ranges: impl IntoIterator<Item = u32>, now: Duration) -> Self {
        let mut records = Vec::new();
        for (range, gateways) in (0_u16..).zip(ranges) {
            records.extend((0..gateways).map(|_| Record {
                range,
                ..Record::default()
            }));
        }
        Self {
            began: now,
            armed: false,
            records,
            settled: 0,
            fallen: 0,
            counts: Counts::default(),
            per_second: Vec::new(),
        }
    }

    /// Everything is counted from here; who is connected stays connected.
    pub(crate) fn begin(&mut self, now: Duration) {
        self.began = now;
        self.armed = false;
        self.fallen = 0;
        self.counts = Counts::default();
        self.per_second.clear();
        for record in &mut self.records {
            *record = Record {
                range: record.range,
                settled: record.settled,
                ..Record::default()
            };
        }
    }

    /// As `begin`, but the beginning moves to the first drop.
    pub(crate) fn begin_at_first_drop(&mut self, now: Duration) {
        self.begin(now);
        self.armed = true;
    }

    pub(crate) fn mark(&mut self, now: Duration, gateway: u32, milestone: Milestone) {
        if self.armed && matches!(milestone, Milestone::Dropped(_)) {
            self.begin(now);
        }
        let since = now.saturating_sub(self.began);
        let Some(record) = self.records.get_mut(gateway as usize) else {
            return;
        };
        // the restart itself is no drop of somebody who had come back
        let by_restart = matches!(milestone, Milestone::Dropped(_)) && record.back.is_none();
        if !by_restart {
            self.counts.add(milestone);
        }
        match milestone {
            Milestone::Back => {
                record.settled = true;
                record.back = Some(since);
                self.settled += 1;
                let second = usize::try_from(since.as_secs()).unwrap_or(usize::MAX);
                if self.per_second.len() <= second {
                    self.per_second.resize(second + 1, 0);
                }
                self.per_second[second] += 1;
            }
            Milestone::Dropped(_) => {
                record.settled = false;
                record.back = None;
                self.settled -= 1;
                self.fallen += u32::from(!record.fell);
                record.fell = true;
            }
            _ => {}
        }
    }

    pub(crate) fn began(&self) -> Duration {
        self.began
    }

    pub(crate) fn gateways(&self) -> u32 {
        u32::try_from(self.records.len()).unwrap_or(u32::MAX)
    }

    /// Gateways that are connected and proven.
    pub(crate) fn settled(&self) -> u32 {
        self.settled
    }

    /// Gateways that lost their connection since the beginning.
    pub(crate) fn fallen(&self) -> u32 {
        self.fallen
    }

    pub(crate) fn all_settled(&self) -> bool {
        self.settled == self.gateways()
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Settled gateways of each of `ranges` ranges.
    pub(crate) fn settled_by_range(&self, ranges: usize) -> Vec<u32> {
        let mut settled = vec![0; ranges];
        for record in self.records.iter().filter(|record| record.settled) {
            settled[usize::from(record.range)] += 1;
        }
        settled
    }
}
