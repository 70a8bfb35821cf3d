//! From what was measured to what the model is to assume.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use herdgate_admission::simulator::{Capacity, Problems, Scenario};
use serde::Deserialize;

/// Logins are looked for up to this.
const DEAREST_LOGIN: Duration = Duration::from_secs(1);
/// A run is no longer than a day.
const LONGEST: Duration = Duration::from_hours(24);
/// Halvings of the interval that the login's cost lies in: to the microsecond.
const HALVINGS: u32 = 20;

/// What is needed of a report of the swarm; the demo's report has it under `swarm`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measured {
    pub(crate) gateways: u32,
    pub(crate) seconds: Option<f64>,
    pub(crate) handshakes_per_gateway: f64,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Report {
    Demo { swarm: Measured },
    Swarm(Measured),
}

pub(crate) fn read(path: &Path) -> anyhow::Result<Measured> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    let report = serde_json::from_str(&text).with_context(|| {
        format!(
            "failed to find gateways, seconds and handshakesPerGateway in {}",
            path.display()
        )
    })?;
    let (Report::Demo { swarm: measured } | Report::Swarm(measured)) = report;
    Ok(measured)
}

/// The scenario with logins that cost as much as makes it take the time that was measured: whatever else costs time there
/// is given by the scenario, and the login has what is left.
pub(crate) fn fit(scenario: &Scenario, measured: &Measured) -> anyhow::Result<Scenario> {
    let seconds = measured
        .seconds
        .context("failed to calibrate: in that run not everybody came back")?;
    ensure!(
        seconds > 0.0 && seconds < LONGEST.as_secs_f64(),
        "failed to calibrate: the run took {seconds} s"
    );
    let wanted = Duration::from_secs_f64(seconds);
    let mut fitted = scenario.clone();
    fitted.herd.clients = measured.gateways;
    fitted.at_most = (wanted * 3).min(LONGEST);
    let (mut least, mut most) = (Duration::ZERO, DEAREST_LOGIN);
    for (cost, which) in [(least, "more"), (most, "less")] {
        let took = takes(&mut fitted, cost)?;
        let is_within = if cost == least {
            took <= wanted
        } else {
            took >= wanted
        };
        ensure!(
            is_within,
            "failed to calibrate: with logins of {cost:?} it takes {which} than the measured {seconds:.1} s"
        );
    }
    for _ in 0..HALVINGS {
        let middle = (least + most) / 2;
        if takes(&mut fitted, middle)? > wanted {
            most = middle;
        } else {
            least = middle;
        }
    }
    fitted.capacity.login = Duration::from_micros(u64::try_from(least.as_micros())?);
    Ok(Scenario {
        at_most: scenario.at_most,
        ..fitted
    })
}

/// A run that does not finish took all the time there was.
fn takes(scenario: &mut Scenario, login: Duration) -> Result<Duration, Problems> {
    scenario.capacity.login = login;
    let outcome = scenario.run()?;
    Ok(outcome.took.unwrap_or(outcome.lasted))
}

/// A capacity file.
pub(crate) fn capacity_file(scenario: &Scenario, source: &str) -> String {
    let mut file = format!("# Made by herdgate-simulator calibrate from {source}.\ncapacity:\n");
    // writing to a String cannot fail
    _ = write_capacity(&mut file, &scenario.capacity);
    file
}

fn write_capacity(file: &mut String, capacity: &Capacity) -> std::fmt::Result {
    let seconds = |time: Duration| time.as_secs_f64();
    writeln!(file, "  edges: {}", capacity.edges)?;
    writeln!(file, "  shards: {}", capacity.shards)?;
    writeln!(file, "  oneMachine: {}", capacity.one_machine)?;
    writeln!(file, "  edgeCores: {}", capacity.edge_cores)?;
    writeln!(file, "  shardCores: {}", capacity.shard_cores)?;
    writeln!(file, "  priorities: {}", capacity.priorities)?;
    writeln!(file, "  handshakeSeconds: {}", seconds(capacity.handshake))?;
    writeln!(file, "  loginSeconds: {}", seconds(capacity.login))?;
    writeln!(file, "  sessionSeconds: {}", seconds(capacity.session))?;
    writeln!(file, "  subscribeSeconds: {}", seconds(capacity.subscribe))?;
    writeln!(file, "  settleLimit: {}", capacity.settle_limit)?;
    writeln!(file, "  holdBudget: {}", capacity.hold_budget)?;
    if let Some(cap) = capacity.entering_cap {
        writeln!(file, "  enteringCap: {cap}")?;
    }
    if let Some(backend) = capacity.backend {
        writeln!(file, "  backend:")?;
        writeln!(file, "    latencySeconds: {}", seconds(backend.latency))?;
        writeln!(file, "    concurrent: {}", backend.concurrent)?;
        writeln!(file, "    failingPercent: {}", backend.failing_percent)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    fn measured(seconds: Option<f64>) -> Measured {
        Measured {
            gateways: 500,
            seconds,
            handshakes_per_gateway: 1.0,
        }
    }

    #[test]
    fn the_login_that_was_measured_is_found_again() {
        let mut scenario = Scenario::founding();
        scenario.herd.clients = 500;
        scenario.capacity.login = Duration::from_micros(12_345);
        let took = scenario.run().unwrap().took.unwrap();
        let fitted = fit(&Scenario::founding(), &measured(Some(took.as_secs_f64()))).unwrap();
        let found = fitted
            .capacity
            .login
            .abs_diff(Duration::from_micros(12_345));
        assert!(
            found < Duration::from_micros(200),
            "{:?}",
            fitted.capacity.login
        );
        assert_eq!(fitted.herd.clients, 500);
    }

    #[test]
    fn what_no_login_explains_is_refused() {
        for (seconds, part) in [
            (None, "not everybody"),
            (Some(0.5), "more than"),
            (Some(2e4), "less than"),
        ] {
            let mut scenario = Scenario::founding();
            scenario.herd.subscribes = 2;
            let error = fit(&scenario, &measured(seconds)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_capacity_file_is_read_as_it_was_written() {
        let mut scenario = Scenario::founding();
        scenario.capacity.entering_cap = Some(9);
        scenario.capacity.backend = Some(crate::keys::BACKEND);
        let file = capacity_file(&scenario, "a run");
        let read = parse(serde_saphyr::from_str(&file).unwrap(), &[]).unwrap();
        assert_eq!(read.capacity, scenario.capacity);
    }

    #[test]
    fn both_kinds_of_report_are_read() {
        let bare = r#"{"gateways": 3, "seconds": 1.5, "handshakesPerGateway": 1.1, "back": 3}"#;
        for text in [
            bare.to_owned(),
            format!(r#"{{"mode": "Staged", "swarm": {bare}}}"#),
        ] {
            let (Report::Demo { swarm: found } | Report::Swarm(found)) =
                serde_json::from_str(&text).unwrap();
            assert_eq!((found.gateways, found.seconds), (3, Some(1.5)));
        }
    }
}
