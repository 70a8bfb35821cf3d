//! A folder with certificates, passwords and a config, before anything runs.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certs::{Algorithm, Authority, Identity};

/// Users of `fixtures/passwords`, which mosquitto's own tool wrote.
pub const ALICE: (&str, &str) = ("alice", "alice's secret");
pub const BOB: (&str, &str) = ("bob", "bob's secret");

pub const SERVER_NAMES: &[&str] = &["localhost", "127.0.0.1"];

pub struct Setup {
    pub folder: TempDir,
    pub authority: Authority,
    /// The config file's content, to be changed before the start.
    pub config: Value,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}

impl Setup {
    /// Listeners `mqtts` and `mqtt` on loopback, users alice and bob, the gate open.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("herdgate-test-")
            .tempdir()
            .unwrap();
        let authority = Authority::new("Test root");
        let setup = Self {
            config: base_config(folder.path()),
            folder,
            authority,
        };
        setup.write("ca.crt", &setup.authority.pem());
        setup.write("passwords", include_str!("../fixtures/passwords"));
        setup.write("token", "a token only the tests know");
        setup.install_server(&setup.authority.server(Algorithm::Ecdsa, SERVER_NAMES));
        setup
    }

    /// `set("/admission/mode", "Staged")`
    #[must_use]
    pub fn set(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
        let parent = self
            .config
            .pointer_mut(parent)
            .unwrap_or_else(|| panic!("no {parent} in the config"));
        match parent {
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value.into(),
            _ => parent[key] = value.into(),
        }
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Replaces the server's certificate and key.
    pub fn install_server(&self, identity: &Identity) {
        self.write("tls.key", &identity.key);
        self.write("tls.crt", &identity.chain);
    }

    /// Writes the config under `name` and returns its path.
    pub fn write_config(&self, name: &str, config: &Value) -> PathBuf {
        self.write(name, &serde_saphyr::to_string(config).unwrap())
    }
}

fn base_config(folder: &Path) -> Value {
    let file = |name: &str| folder.join(name).display().to_string();
    let tls = json!({
        "certificateFile": file("tls.crt"), "privateKeyFile": file("tls.key"), "clientAuth": "None", "minVersion": "1.2",
    });
    json!({
        "cluster": "tests",
        "listeners": [
            {"name": "mqtts", "address": "127.0.0.1:0", "protocol": "mqtts", "tls": tls},
            {"name": "mqtt", "address": "127.0.0.1:0", "protocol": "mqtt"},
        ],
        // tests give wrong passwords and drop connections all the time; those that are about the waits set them
        "authentication": {
            "passwordFile": file("passwords"),
            "wrongPasswordWait": {"firstSeconds": 0},
            "flapping": {"withinSeconds": 0},
        },
        "admission": {"mode": "Open"},
        "edge": {"workers": 2, "linkTokenFile": file("token"), "drain": {"delaySeconds": 0, "clientsPerSecond": 500}},
        "shard": {
            "workers": 2, "linkAddress": "127.0.0.1:0", "linkTokenFile": file("token"),
            "drain": {"delaySeconds": 0, "clientsPerSecond": 500},
        },
        "admin": {"address": "127.0.0.1:0"},
        "log": {"level": "info", "format": "text"},
    })
}
