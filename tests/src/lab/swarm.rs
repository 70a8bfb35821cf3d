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
    /// Of its files; another herd of the same test has another.
    pub name: &'a str,
    pub target: String,
    pub server_name: &'a str,
    pub ca_file: PathBuf,
    pub user: (&'a str, &'a str),
    /// Name, gateways, source addresses.
    pub ranges: Vec<(&'a str, u32, Option<&'a str>)>,
    pub topics: u32,
    /// Gateways on their way at a time, the first time.
    pub concurrent: u32,
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
            "name": self.name,
            "target": {"address": self.target, "protocol": "mqtts", "serverName": self.server_name, "caFile": self.ca_file},
            "ranges": ranges,
            "identity": {"clientId": format!("{user}-{{n:5}}"), "userName": user, "password": password},
            "topics": {"count": self.topics, "pattern": format!("{user}/{{n:5}}/{{t}}")},
            "bringUp": {"concurrent": self.concurrent, "timeoutSeconds": 400},
            "restart": {"waitSeconds": 600, "timeoutSeconds": 400, "quietSeconds": 3},
        })
    }

    /// Starts the swarm and returns when all gateways are up.
    pub fn bring_up(&self, binary: &Path, folder: &Path, within: Duration) -> Run {
        let mut run = self.start(binary, folder);
        run.until_up(within);
        run
    }

    /// Starts the swarm.
    pub fn start(&self, binary: &Path, folder: &Path) -> Run {
        let scenario = folder.join(format!("{}.yaml", self.name));
        let report = folder.join(format!("{}.json", self.name));
        fs::write(
            &scenario,
            serde_saphyr::to_string(&self.scenario()).unwrap(),
        )
        .unwrap();
        let mut command = Command::new(binary);
        command.arg("run").arg(&scenario).arg("--json").arg(&report);
        let process = Process::spawn(&format!("swarm-{}", self.name), command, folder);
        Run { process, report }
    }
}

pub struct Run {
    pub process: Process,
    report: PathBuf,
}

impl Run {
    /// Waits until all gateways are connected; they stay.
    pub fn until_up(&mut self, within: Duration) {
        self.process.until_logged(UP, within);
    }

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
