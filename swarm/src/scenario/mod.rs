//! A scenario: which gateways dial where, from which addresses, and how they behave.

mod beside;
mod fields;
mod identity;
mod parse;
mod sources;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use herdgate::codec::Protocol;

use crate::gateway::Habits;
use crate::name::Pattern;
use crate::tally::Expectations;

pub(crate) use beside::{CloudPlan, ProbePlan, Who};
pub(crate) use sources::Sources;

/// A checked scenario.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) target: Target,
    pub(crate) protocol: Protocol,
    pub(crate) habits: Habits,
    pub(crate) ranges: Vec<Range>,
    pub(crate) identity: Identity,
    /// Pattern of the topics; `{t}` counts from 0.
    pub(crate) topic: Pattern,
    /// Bytes of the own message, at least; its text comes first.
    pub(crate) payload_bytes: usize,
    /// What `habits.telemetry` is told to.
    pub(crate) telemetry: TelemetryMessage,
    pub(crate) bring_up: BringUp,
    pub(crate) restart: Option<Restart>,
    pub(crate) probe: Option<ProbePlan>,
    pub(crate) cloud: Option<CloudPlan>,
    pub(crate) expect: Expectations,
}

#[derive(Debug)]
pub(crate) struct TelemetryMessage {
    pub(crate) topic: Pattern,
    pub(crate) payload_bytes: usize,
}

/// Of the header that says whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProxyVersion {
    V1,
    V2,
}

impl Scenario {
    pub(crate) fn gateways(&self) -> u32 {
        self.ranges.iter().map(|range| range.gateways).sum()
    }
}

/// Where the gateways dial.
#[derive(Debug)]
pub(crate) struct Target {
    /// Host and port; the host is resolved once, at the start.
    pub(crate) address: String,
    /// `None`: plain MQTT.
    pub(crate) tls: Option<TlsTarget>,
    /// Sources are told in a PROXY header rather than bound.
    pub(crate) proxy: Option<ProxyVersion>,
    /// Where the server says how it goes: `host:port`.
    pub(crate) admin: Option<String>,
}

#[derive(Debug)]
pub(crate) struct TlsTarget {
    /// Sent as SNI, and the server's certificate must prove it.
    pub(crate) server_name: String,
    pub(crate) ca_file: PathBuf,
    /// Off in fielded gateways.
    pub(crate) resumption: bool,
}

/// Gateways that dial from one part of the address space.
#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) name: String,
    pub(crate) gateways: u32,
    /// `None`: whatever address the kernel chooses.
    pub(crate) sources: Option<Sources>,
    /// They never settle: each hangs up after so many SUBACKs, and comes again.
    pub(crate) flaps_after: Option<u16>,
}

impl Range {
    /// The address of the range's gateway `index`.
    pub(crate) fn source(&self, index: u32) -> Option<IpAddr> {
        self.sources
            .as_ref()
            .map(|sources| sources.address(index, self.gateways))
    }
}

/// Who the gateways say they are; `{n}` counts over the whole fleet.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) client_id: Pattern,
    pub(crate) user_name: Option<Pattern>,
    pub(crate) password: Option<Pattern>,
    /// Tried in turn.
    pub(crate) certificates: Vec<CertificateFiles>,
    /// Otherwise the server keeps the session for as long as it does so.
    pub(crate) clean_session: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct CertificateFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) private_key: PathBuf,
}

/// How the fleet is brought up before the restart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BringUp {
    /// Gateways on their way at a time.
    pub(crate) concurrent: u32,
    pub(crate) timeout: Duration,
}

/// What is measured after the fleet is up.
#[derive(Debug, Clone)]
pub(crate) struct Restart {
    /// Run once all are up; without it the swarm waits for the first drop.
    pub(crate) command: Vec<String>,
    /// No restart: the ways to the server are cut, and it is not told.
    pub(crate) cut: bool,
    /// How long the first drop may take.
    pub(crate) wait: Duration,
    /// From the restart until all are back.
    pub(crate) timeout: Duration,
    /// All must stay connected for this long before the run ends: restarts may come in parts.
    pub(crate) quiet: Duration,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ScenarioError {
    #[error("failed to read {path}")]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("failed to parse {path} as YAML: {reason}")]
    Yaml { path: PathBuf, reason: String },
    #[error("failed to apply --set {assignment}: {reason}")]
    Set { assignment: String, reason: String },
    #[error("failed to accept the scenario:\n  {}", problems.join("\n  "))]
    Invalid { problems: Vec<String> },
}

/// Reads and checks a scenario file; `assignments` are `path=value` and win over the file.
pub(crate) fn load(path: &Path, assignments: &[String]) -> Result<Scenario, ScenarioError> {
    let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Read {
        path: path.into(),
        source,
    })?;
    let value = serde_saphyr::from_str(&text).map_err(|error| ScenarioError::Yaml {
        path: path.into(),
        reason: error.to_string(),
    })?;
    parse::scenario(value, assignments)
}
