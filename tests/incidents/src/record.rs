//! What one run came to; kept as a file, so that it need not be run again.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::incident::{Expect, Incident};
use crate::subject::Contender;

/// A probe's p99 that nobody minds.
const UNNOTICED_MS: f64 = 20.0;

/// Which run it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    pub(crate) incident: String,
    pub(crate) subject: Contender,
    pub(crate) gateways: u32,
}

impl Key {
    /// The run's folder.
    pub(crate) fn folder(&self, results: &Path) -> PathBuf {
        let run = format!("{}-{}", self.subject.name(), self.gateways);
        results.join(&self.incident).join(run.to_lowercase())
    }
}

/// The same work without a herd.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ideal {
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    #[serde(flatten)]
    pub(crate) key: Key,
    /// Gateways that are to settle.
    pub(crate) fleet: u32,
    pub(crate) back: u32,
    /// From the restart until all were back; absent when they were not.
    pub(crate) seconds: Option<f64>,
    /// Of all of the broker's processes, in that time or until the cap.
    pub(crate) cpu_seconds: f64,
    /// Of an open run of ours: its bring-up, 20 at a time.
    pub(crate) ideal: Option<Ideal>,
    pub(crate) wasted_handshakes_per_gateway: f64,
    pub(crate) drops: u64,
    /// Who was back when the broker crashed once more.
    pub(crate) crash_drops: u64,
    /// CONNACKs that called a right password wrong, or its gateway not authorized.
    #[serde(default)]
    pub(crate) called_wrong: u64,
    pub(crate) probe_idle_p99_ms: Option<f64>,
    pub(crate) probe_ramp_p99_ms: Option<f64>,
    /// The swarm was too slow: times are not to be quoted.
    pub(crate) void: bool,
    /// Of the machine, before the run.
    pub(crate) machine: String,
    #[serde(default)]
    pub(crate) cpu_over_ideal: Option<f64>,
    #[serde(default)]
    pub(crate) time_over_ideal: Option<f64>,
    #[serde(default)]
    pub(crate) unmet: Vec<String>,
}

impl Record {
    pub(crate) fn read(results: &Path, key: &Key) -> Option<Self> {
        let text = std::fs::read_to_string(key.folder(results).join("record.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Last, so that a record means a whole run.
    pub(crate) fn write(&self, results: &Path) -> anyhow::Result<()> {
        let path = self.key.folder(results).join("record.json");
        std::fs::write(&path, serde_json::to_string_pretty(self)?)
            .with_context(|| format!("failed to write {}", path.display()))
    }

    /// Fills in what the ideal makes of it, and of ours with the gate what is not as expected.
    pub(crate) fn judge(&mut self, incident: &Incident, ideal: Option<Ideal>) {
        self.cpu_over_ideal = ideal.map(|ideal| self.cpu_seconds / ideal.cpu_seconds);
        self.time_over_ideal = ideal
            .zip(self.seconds)
            .map(|(ideal, seconds)| seconds / ideal.seconds);
        self.unmet = if self.key.subject == Contender::Staged {
            self.unmet(&incident.expect)
        } else {
            Vec::new()
        };
    }

    fn unmet(&self, expect: &Expect) -> Vec<String> {
        let mut unmet = Vec::new();
        let mut check = |name: &str, found: Option<f64>, most: Option<f64>| {
            let Some(most) = most else { return };
            if found.is_none_or(|found| found > most) {
                let found = found.map_or("nothing".to_owned(), |found| format!("{found:.3}"));
                unmet.push(format!("{name}: {found} found, {most:.3} allowed"));
            }
        };
        check("away", Some(f64::from(self.fleet - self.back)), Some(0.0));
        check("cpuOverIdeal", self.cpu_over_ideal, expect.cpu_over_ideal);
        check(
            "timeOverIdeal",
            self.time_over_ideal,
            expect.time_over_ideal,
        );
        check(
            "wastedHandshakesPerGateway",
            Some(self.wasted_handshakes_per_gateway),
            expect.wasted_handshakes_per_gateway,
        );
        #[allow(clippy::cast_precision_loss)] // a count of what gateways do
        let number = |count: u64| count as f64;
        let own = self.drops.saturating_sub(self.crash_drops);
        check("drops", Some(number(own)), expect.drops.map(number));
        check("calledWrong", Some(number(self.called_wrong)), Some(0.0));
        let unmoved = self
            .probe_idle_p99_ms
            .map(|idle| (2.0 * idle).max(UNNOTICED_MS))
            .filter(|_| expect.probe_is_unmoved);
        check("probeP99", self.probe_ramp_p99_ms, unmoved);
        unmet
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::incident;

    pub(crate) fn record(subject: Contender) -> Record {
        Record {
            key: Key {
                incident: "founding".into(),
                subject,
                gateways: 7_000,
            },
            fleet: 7_000,
            back: 7_000,
            seconds: Some(90.0),
            cpu_seconds: 80.0,
            ideal: None,
            wasted_handshakes_per_gateway: 0.01,
            drops: 0,
            crash_drops: 0,
            called_wrong: 0,
            probe_idle_p99_ms: Some(1.0),
            probe_ramp_p99_ms: Some(19.0),
            void: false,
            machine: "here".into(),
            cpu_over_ideal: None,
            time_over_ideal: None,
            unmet: Vec::new(),
        }
    }

    #[test]
    fn what_is_not_as_expected_is_named() {
        let founding = &incident::chosen(&["founding".to_owned()]).unwrap()[0];
        let ideal = Some(Ideal {
            seconds: 80.0,
            cpu_seconds: 75.0,
        });
        let mut good = record(Contender::Staged);
        good.judge(founding, ideal);
        assert!(good.unmet.is_empty(), "{:?}", good.unmet);
        let mut bad = Record {
            back: 6_999,
            seconds: None,
            cpu_seconds: 100.0,
            wasted_handshakes_per_gateway: 0.06,
            drops: 3,
            crash_drops: 2,
            called_wrong: 1,
            probe_ramp_p99_ms: Some(21.0),
            ..record(Contender::Staged)
        };
        bad.judge(founding, ideal);
        let names: Vec<_> = bad
            .unmet
            .iter()
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(
            names,
            [
                "away",
                "cpuOverIdeal",
                "timeOverIdeal",
                "wastedHandshakesPerGateway",
                "drops",
                "calledWrong",
                "probeP99"
            ]
        );
        bad.key.subject = Contender::Open;
        bad.judge(founding, ideal);
        assert!(bad.unmet.is_empty(), "nothing is expected of it");
    }

    #[test]
    fn a_record_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let record = record(Contender::Peer);
        std::fs::create_dir_all(record.key.folder(folder.path())).unwrap();
        assert_eq!(Record::read(folder.path(), &record.key), None);
        record.write(folder.path()).unwrap();
        assert_eq!(Record::read(folder.path(), &record.key), Some(record));
    }
}
