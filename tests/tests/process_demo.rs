//! The demo in small: what `make demo` shows, with a herd that a loaded machine can carry.
// Helpers of tests may stop at the first surprise as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use herdgate_tests::process::{Process, Signal};
use herdgate_tests::skip;
use herdgate_tests::wait::{PATIENT, until};
use serde_json::Value;

const GATEWAYS: u64 = 60;
/// Three times what a machine takes that compiles meanwhile.
const DEADLINE: Duration = Duration::from_mins(3);

/// The demo with cheap logins and few topics; `None`, said loudly, when a binary is missing.
fn demo(folder: &Path) -> Option<Process> {
    let mut command = Command::new(skip::binary("herdgate-swarm")?);
    command
        .args(["demo", "--gateways", &GATEWAYS.to_string()])
        .args(["--rounds", "100", "--topics", "3", "--timeout", "120"])
        .arg("--broker")
        .arg(skip::binary("herdgate")?)
        .arg("--report")
        .arg(folder.join("report"));
    Some(Process::spawn("demo", command, folder))
}

fn number(report: &Value, pointer: &str) -> u64 {
    let value = report.pointer(pointer).and_then(Value::as_u64);
    value.unwrap_or_else(|| panic!("no {pointer} in {report}"))
}

#[test]
fn the_herd_comes_back_and_both_sides_counted_the_same_handshakes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut demo) = demo(folder.path()) else {
        return;
    };
    let status = demo.wait(DEADLINE);
    let log = demo.log();
    // a machine that is busy with something else makes the figures void, and the demo says so and fails
    assert!(
        status.success() || log.contains("\nVOID "),
        "{status}: {log}"
    );
    let last = log.lines().last().unwrap();
    let start = format!("demo: {GATEWAYS}/{GATEWAYS} gateways back in ");
    assert!(
        last.starts_with(&start) && last.contains(", level 256/256, "),
        "{last}"
    );

    let report = fs::read_to_string(folder.path().join("report/staged/report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(number(&report, "/swarm/back"), GATEWAYS);
    let completed = number(&report, "/swarm/counts/handshakes");
    let confirmed = number(&report, "/swarm/counts/handshakesConfirmed");
    let edge = number(&report, "/edge/handshakes/completed");
    assert!(
        (confirmed..=completed).contains(&edge),
        "{confirmed} {edge} {completed}"
    );
    assert!(confirmed >= GATEWAYS);
}

#[test]
fn an_interrupted_demo_leaves_no_broker_behind() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut demo) = demo(folder.path()) else {
        return;
    };
    let children = format!("/proc/{0}/task/{0}/children", demo.pid());
    let broker = until("the broker runs", PATIENT, || {
        let children = fs::read_to_string(&children).ok()?;
        children.split_whitespace().next().map(str::to_owned)
    });
    // a process that nobody has reaped yet is gone as well
    let alive = || {
        let stat = fs::read_to_string(format!("/proc/{broker}/stat")).unwrap_or_default();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| !rest.starts_with('Z'))
    };
    assert!(alive());
    demo.signal(Signal::INT);
    assert_eq!(demo.wait(PATIENT).code(), Some(130), "{}", demo.log());
    until("the broker is gone", PATIENT, || (!alive()).then_some(()));
}
