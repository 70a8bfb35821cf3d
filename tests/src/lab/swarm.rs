//! The fleet emulator as a process: a herd that waits for a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::Process;

/// What the swarm says when every gateway is connected and has heard itself.
const UP: &str = "all are up";

/// Whom the gateways meet, and how many there are.
pub struct Herd<'a> {
    pub target: String,
    pub server_name: &'a str,
    pub ca_file: PathBuf,
    pub user: (&'a str, &'a str),
    /// Name, gateways, source addresses.
    pub ranges: Vec<(&'a str, u32, Option<&'a str>)>,
    pub topics: u32,
}

impl Herd<'_> {
    fn scenario(&self) -> Value {
        let (user, password) = self.user;
        let ranges: Vec<Value> = self
            .ranges
            .iter()
            .map(|(name, gateways, sources)| {
                let mut range = json!({"name": name, "gateways": gateways});
                if let Some(sources) = sources {
                    range["sources"] = json!([sources]);
                }
                range
            })
            .collect();
        json!({
            "name": "lab",
            "target": {"address": self.target, "protocol": "mqtts", "serverName": self.server_name, "caFile": self.ca_file},
            "ranges": ranges,
            "identity": {"clientId": format!("{user}-{{n:5}}"), "userName": user, "password": password},
            "topics": {"count": self.topics, "pattern": format!("{user}/{{n:5}}/{{t}}")},
            "bringUp": {"concurrent": 32, "timeoutSeconds": 180},
            "restart": {"waitSeconds": 600, "timeoutSeconds": 240, "quietSeconds": 3},
        })
    }

    /// Starts the swarm and returns when all gateways are up.
    pub fn bring_up(&self, binary: &Path, folder: &Path, within: Duration) -> Run {
        let scenario = folder.join("herd.yaml");
        let report = folder.join("herd.json");
        fs::write(
            &scenario,
            serde_saphyr::to_string(&self.scenario()).unwrap(),
        )
        .unwrap();
        let mut command = Command::new(binary);
        command.arg("run").arg(&scenario).arg("--json").arg(&report);
        let mut process = Process::spawn("swarm", command, folder);
        process.until_logged(UP, within);
        Run { process, report }
    }
}

pub struct Run {
    pub process: Process,
    report: PathBuf,
}

impl Run {
    /// Waits for the end and returns the report; panics when not all came back.
    pub fn report(&mut self, within: Duration) -> Value {
        let status = self.process.wait(within);
        assert!(
            status.success(),
            "the herd did not come back: {}",
            self.process.log()
        );
        let text = fs::read_to_string(&self.report).unwrap();
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("the report is no JSON: {error}: {text}"))
    }
}
