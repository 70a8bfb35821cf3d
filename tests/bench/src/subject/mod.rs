//! What is measured: our broker and its peers, each with its configuration.

mod haproxy;
mod herdgate;
mod mosquitto;
mod nats;
mod ports;
mod rmqtt;
mod rumqttd;
mod running;
mod status;
mod wishes;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::load::tls::ServerFiles;
use ports::Ports;

pub use herdgate::Topology;
pub use running::Running;
pub use status::level_share;
pub use wishes::{Mode, Wishes};

/// Where programs are that are not Debian's.
#[derive(Clone, Debug, Default)]
pub struct Binaries {
    pub broker: PathBuf,
    pub parent: Option<PathBuf>,
    /// Where `scripts/bench-peers.sh` puts what it builds.
    pub peer_folder: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Herdgate {
        topology: Topology,
        parent: bool,
        mode: Mode,
    },
    Mosquitto,
    /// TLS and TCP ended by haproxy, mosquitto behind it.
    Haproxy,
    Nats,
    Rumqttd,
    Rmqtt,
}

impl Kind {
    const ALL: [(&'static str, Self); 11] = [
        ("standalone", Self::herdgate(Topology::Standalone, false)),
        ("split", Self::herdgate(Topology::Split, false)),
        ("standalone-staged", Self::staged(Topology::Standalone)),
        ("split-staged", Self::staged(Topology::Split)),
        ("mosquitto", Self::Mosquitto),
        ("haproxy", Self::Haproxy),
        ("nats", Self::Nats),
        ("rumqttd", Self::Rumqttd),
        ("rmqtt", Self::Rmqtt),
        (
            "parent-standalone",
            Self::herdgate(Topology::Standalone, true),
        ),
        ("parent-split", Self::herdgate(Topology::Split, true)),
    ];

    const fn herdgate(topology: Topology, parent: bool) -> Self {
        Self::Herdgate {
            topology,
            parent,
            mode: Mode::Open,
        }
    }

    /// With the gate, which has opened before anything is measured.
    const fn staged(topology: Topology) -> Self {
        Self::Herdgate {
            topology,
            parent: false,
            mode: Mode::Staged,
        }
    }

    pub(crate) fn wishes(self) -> Wishes {
        let mode = match self {
            Self::Herdgate { mode, .. } => mode,
            _ => Mode::Open,
        };
        Wishes {
            mode,
            is_unbound: true,
            ..Wishes::default()
        }
    }

    pub fn named(name: &str) -> anyhow::Result<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, kind)| *kind).with_context(|| {
            let known: Vec<_> = Self::ALL.iter().map(|(name, _)| *name).collect();
            format!("failed to find '{name}': known are {}", known.join(", "))
        })
    }

    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, kind)| *kind == self);
        found.map_or("", |(name, _)| *name)
    }
}

/// One that is installed here.
#[derive(Clone, Debug)]
pub struct Subject {
    pub kind: Kind,
    binaries: Vec<PathBuf>,
    version: String,
}

/// For the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub name: String,
    pub version: String,
    /// What a QoS 1 ack of it means.
    pub durability: String,
    /// Each file's name and content.
    pub files: Vec<(String, String)>,
    pub commands: Vec<String>,
}

/// Where one start of a subject lives.
struct Place<'a> {
    folder: &'a Path,
    tls: &'a ServerFiles,
    ports: Ports,
    wishes: &'a Wishes,
}

impl Place<'_> {
    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

/// How a subject starts.
struct Plan {
    files: Vec<(&'static str, String)>,
    /// In this order; each is a program and its arguments.
    commands: Vec<(PathBuf, Vec<String>)>,
    plain: u16,
    tls: Option<u16>,
    /// Ours has one.
    admin: Option<u16>,
    durability: &'static str,
}

impl Subject {
    /// An error when it is not installed.
    pub fn find(kind: Kind, binaries: &Binaries) -> anyhow::Result<Self> {
        let built = |name: &str| {
            let folder = binaries.peer_folder.as_deref();
            folder.map_or_else(
                || PathBuf::from(name),
                |folder| folder.join("bin").join(name),
            )
        };
        let (programs, version_flag) = match kind {
            Kind::Herdgate { parent: false, .. } => (vec![binaries.broker.clone()], "--version"),
            Kind::Herdgate { parent: true, .. } => {
                let parent = binaries
                    .parent
                    .clone()
                    .context("failed to find it: no --parent")?;
                (vec![parent], "--version")
            }
            Kind::Mosquitto => (vec![debian("mosquitto")], "-h"),
            Kind::Haproxy => (vec![debian("haproxy"), debian("mosquitto")], "-v"),
            Kind::Nats => (vec![debian("nats-server")], "-v"),
            Kind::Rumqttd => (vec![built("rumqttd")], "--version"),
            Kind::Rmqtt => (vec![built("rmqttd")], "--version"),
        };
        let versions = programs
            .iter()
            .enumerate()
            .map(|(at, binary)| version(binary, if at == 0 { version_flag } else { "-h" }))
            .collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self {
            kind,
            binaries: programs,
            version: versions.join(", "),
        })
    }

    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// Most clients at once; haproxy has two descriptors for each.
    pub fn most_clients(&self, file_limit: usize) -> usize {
        const RESERVE: usize = 200;
        let each = if self.kind == Kind::Haproxy { 2 } else { 1 };
        file_limit.saturating_sub(RESERVE) / each
    }

    fn plan(&self, place: &mut Place<'_>) -> anyhow::Result<Plan> {
        let binary = |at: usize| self.binaries.get(at).cloned().unwrap_or_default();
        match self.kind {
            Kind::Herdgate { topology, .. } => herdgate::plan(topology, &binary(0), place),
            Kind::Mosquitto => mosquitto::plan(binary(0), place),
            Kind::Haproxy => haproxy::plan(binary(0), binary(1), place),
            Kind::Nats => nats::plan(binary(0), place),
            Kind::Rumqttd => rumqttd::plan(binary(0), place),
            Kind::Rmqtt => rmqtt::plan(binary(0), place),
        }
    }
}

/// Debian keeps servers out of the path of ordinary users.
fn debian(name: &str) -> PathBuf {
    let server = Path::new("/usr/sbin").join(name);
    if server.exists() {
        server
    } else {
        PathBuf::from(name)
    }
}

/// The first line that a program says of itself.
fn version(binary: &Path, flag: &str) -> anyhow::Result<String> {
    let output = Command::new(binary)
        .arg(flag)
        .output()
        .with_context(|| format!("failed to run {}", binary.display()))?;
    let text = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    let text = String::from_utf8_lossy(&text);
    let Some(line) = text.lines().map(str::trim).find(|line| !line.is_empty()) else {
        bail!("failed to learn the version of {}", binary.display());
    };
    Ok(line.trim_end_matches(" - https://haproxy.org/").to_owned())
}
