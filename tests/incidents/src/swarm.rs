//! The fleet as a child process on the load's core.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use herdgate_bench::machine::LOAD_CORE;
use serde_json::{Value, json};

use crate::incident::{Incident, Login};

/// The one user of all gateways, whose client ids stand below its name.
pub(crate) const USER: &str = "gw";
pub(crate) const PASSWORD: &str = "the herd's secret";
/// The probe's address, which no gateway has.
pub(crate) const PROBE_SOURCE: &str = "127.9.9.9";

/// Where one run's files are.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) folder: PathBuf,
}

impl Files {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// What the scenario of an incident needs to know of its broker.
#[derive(Debug)]
pub(crate) struct Meeting {
    pub(crate) address: String,
    pub(crate) ca_file: PathBuf,
    pub(crate) admin: Option<String>,
    pub(crate) certificates: Option<Value>,
    pub(crate) gateways: u32,
    /// On their way at a time while the fleet comes up.
    pub(crate) concurrent: u32,
    /// Seconds until all must be back.
    pub(crate) cap: u32,
}

/// The scenario, whole.
pub(crate) fn scenario(incident: &Incident, meeting: &Meeting) -> Value {
    let mut scenario = incident.swarm.clone();
    scenario["name"] = json!(incident.name);
    scenario["target"] = json!({
        "address": meeting.address, "protocol": "mqtts", "serverName": "localhost",
        "caFile": meeting.ca_file, "admin": meeting.admin,
    });
    let login = match incident.login {
        Login::Certificates => json!({}),
        Login::Password { .. } | Login::Http { .. } => {
            json!({"userName": USER, "password": PASSWORD})
        }
    };
    let who = |client_id: &str| {
        let mut who = login.clone();
        who["clientId"] = json!(client_id);
        who
    };
    let mut identity = who("gw-{n}");
    if let Some(certificates) = &meeting.certificates {
        identity["certificates"] = certificates.clone();
    }
    if let Some(clean) = scenario["identity"].get("cleanSession") {
        identity["cleanSession"] = clean.clone();
    }
    scenario["identity"] = identity;
    let mut probe = who("gw-probe");
    probe["source"] = json!(PROBE_SOURCE);
    probe["topic"] = json!("gw-probe/own");
    scenario["probe"] = probe;
    if let Some(cloud) = scenario.get_mut("cloud") {
        for (key, value) in who("gw-cloud").as_object().into_iter().flatten() {
            cloud[key] = value.clone();
        }
    }
    scenario["bringUp"] = json!({"concurrent": meeting.concurrent, "timeoutSeconds": 600});
    scenario["restart"]["timeoutSeconds"] = json!(meeting.cap);
    scenario["restart"]["quietSeconds"] = json!(2);
    scale(&mut scenario, meeting.gateways);
    scenario
}

/// The ranges keep their shares of the fleet.
fn scale(scenario: &mut Value, gateways: u32) {
    let Some(ranges) = scenario["ranges"].as_array_mut() else {
        return;
    };
    let of = |range: &Value| range["gateways"].as_u64().unwrap_or(1);
    let all: u64 = ranges.iter().map(of).sum();
    for range in ranges {
        let share = of(range) * u64::from(gateways) / all.max(1);
        range["gateways"] = json!(share.max(1));
    }
}

/// Ends with the value.
#[derive(Debug)]
pub(crate) struct Swarm(Child);

impl Swarm {
    pub(crate) fn start(binary: &Path, files: &Files, scenario: &Value) -> anyhow::Result<Self> {
        let path = files.path("scenario.json");
        std::fs::write(&path, serde_json::to_string_pretty(scenario)?)?;
        let log = File::create(files.path("swarm.log"))?;
        let mut command = Command::new("taskset");
        command
            .args(["-c", &LOAD_CORE.to_string()])
            .arg(binary)
            .arg("run")
            .arg(&path);
        for (flag, name) in [
            ("--json", "report.json"),
            ("--text", "report.txt"),
            ("--svg", "timeline.svg"),
            ("--events", "events.jsonl"),
        ] {
            command.arg(flag).arg(files.path(name));
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("failed to start the swarm")?;
        Ok(Self(child))
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        // it may have ended by itself
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident;

    #[test]
    fn a_smaller_fleet_keeps_its_shares() {
        let nat = &incident::chosen(&["nat".to_owned()]).unwrap()[0];
        let meeting = Meeting {
            address: "127.0.0.1:1".into(),
            ca_file: "ca".into(),
            admin: None,
            certificates: None,
            gateways: 700,
            concurrent: 20,
            cap: 60,
        };
        let scenario = scenario(nat, &meeting);
        assert_eq!(scenario["ranges"][0]["gateways"], 300);
        assert_eq!(scenario["ranges"][1]["gateways"], 400);
        assert_eq!(scenario["identity"]["userName"], USER);
        assert_eq!(scenario["probe"]["clientId"], "gw-probe");
        assert_eq!(scenario["restart"]["timeoutSeconds"], 60);
    }
}
