//! Our own swarm as a herd for the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::process::{Process, run};
use crate::setup::Setup;
use crate::skip;
use crate::wait::PATIENT;

/// The one user of the herd, whose gateways have ids below its name.
pub const USER: &str = "gw";
const PASSWORD: &str = "the herd's secret";

/// A password file whose hashes take `rounds` rounds of PBKDF2-SHA512, written by `herdgate passwd`.
pub fn password_file(setup: &Setup, rounds: u32) -> Option<PathBuf> {
    let path = setup.path(&format!("herd-{rounds}.passwords"));
    let mut command = Command::new(skip::binary("herdgate")?);
    command
        .args(["passwd", "-c", "-b", "-i", &rounds.to_string()])
        .arg(&path)
        .args([USER, PASSWORD]);
    let (status, output) = run("passwd", command, setup.folder.path(), PATIENT);
    assert!(status.success(), "herdgate passwd: {output}");
    Some(path)
}

/// Gateways from many loopback addresses that all start at once.
pub struct Herd<'a> {
    setup: &'a Setup,
    scenario: Value,
}

impl<'a> Herd<'a> {
    /// As many gateways at one `host:port`, all on their way at once.
    pub fn new(setup: &'a Setup, gateways: u32, address: &str) -> Self {
        let scenario = json!({
            "name": "herd",
            "target": {
                "address": address, "protocol": "mqtts", "serverName": "localhost",
                "caFile": setup.path("ca.crt").display().to_string(),
            },
            "protocol": "5",
            "ranges": [{"name": "all", "gateways": gateways, "sources": ["127.1.0.0/16"]}],
            "identity": {"clientId": format!("{USER}-{{n}}"), "userName": USER, "password": PASSWORD},
            "topics": {"count": 3, "pattern": format!("{USER}/{{n}}/{{t}}"), "payloadBytes": 16},
            "timing": {"patienceSeconds": 5, "stepTimeoutSeconds": 5, "retrySeconds": 1, "keepAliveSeconds": 30},
            "bringUp": {"concurrent": gateways, "timeoutSeconds": 150},
        });
        Self { setup, scenario }
    }

    /// `set("/bringUp/concurrent", 10)`
    #[must_use]
    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
        self.scenario
            .pointer_mut(parent)
            .expect("a part of the scenario")[key] = value.into();
        self
    }

    /// Starts the herd; `None`, said loudly, when the binary is missing.
    pub fn start(&self, name: &str) -> Option<RunningHerd> {
        let scenario = self
            .setup
            .write_config(&format!("{name}.scenario.yaml"), &self.scenario);
        let report = self.setup.path(&format!("{name}.report.json"));
        let mut command = Command::new(skip::binary("herdgate-swarm")?);
        command.arg("run").arg(scenario).arg("--json").arg(&report);
        let process = Process::spawn(name, command, self.setup.folder.path());
        Some(RunningHerd { process, report })
    }
}

pub struct RunningHerd {
    pub process: Process,
    report: PathBuf,
}

impl RunningHerd {
    /// Waits for the end of the run, which must be a success, and returns the report.
    pub fn finish(mut self, within: std::time::Duration) -> Value {
        let status = self.process.wait(within);
        assert!(
            status.success(),
            "herdgate-swarm: {status}: {}",
            self.process.log()
        );
        read_json(&self.report)
    }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}
