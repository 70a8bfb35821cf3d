//! The edge and the shard that all tests share.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use herdgate_tests::cluster::{Cluster, Topology};
use herdgate_tests::scram::verifier;
use herdgate_tests::setup::Setup;
use herdgate_tests::wire::{Connect, Peer, Version};
use serde_json::json;

pub(crate) struct World {
    cluster: Cluster<'static>,
    _keeper: Child,
}

/// A retained message with so much payload finds no room in its worker's half of the store.
pub(crate) const RETAINED_BYTES: usize = 800_000;

/// A user who logs in by SCRAM.
pub(crate) const CAROL: (&str, &str) = ("carol", "carol's secret");

/// Started by the first test that asks; `None` when the binary is missing, said loudly.
pub(crate) fn world() -> Option<&'static World> {
    static WORLD: OnceLock<Option<World>> = OnceLock::new();
    WORLD.get_or_init(start).as_ref()
}

fn start() -> Option<World> {
    let setup: &'static Setup = Box::leak(Box::new(setup()));
    let cluster = Cluster::start(setup, Topology::Split { edges: 1 })?;
    let keeper = keeper(setup, &cluster);
    Some(World {
        cluster,
        _keeper: keeper,
    })
}

fn setup() -> Setup {
    let limits = json!({"maxRetainedBytes": 2 * RETAINED_BYTES - 100_000});
    let mut setup = Setup::new().set("/limits", limits);
    let listeners = setup.config["listeners"].as_array_mut().unwrap();
    listeners.push(json!({"name": "ws", "address": "127.0.0.1:0", "protocol": "ws"}));
    let passwords = setup.path("passwords");
    let users = std::fs::read_to_string(passwords).unwrap();
    setup.write("passwords", &(users + &verifier(CAROL)));
    setup
}

/// Nothing drops a static: when this process is gone, the keeper reads the end of its input and clears up.
fn keeper(setup: &Setup, cluster: &Cluster<'_>) -> Child {
    let script = "cat >/dev/null; kill -9 $1 $2; rm -rf \"$3\"";
    let shard = cluster.shard.as_ref().expect("a shard of its own");
    let pids = [&cluster.edges[0], shard].map(|node| node.process.pid().to_string());
    Command::new("sh")
        .args(["-c", script, "sh"])
        .args(pids)
        .arg(setup.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl World {
    pub(crate) fn mqtt(&self) -> SocketAddr {
        self.cluster.listener("mqtt")
    }

    pub(crate) fn mqtts(&self) -> SocketAddr {
        self.cluster.listener("mqtts")
    }

    /// MQTT over WebSocket at `/mqtt`.
    pub(crate) fn websocket(&self) -> SocketAddr {
        self.cluster.listener("ws")
    }

    pub(crate) fn setup(&self) -> &Setup {
        self.cluster.setup
    }

    /// A connection without a CONNECT.
    pub(crate) fn open(&self, version: Version) -> Peer {
        Peer::open(self.mqtt(), version)
    }

    pub(crate) fn enter(&self, connect: &Connect) -> Peer {
        Peer::enter(self.mqtt(), connect)
    }

    /// A clean client with an id of its own.
    pub(crate) fn client(&self, version: Version) -> Peer {
        self.enter(&Connect::new(version, fresh("c")))
    }

    /// One that has subscribed.
    pub(crate) fn subscriber(&self, version: Version, filter: &str, options: u8) -> Peer {
        let mut peer = self.client(version);
        assert_eq!(peer.subscribe(filter, options), options & 3, "{filter}");
        peer
    }
}

/// A name that no other test has: letters and digits, no more than 23 with a short `what`.
pub(crate) fn fresh(what: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{what}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Sends a CONNECT that is wrong, and the broker closes: 3.1.1 without a word (or with `v3`), version 5 with one of
/// these codes in CONNACK.
pub(crate) fn refused(world: &World, connect: &Connect, v3: Option<u8>, v5: &[u8]) {
    refused_bytes(world, connect.version, &connect.encode(), v3, v5);
}

pub(crate) fn refused_bytes(
    world: &World,
    version: Version,
    bytes: &[u8],
    v3: Option<u8>,
    v5: &[u8],
) {
    let mut peer = world.open(version);
    peer.send(bytes);
    let told = peer.until_closed();
    let codes: Vec<u8> = told
        .iter()
        .map(|packet| {
            assert_eq!((packet.first, packet.body[0]), (0x20, 0), "{packet:?}");
            packet.body[1]
        })
        .collect();
    if version.is_5() {
        assert!(
            codes.len() == 1 && v5.contains(&codes[0]),
            "{codes:02x?} is not one of {v5:02x?} for {bytes:02x?}"
        );
    } else {
        assert_eq!(codes, Vec::from_iter(v3), "for {bytes:02x?}");
    }
}
