//! What the fleet did, counted since the last beginning: the swarm's start, or the restart of the server.

mod counts;
mod expect;
mod report;
#[cfg(test)]
mod tests;
mod text;

use std::time::Duration;

pub(crate) use counts::Counts;
pub(crate) use expect::Expectations;
pub(crate) use report::{BringUpReport, Heading, Report, Verdict};
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
    /// Never settles, and nobody waits for it.
    flaps: bool,
    /// Certificates whose handshake was completed since the first one was last tried: one bit each.
    completed: u32,
}

/// Gateways of one range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Members {
    pub(crate) gateways: u32,
    pub(crate) flap: bool,
}

impl From<u32> for Members {
    fn from(gateways: u32) -> Self {
        Self {
            gateways,
            flap: false,
        }
    }
}

/// Counts and times of a fleet.
#[derive(Debug)]
pub(crate) struct Tally {
    began: Duration,
    /// The next drop is the restart: the tally begins with it.
    armed: bool,
    records: Vec<Record>,
    /// Those that settle.
    gateways: u32,
    settled: u32,
    fallen: u32,
    counts: Counts,
    /// Of `counts.handshakes`, those of gateways that never settle.
    flapping_handshakes: u64,
    /// Gateways that came back in each second since the beginning.
    per_second: Vec<u32>,
}

impl Tally {
    /// `ranges[i]` gateways belong to range i; they are numbered in that order.
    pub(crate) fn new(ranges: impl IntoIterator<Item = impl Into<Members>>, now: Duration) -> Self {
        let mut records = Vec::new();
        for (range, members) in (0_u16..).zip(ranges) {
            let Members { gateways, flap } = members.into();
            records.extend((0..gateways).map(|_| Record {
                range,
                flaps: flap,
                ..Record::default()
            }));
        }
        let settling = records.iter().filter(|record| !record.flaps).count();
        Self {
            gateways: u32::try_from(settling).unwrap_or(u32::MAX),
            began: now,
            armed: false,
            records,
            settled: 0,
            fallen: 0,
            counts: Counts::default(),
            flapping_handshakes: 0,
            per_second: Vec::new(),
        }
    }

    /// Everything is counted from here; who is connected stays connected.
    pub(crate) fn begin(&mut self, now: Duration) {
        self.began = now;
        self.armed = false;
        self.fallen = 0;
        self.counts = Counts::default();
        self.flapping_handshakes = 0;
        self.per_second.clear();
        for record in &mut self.records {
            *record = Record {
                range: record.range,
                settled: record.settled,
                flaps: record.flaps,
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
        if record.flaps && matches!(milestone, Milestone::Handshake { .. }) {
            self.flapping_handshakes += 1;
        }
        match milestone {
            Milestone::Attempt { certificate: 0 } => record.completed = 0,
            Milestone::Handshake { certificate } => {
                record.completed |= 1 << u32::from(certificate).min(u32::BITS - 1);
            }
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

    /// Gateways that are to settle.
    pub(crate) fn gateways(&self) -> u32 {
        self.gateways
    }

    /// Handshakes that brought nobody back: all but the last way through the certificates of each gateway that is back.
    /// Those that never settle have none to waste.
    pub(crate) fn wasted_handshakes(&self) -> u64 {
        let useful: u64 = self
            .records
            .iter()
            .filter(|record| record.settled && record.back.is_some())
            .map(|record| u64::from(record.completed.count_ones()))
            .sum();
        (self.counts.handshakes - self.flapping_handshakes).saturating_sub(useful)
    }

    /// When the last one came back, since the beginning.
    pub(crate) fn last_back(&self) -> Duration {
        let times = self.records.iter().filter_map(|record| record.back);
        times.max().unwrap_or_default()
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
