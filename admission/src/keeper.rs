//! A shard's keeping of census and tables: it sums up what edges count, cuts the next reopening's table in quiet times,
//! and knows which table the present one is cut by.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::bytes::{Reader, bad, put_bytes};
use crate::census::Census;
use crate::progress::{AddressTrust, ClientAddresses};
use crate::report::{EdgeId, ReopeningNumber};
use crate::slicing::{MOST_SPEC_BYTES, SlicePlan, SpecError, TableFor, TableSpec};
use crate::stored::Stored;
use crate::tuning::{HearingTuning, TrustTuning};

/// More edges than any cluster has; a peer that invents names cannot take more memory than so many counts.
const MOST_EDGES: usize = 1_024;
/// The name of an edge.
const MOST_NAME_BYTES: usize = 1_024;
/// Two tables' worth: a plan with its ranges and a count, and the table in force.
pub const MOST_REPORT_BYTES: usize = 2 * MOST_SPEC_BYTES + MOST_NAME_BYTES + 64;

/// How often edges count their clients for shards, and how long it must have been quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeeperSettings {
    pub count_every: Duration,
    /// All slices open and no other reopening for so long, and the count replaces the census.
    pub quiet: Duration,
    pub trust: TrustTuning,
    pub hearing: HearingTuning,
}

/// What an edge counts, in a `CENSUS` frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CensusReport {
    pub edge: EdgeId,
    pub reopening: ReopeningNumber,
    /// All slices are open.
    pub is_open: bool,
    /// The edge's plan with its clients as they are now.
    pub counted: TableSpec,
    /// What the edge's reopening is cut by, where it is not by the plan alone.
    pub table: Option<TableFor>,
}

/// What has changed in the keeper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Edges must hear of another table.
    pub table: bool,
    /// What is stored is another.
    pub stored: bool,
    /// It has been quiet for long enough: the count has replaced the census, if only with the same figures.
    pub counted: bool,
}

impl Default for KeeperSettings {
    /// A count a minute costs nothing, and ten quiet minutes are longer than any fleet takes to find its rest.
    fn default() -> Self {
        Self {
            count_every: Duration::from_mins(1),
            quiet: Duration::from_mins(10),
            trust: TrustTuning::default(),
            hearing: HearingTuning::default(),
        }
    }
}

#[derive(Debug)]
pub struct Keeper {
    settings: KeeperSettings,
    reports: BTreeMap<EdgeId, (Duration, CensusReport)>,
    reopening: ReopeningNumber,
    current: Option<TableFor>,
    next: Option<TableSpec>,
    trust: AddressTrust,
    quiet_since: Option<Duration>,
}

impl Keeper {
    /// `stored`: what the last start left.
    pub fn new(settings: KeeperSettings, stored: &Stored) -> Self {
        Self {
            settings,
            reports: BTreeMap::new(),
            reopening: stored.reopening,
            current: stored.current.clone(),
            next: stored.next.clone(),
            trust: stored.trust,
            quiet_since: None,
        }
    }

    /// An edge has counted its clients.
    pub fn hear(&mut self, report: CensusReport, now: Duration) -> Changed {
        let other = report
            .table
            .as_ref()
            .is_some_and(|table| TableFor::adopt(&mut self.current, table));
        if self.reports.len() < MOST_EDGES || self.reports.contains_key(&report.edge) {
            self.reports.insert(report.edge.clone(), (now, report));
        }
        Changed {
            table: other,
            stored: other,
            counted: false,
        }
    }

    /// After each report of an edge, and as often as this shard reports. `level`: the highest heard for `reopening`.
    pub fn think(&mut self, reopening: ReopeningNumber, level: u32, now: Duration) -> Changed {
        let mut changed = Changed::default();
        if reopening > self.reopening {
            // The census is frozen until it is quiet again.
            self.reopening = reopening;
            self.quiet_since = None;
            changed.stored = true;
        }
        changed.table = self.offer(level);
        changed.stored |= changed.table;
        let patience = self.settings.count_every * self.settings.hearing.counts_within;
        self.reports
            .retain(|_, (heard, _)| now.saturating_sub(*heard) <= patience);
        if self.is_quiet() {
            let since = *self.quiet_since.get_or_insert(now);
            if now.saturating_sub(since) >= self.settings.quiet {
                self.quiet_since = Some(now);
                changed.stored |= self.replace();
                changed.counted = true;
            }
        } else {
            self.quiet_since = None;
        }
        changed
    }

    /// What the present reopening is cut by; `None`: by the edges' plan alone.
    pub fn table(&self) -> Option<&TableFor> {
        self.current.as_ref()
    }

    /// By which the next one will be.
    pub fn next(&self) -> Option<&TableSpec> {
        self.next.as_ref()
    }

    /// What edges tell of clients' addresses, summed up.
    pub fn addresses(&self) -> ClientAddresses {
        let census = self.next.as_ref().map(TableSpec::census);
        let unknown = ClientAddresses {
            trust: self.trust,
            ..ClientAddresses::default()
        };
        census.map_or(unknown, |census| {
            ClientAddresses::of(self.trust, census, &self.settings.trust)
        })
    }

    /// The census is as it was when the present reopening began.
    pub fn is_frozen(&self) -> bool {
        self.quiet_since.is_none()
    }

    /// With `stored.limits` and `stored.taken` left as they are.
    pub fn store(&self, stored: &mut Stored) {
        stored.reopening = self.reopening;
        stored.current.clone_from(&self.current);
        stored.next.clone_from(&self.next);
        stored.trust = self.trust;
    }

    /// The next table becomes the present one when a reopening begins. One that has moved on goes on as it began: who
    /// joins it does not cut it anew.
    fn offer(&mut self, level: u32) -> bool {
        let has_table = self
            .current
            .as_ref()
            .is_some_and(|table| table.reopening >= self.reopening);
        if has_table || level > 0 || self.reopening == ReopeningNumber::default() {
            return false;
        }
        let Some(spec) = self.next.clone() else {
            return false;
        };
        self.current = Some(TableFor {
            reopening: self.reopening,
            spec,
        });
        true
    }

    fn is_quiet(&self) -> bool {
        let mut reports = self.reports.values().map(|(_, report)| report);
        !self.reports.is_empty()
            && reports.all(|report| report.is_open && report.reopening == self.reopening)
    }

    /// Of the edges heard, the one with the lowest id says how it is cut.
    fn replace(&mut self) -> bool {
        let counts = self
            .reports
            .values()
            .map(|(_, report)| report.counted.census());
        let census = Census::sum(counts.clone());
        let Some((_, (_, lowest))) = self.reports.first_key_value() else {
            return false;
        };
        // Nobody connected is no fleet to make ready for: the last one that was is.
        if census.is_empty() {
            return false;
        }
        self.trust = self.trust.judge(&census, &self.settings.trust);
        let plan: &SlicePlan = lowest.counted.plan();
        let next = plan.spec(census, self.trust.is_trusted());
        let other = self.next.as_ref() != Some(&next);
        self.next = Some(next);
        other
    }
}

impl CensusReport {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_bytes(&mut out, self.edge.0.as_bytes());
        out.extend(self.reopening.0.to_be_bytes());
        out.push(self.is_open.into());
        put_bytes(&mut out, &self.counted.encode());
        if let Some(table) = &self.table {
            put_bytes(&mut out, &table.encode());
        }
        out
    }

    /// Never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, SpecError> {
        if bytes.len() > MOST_REPORT_BYTES {
            return Err(SpecError::TooLarge { bytes: bytes.len() });
        }
        let mut reader = Reader::new(bytes);
        let edge = reader.text("edge")?;
        if edge.len() > MOST_NAME_BYTES {
            return Err(bad("edge", "its name is too long").into());
        }
        let number = reader.take(8, "reopening")?.iter();
        let number = number.fold(0, |all, byte| all << 8 | u64::from(*byte));
        let is_open = reader.flag("is open")?;
        let counted = TableSpec::decode(reader.bytes("count")?)?;
        let table = if reader.is_empty() {
            None
        } else {
            Some(TableFor::decode(reader.bytes("table")?)?)
        };
        reader.end()?;
        Ok(Self {
            edge: EdgeId(edge.to_owned()),
            reopening: ReopeningNumber(number),
            is_open,
            counted,
            table,
        })
    }
}
