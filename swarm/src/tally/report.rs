//! The figures of a run, as JSON says them.

use std::time::Duration;

use serde::Serialize;

use super::{Counts, Expectations, Record, Tally};
use crate::meter::Load;
use crate::outside::{CloudReport, ProbeReport};
use crate::timeline::Timeline;

/// One measured passage: from the beginning of the tally until all were settled, or until the run gave up.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) scenario: String,
    pub(crate) target: String,
    pub(crate) gateways: u32,
    /// Settled at the end and since the beginning: lost, and came back.
    pub(crate) back: u32,
    /// Never lost their connection.
    pub(crate) kept: u32,
    /// From the beginning until the last one was back; absent when somebody is not.
    pub(crate) seconds: Option<f64>,
    pub(crate) counts: Counts,
    pub(crate) handshakes_per_gateway: f64,
    /// Handshakes that brought nobody back, for each gateway.
    pub(crate) wasted_handshakes_per_gateway: f64,
    /// How the fleet came up before the restart.
    pub(crate) bring_up: Option<BringUpReport>,
    pub(crate) probe: Option<ProbeReport>,
    pub(crate) cloud: Option<CloudReport>,
    pub(crate) settle: Option<SettleReport>,
    pub(crate) settled_per_second: Vec<u32>,
    pub(crate) ranges: Vec<RangeReport>,
    pub(crate) load: Load,
    pub(crate) timeline: Timeline,
    pub(crate) verdict: Verdict,
    /// Expectations of the scenario that were not met, a line each.
    pub(crate) unmet: Vec<String>,
}

/// The first way up, so many at a time: what the same work takes without a herd.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BringUpReport {
    pub(crate) concurrent: u32,
    pub(crate) seconds: f64,
    pub(crate) handshakes: u64,
}

/// Whether the figures may be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub(crate) enum Verdict {
    Valid,
    /// The swarm itself was the bottleneck.
    Void {
        reasons: Vec<String>,
    },
}

/// Seconds from the beginning until gateways were back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct SettleReport {
    pub(crate) first: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct RangeReport {
    pub(crate) name: String,
    pub(crate) gateways: u32,
    pub(crate) settled: u32,
    pub(crate) settle: Option<SettleReport>,
}

impl Report {
    /// Above a picture of it.
    pub(crate) fn title(&self) -> String {
        let (scenario, gateways) = (&self.scenario, self.gateways);
        match self.seconds {
            Some(seconds) => format!("{scenario}: {gateways} gateways back in {seconds:.1} s"),
            None => format!(
                "{scenario}: {} of {gateways} gateways back",
                self.back + self.kept
            ),
        }
    }

    pub(crate) fn is_void(&self) -> bool {
        self.verdict != Verdict::Valid
    }
}

/// What a report needs besides the tally.
pub(crate) struct Heading<'a> {
    pub(crate) scenario: &'a str,
    pub(crate) target: &'a str,
    pub(crate) ranges: Vec<&'a str>,
    pub(crate) load: Load,
    pub(crate) patience: Duration,
    pub(crate) bring_up: Option<BringUpReport>,
    pub(crate) probe: Option<ProbeReport>,
    pub(crate) cloud: Option<CloudReport>,
    pub(crate) timeline: Timeline,
    pub(crate) expectations: Expectations,
}

impl Tally {
    pub(crate) fn report(&self, heading: Heading<'_>) -> Report {
        let back = self
            .records
            .iter()
            .filter(|record| record.settled && record.back.is_some())
            .count();
        let back = u32::try_from(back).unwrap_or(u32::MAX);
        let settle = settle(&self.records);
        let mut report = Report {
            scenario: heading.scenario.into(),
            target: heading.target.into(),
            gateways: self.gateways(),
            back,
            kept: self.settled() - back,
            seconds: settle
                .filter(|_| self.all_settled())
                .map(|settle| settle.max),
            counts: self.counts.clone(),
            handshakes_per_gateway: ratio(self.counts.handshakes, self.gateways()),
            wasted_handshakes_per_gateway: ratio(self.wasted_handshakes(), self.gateways()),
            bring_up: heading.bring_up,
            probe: heading.probe,
            cloud: heading.cloud,
            settle,
            settled_per_second: self.per_second.clone(),
            ranges: self.range_reports(&heading.ranges),
            verdict: heading.load.judge(heading.patience),
            load: heading.load,
            timeline: heading.timeline,
            unmet: Vec::new(),
        };
        report.unmet = heading.expectations.unmet(&report);
        report
    }

    fn range_reports(&self, names: &[&str]) -> Vec<RangeReport> {
        let of_range = |range: usize| -> Vec<Record> {
            self.records
                .iter()
                .filter(|record| usize::from(record.range) == range)
                .copied()
                .collect()
        };
        names
            .iter()
            .enumerate()
            .map(|(range, name)| {
                let records = of_range(range);
                let settled = records.iter().filter(|record| record.settled).count();
                RangeReport {
                    name: (*name).into(),
                    gateways: u32::try_from(records.len()).unwrap_or(u32::MAX),
                    settled: u32::try_from(settled).unwrap_or(u32::MAX),
                    settle: settle(&records),
                }
            })
            .collect()
    }
}

fn settle(records: &[Record]) -> Option<SettleReport> {
    let mut times: Vec<_> = records.iter().filter_map(|record| record.back).collect();
    times.sort_unstable();
    Some(SettleReport {
        first: times.first()?.as_secs_f64(),
        p50: quantile(&times, 50)?.as_secs_f64(),
        p99: quantile(&times, 99)?.as_secs_f64(),
        max: times.last()?.as_secs_f64(),
    })
}

/// The smallest value that `percent` of the sorted values do not exceed.
fn quantile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[allow(clippy::cast_precision_loss)] // a ratio to two digits
fn ratio(part: u64, whole: u32) -> f64 {
    part as f64 / f64::from(whole.max(1))
}
