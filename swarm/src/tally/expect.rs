//! What a scenario expects of the way back, and whether it was so.

use super::Report;

/// The most that is allowed; `None`: anything.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Expectations {
    /// From the restart until all are back.
    pub(crate) seconds: Option<f64>,
    pub(crate) wasted_handshakes_per_gateway: Option<f64>,
    /// Of gateways that were back.
    pub(crate) drops: Option<u32>,
    /// The probe's p99 on the way back, as a multiple of its p99 before.
    pub(crate) probe_p99_over_idle: Option<f64>,
    /// The same in milliseconds; the greater of the two is allowed.
    pub(crate) probe_p99_milliseconds: Option<f64>,
}

impl Expectations {
    pub(crate) fn needs_probe(&self) -> bool {
        self.probe_p99_over_idle.is_some() || self.probe_p99_milliseconds.is_some()
    }

    /// A line for each that was exceeded.
    pub(crate) fn unmet(&self, report: &Report) -> Vec<String> {
        let mut unmet = Vec::new();
        let mut check = |name: &str, found: Option<f64>, most: Option<f64>| {
            let Some(most) = most else { return };
            match found {
                Some(found) if found <= most => {}
                Some(found) => {
                    unmet.push(format!(
                        "expect.{name}: {found:.3} found, {most:.3} allowed"
                    ));
                }
                None => unmet.push(format!("expect.{name}: nothing found, {most:.3} allowed")),
            }
        };
        check("seconds", report.seconds, self.seconds);
        check(
            "wastedHandshakesPerGateway",
            Some(report.wasted_handshakes_per_gateway),
            self.wasted_handshakes_per_gateway,
        );
        check(
            "drops",
            Some(count(report.counts.drops)),
            self.drops.map(f64::from),
        );
        let probe = report.probe.as_ref();
        let idle = probe.and_then(|probe| probe.idle.p99_ms);
        check(
            "probeP99",
            probe.and_then(|probe| probe.ramp.p99_ms),
            self.probe_p99(idle),
        );
        unmet
    }

    /// Milliseconds that the probe's p99 may take; without an idle one the multiple says nothing.
    fn probe_p99(&self, idle: Option<f64>) -> Option<f64> {
        let of_idle = self
            .probe_p99_over_idle
            .zip(idle)
            .map(|(times, idle)| times * idle);
        [of_idle, self.probe_p99_milliseconds]
            .into_iter()
            .flatten()
            .reduce(f64::max)
            .or(self.probe_p99_over_idle.map(|_| 0.0))
    }
}

#[allow(clippy::cast_precision_loss)] // a count of drops
fn count(count: u64) -> f64 {
    count as f64
}
