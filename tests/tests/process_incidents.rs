//! Incidents in small: the whole runner, with fleets that a busy machine can carry.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use herdgate_tests::process::Process;
use herdgate_tests::skip;
use serde_json::Value;

const GATEWAYS: u64 = 700;
/// Three times what a machine takes that compiles meanwhile.
const DEADLINE: Duration = Duration::from_mins(8);

/// Plays one incident with the gate; `None`, said loudly, when a binary is missing.
fn play(folder: &Path, incident: &str) -> Option<Value> {
    let mut command = Command::new(skip::binary("herdgate-incidents")?);
    command
        .arg("--broker")
        .arg(skip::binary("herdgate")?)
        .arg("--swarm")
        .arg(skip::binary("herdgate-swarm")?)
        .arg("--results")
        .arg(folder.join("results"))
        .args(["--only", incident, "--subjects", "staged", "--cap", "240"])
        .args(["--gateways", &GATEWAYS.to_string()]);
    let mut process = Process::spawn(incident, command, folder);
    process.wait(DEADLINE);
    let table = fs::read_to_string(folder.join("results/table.json"))
        .unwrap_or_else(|error| panic!("{error}: {}", process.log()));
    let table: Value = serde_json::from_str(&table).unwrap();
    Some(table[0].clone())
}

fn number(record: &Value, key: &str) -> f64 {
    record[key]
        .as_f64()
        .unwrap_or_else(|| panic!("no {key} in {record}"))
}

/// Everybody came back, by a handshake or little more, and nobody fell out again.
fn all_is_well(record: &Value, wasted: f64) {
    assert_eq!(record["back"], record["fleet"], "{record}");
    assert_eq!(record["drops"], 0, "{record}");
    assert!(
        number(record, "wastedHandshakesPerGateway") <= wasted,
        "{record}"
    );
}

#[test]
fn the_founding_herd_is_back_without_wasted_work() {
    let folder = tempfile::tempdir().unwrap();
    let Some(record) = play(folder.path(), "founding") else {
        return;
    };
    all_is_well(&record, 0.5);
    let run = folder.path().join("results/founding/staged-700");
    let picture = fs::read_to_string(run.join("timeline.svg")).unwrap();
    assert!(picture.starts_with("<svg") && picture.contains(">level</text>"));
}

#[test]
fn nobody_is_told_that_its_password_is_wrong_while_the_backend_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let Some(record) = play(folder.path(), "auth-down") else {
        return;
    };
    // until two windows have shown that it fails, some hundreds of handshakes are in vain
    all_is_well(&record, 3.0);
    assert_eq!(record["calledWrong"], 0, "{record}");
    let report = folder
        .path()
        .join("results/auth-down/staged-700/report.json");
    let report: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    let denied = report["counts"]["denied"].as_object().unwrap();
    let unavailable = "3";
    assert!(
        denied.contains_key(unavailable),
        "the backend was down: {denied:?}"
    );
    assert!(denied.keys().all(|code| code == unavailable), "{denied:?}");
}

#[test]
fn clients_behind_one_address_are_back_beside_single_ones() {
    let folder = tempfile::tempdir().unwrap();
    let Some(record) = play(folder.path(), "nat") else {
        return;
    };
    all_is_well(&record, 0.5);
}
