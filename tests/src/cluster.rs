//! Brokers as processes: standalone, or edges and a shard; or mosquitto in their place, to check the tests themselves.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::admin::Admin;
use crate::cgroup::ControlGroup;
use crate::process::Process;
use crate::setup::Setup;
use crate::skip;
use crate::wait::{PATIENT, until};

/// As the config has it.
const EDGE_WORKERS: f64 = 2.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    Standalone,
    /// One shard and this many edges.
    Split {
        edges: usize,
    },
    /// One edge and this many shards that pass each other nothing.
    Isolated {
        shards: usize,
    },
}

/// One running process of ours, and what it said when it was ready.
pub struct Node {
    pub process: Process,
    pub admin: Admin,
    ready: Value,
    launch: Launch,
}

#[derive(Clone)]
struct Launch {
    binary: PathBuf,
    role: &'static str,
    name: String,
    config: Value,
    /// What a shell does before it becomes the process, where a test sets a limit.
    before: Option<String>,
}

impl Node {
    fn start(setup: &Setup, launch: Launch) -> Self {
        let config = setup.write_config(&format!("{}.yaml", launch.name), &launch.config);
        let ready_file = setup.path(&format!("{}.ready.json", launch.name));
        let _ = fs::remove_file(&ready_file);
        let mut process = Process::spawn(
            &launch.name,
            command(&launch, &config, &ready_file),
            setup.folder.path(),
        );
        let ready = until(&format!("{} is ready", launch.name), PATIENT, || {
            let ready = fs::read_to_string(&ready_file)
                .ok()
                .and_then(|text| serde_json::from_str(&text).ok());
            assert!(
                ready.is_some() || process.exited().is_none(),
                "{} ended: {}",
                launch.name,
                process.log()
            );
            ready
        });
        let admin = Admin(address(&ready, "/admin"));
        Self {
            process,
            admin,
            ready,
            launch,
        }
    }

    pub fn listener(&self, name: &str) -> SocketAddr {
        address(&self.ready, &format!("/listeners/{name}"))
    }

    /// Where a shard expects its edges.
    pub fn link(&self) -> SocketAddr {
        address(&self.ready, "/link")
    }

    /// Starts it anew on the addresses that it had; it must have ended.
    pub fn restart(&mut self, setup: &Setup) {
        let mut launch = self.launch.clone();
        if launch.role != "shard" {
            for listener in launch.config["listeners"].as_array_mut().unwrap() {
                let name = listener["name"].as_str().unwrap().to_owned();
                listener["address"] = self.listener(&name).to_string().into();
            }
        }
        if launch.role == "shard" {
            launch.config["shard"]["linkAddress"] = self.link().to_string().into();
        }
        *self = Self::start(setup, launch);
    }
}

fn address(ready: &Value, pointer: &str) -> SocketAddr {
    let text = ready.pointer(pointer).and_then(Value::as_str);
    let text = text.unwrap_or_else(|| panic!("the ready file has no {pointer}: {ready}"));
    text.parse()
        .unwrap_or_else(|error| panic!("{pointer} of the ready file is no address: {error}"))
}

fn command(launch: &Launch, config: &std::path::Path, ready_file: &std::path::Path) -> Command {
    let mut command = match &launch.before {
        None => Command::new(&launch.binary),
        Some(before) => {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &format!("{before} && exec \"$@\""), "sh"])
                .arg(&launch.binary);
            shell
        }
    };
    command
        .arg(launch.role)
        .arg("-c")
        .arg(config)
        .arg("--ready-file")
        .arg(ready_file);
    command
}

/// What a test runs its clients against.
pub struct Cluster<'a> {
    pub setup: &'a Setup,
    /// The processes that own listeners: one standalone or some edges. Empty with the stand-in.
    pub edges: Vec<Node>,
    pub shard: Option<Node>,
    /// Isolated from the first, and from each other.
    pub more_shards: Vec<Node>,
    stand_in: Option<StandIn>,
}

impl<'a> Cluster<'a> {
    /// Starts and waits until clients may come; `None` when the binary is missing, said loudly.
    pub fn start(setup: &'a Setup, topology: Topology) -> Option<Self> {
        Self::start_as(setup, topology, |_| None)
    }

    /// With this soft limit of open files.
    pub fn start_limited(
        setup: &'a Setup,
        topology: Topology,
        soft_files: Option<u32>,
    ) -> Option<Self> {
        let files = soft_files.map(|files| format!("ulimit -Sn {files}"));
        Self::start_as(setup, topology, |_| files.clone())
    }

    /// With so many open files, and no way to more.
    pub fn start_with_files(setup: &'a Setup, topology: Topology, files: u32) -> Option<Self> {
        Self::start_as(setup, topology, |_| Some(format!("ulimit -n {files}")))
    }

    /// With those that own sessions in `group`, all of them together.
    pub fn start_in(setup: &'a Setup, topology: Topology, group: &ControlGroup) -> Option<Self> {
        Self::start_as(setup, topology, |role| {
            (role != "edge").then(|| group.enter())
        })
    }

    /// `before`: by role, see [`Launch::before`].
    fn start_as(
        setup: &'a Setup,
        topology: Topology,
        before: impl Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        if stand_in_wanted() {
            let stand_in = Some(StandIn::start(setup)?);
            return Some(Self {
                setup,
                edges: Vec::new(),
                shard: None,
                more_shards: Vec::new(),
                stand_in,
            });
        }
        let binary = skip::binary("herdgate")?;
        let launch = |role, name: String, config| Launch {
            binary: binary.clone(),
            role,
            name,
            config,
            before: before(role),
        };
        let mut cluster = Self {
            setup,
            edges: Vec::new(),
            shard: None,
            more_shards: Vec::new(),
            stand_in: None,
        };
        match topology {
            Topology::Standalone => {
                let launch = launch("standalone", "standalone".to_owned(), setup.config.clone());
                cluster.edges.push(Node::start(setup, launch));
            }
            Topology::Split { edges } => cluster.start_split(1, edges, launch),
            Topology::Isolated { shards } => cluster.start_split(shards, 1, launch),
        }
        for edge in &cluster.edges {
            until("the edge is ready for clients", PATIENT, || {
                edge.admin.ready().then_some(())
            });
        }
        cluster.until_linked();
        Some(cluster)
    }

    /// Shards first, for edges must know where they are.
    fn start_split(
        &mut self,
        shards: usize,
        edges: usize,
        launch: impl Fn(&'static str, String, Value) -> Launch,
    ) {
        let mut config = self.setup.config.clone();
        if shards > 1 {
            config["routing"] = json!({"isolatedShards": true});
            config["shard"]["count"] = shards.into();
        }
        let mut nodes = (0..shards).map(|ordinal| {
            let mut config = config.clone();
            config["shard"]["ordinal"] = ordinal.into();
            let launch = launch("shard", format!("shard-{ordinal}"), config);
            Node::start(self.setup, launch)
        });
        self.shard = nodes.next();
        self.more_shards = nodes.collect();
        let links = self.shards().map(|shard| shard.link().to_string());
        config["edge"]["shards"] = links.collect::<Vec<_>>().into();
        for number in 0..edges {
            let name = format!("edge-{number}");
            config["edge"]["id"] = name.clone().into();
            let launch = launch("edge", name, config.clone());
            self.edges.push(Node::start(self.setup, launch));
        }
    }

    /// Like the last one, and later than all others.
    pub fn add_edge(&mut self) {
        let mut launch = self.edges.last().unwrap().launch.clone();
        launch.name = format!("edge-{}", self.edges.len());
        launch.config["edge"]["id"] = launch.name.clone().into();
        self.edges.push(Node::start(self.setup, launch));
    }

    /// An edge is ready before its links are up; clients that come in between are told so.
    pub fn until_linked(&self) {
        let links: f64 = self.shards().map(|_| EDGE_WORKERS).sum();
        for edge in self.edges.iter().filter(|_| links > 0.0) {
            until("every worker has its links", PATIENT, || {
                (edge.admin.metric("herdgate_links_up") >= links).then_some(())
            });
        }
    }

    /// By ordinal; empty when no process is a shard alone.
    pub fn shards(&self) -> impl Iterator<Item = &Node> {
        self.shard.iter().chain(&self.more_shards)
    }

    /// Where clients of the first edge connect.
    pub fn listener(&self, name: &str) -> SocketAddr {
        self.listener_of(0, name)
    }

    pub fn listener_of(&self, edge: usize, name: &str) -> SocketAddr {
        match &self.stand_in {
            Some(stand_in) => stand_in.listener(name),
            None => self.edges[edge % self.edges.len()].listener(name),
        }
    }

    /// The process that owns sessions: the shard, or the standalone.
    pub fn owner(&self) -> &Node {
        self.shard.as_ref().unwrap_or_else(|| &self.edges[0])
    }
}

/// `HERDGATE_TEST_BROKER=mosquitto` runs the client tests against mosquitto: what fails there is the test's own fault.
pub fn stand_in_wanted() -> bool {
    std::env::var("HERDGATE_TEST_BROKER").as_deref() == Ok("mosquitto")
}

struct StandIn {
    _process: Process,
    mqtts: SocketAddr,
    mqtt: SocketAddr,
}

impl StandIn {
    fn start(setup: &Setup) -> Option<Self> {
        let binary = skip::command("mosquitto", "mosquitto")?;
        // mosquitto cannot tell which port the kernel gave it, so the port is chosen first.
        let free = || {
            TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
        };
        let (mqtts, mqtt) = (free(), free());
        let file = |name| setup.path(name).display().to_string();
        let config = format!(
            "user root\nallow_anonymous true\npassword_file {}\n\
             listener {} 127.0.0.1\ncertfile {}\nkeyfile {}\n\
             listener {} 127.0.0.1\n",
            file("passwords"),
            mqtts.port(),
            file("tls.crt"),
            file("tls.key"),
            mqtt.port(),
        );
        let mut command = Command::new(binary);
        command
            .arg("-v")
            .arg("-c")
            .arg(setup.write("mosquitto.conf", &config));
        let process = Process::spawn("mosquitto", command, setup.folder.path());
        until("mosquitto listens", PATIENT, || {
            std::net::TcpStream::connect(mqtt).ok()
        });
        Some(Self {
            _process: process,
            mqtts,
            mqtt,
        })
    }

    fn listener(&self, name: &str) -> SocketAddr {
        if name == "mqtts" {
            self.mqtts
        } else {
            self.mqtt
        }
    }
}
