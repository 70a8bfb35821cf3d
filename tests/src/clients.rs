//! Clients that others wrote: Debian's mosquitto-clients and paho-mqtt from PyPI.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{Process, run};
use crate::setup::Setup;
use crate::skip;
use crate::wait::PATIENT;

/// The paho-mqtt that the tests were written with.
const PAHO: &str = include_str!("../clients/paho/requirements.txt").trim_ascii_end();
/// The SCRAM that the tests were written with.
const SCRAMP: &str = "scramp==1.4.18";
/// The websockets library that the tests were written with.
const WEBSOCKETS: &str = "websockets==15.0.1";
/// pip fetches one small package; slow networks exist.
const INSTALL_WITHIN: Duration = Duration::from_mins(2);

/// Which standard a client shall speak, as mosquitto's clients name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V311,
    V5,
}

impl Version {
    fn mosquitto(self) -> &'static str {
        match self {
            Self::V311 => "311",
            Self::V5 => "5",
        }
    }

    pub fn paho(self) -> &'static str {
        match self {
            Self::V311 => "4",
            Self::V5 => "5",
        }
    }
}

#[derive(Clone)]
/// `mosquitto_pub` and `mosquitto_sub` for one user at one TLS listener.
pub struct Mosquitto<'a> {
    pub setup: &'a Setup,
    pub address: SocketAddr,
    pub user: (&'static str, &'static str),
    pub version: Version,
}

impl<'a> Mosquitto<'a> {
    /// `None`, said loudly, when the clients are not installed.
    pub fn new(
        setup: &'a Setup,
        address: SocketAddr,
        user: (&'static str, &'static str),
    ) -> Option<Self> {
        skip::command("mosquitto_pub", "mosquitto-clients")?;
        skip::command("mosquitto_sub", "mosquitto-clients")?;
        Some(Self {
            setup,
            address,
            user,
            version: Version::V311,
        })
    }

    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    #[must_use]
    pub fn at(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    fn command(&self, program: &str, client_id: &str, arguments: &[&str]) -> Command {
        // line by line: the tests wait for what the subscriber prints
        let mut command = Command::new("stdbuf");
        command.args([
            "-oL",
            program,
            "-h",
            "localhost",
            "-p",
            &self.address.port().to_string(),
        ]);
        command.arg("--cafile").arg(self.setup.path("ca.crt"));
        command.args([
            "-u",
            self.user.0,
            "-P",
            self.user.1,
            "-i",
            client_id,
            "-V",
            self.version.mosquitto(),
        ]);
        command.args(arguments);
        command
    }

    /// A subscriber that has its SUBACK when this returns.
    pub fn subscriber(&self, client_id: &str, arguments: &[&str]) -> Process {
        let command = self.command("mosquitto_sub", client_id, &[&["-d"], arguments].concat());
        let mut process = Process::spawn(client_id, command, self.setup.folder.path());
        process.until_logged("Subscribed (mid:", PATIENT);
        process
    }

    /// Publishes and expects success; with QoS 1 the PUBACK has come.
    pub fn publish(&self, client_id: &str, arguments: &[&str]) {
        let (code, output) = self.try_publish(client_id, arguments);
        assert_eq!(code, Some(0), "mosquitto_pub {arguments:?}: {output}");
    }

    /// Publishes; returns the exit code and the output.
    pub fn try_publish(&self, client_id: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let command = self.command("mosquitto_pub", client_id, &[&["-d"], arguments].concat());
        let name = format!("{client_id}-publishes");
        let (status, output) = run(&name, command, self.setup.folder.path(), PATIENT);
        (status.code(), output)
    }
}

/// A Python that has paho-mqtt, made once in the cache folder.
pub struct Paho {
    python: PathBuf,
}

impl Paho {
    pub fn find() -> Option<Self> {
        let python = python_with(PAHO)?;
        Some(Self { python })
    }

    /// Runs `clients/paho_check.py CHECK` against a TLS listener and expects success.
    pub fn check(
        &self,
        setup: &Setup,
        address: SocketAddr,
        version: Version,
        check: &str,
        more: &[&str],
    ) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/paho_check.py");
        let mut command = Command::new(&self.python);
        command
            .arg("-B")
            .arg(script)
            .args([check, "--port", &address.port().to_string()]);
        command
            .args(["--protocol", version.paho()])
            .arg("--ca")
            .arg(setup.path("ca.crt"))
            .args(more);
        let name = format!("paho-{check}-{}", version.paho());
        let (status, output) = run(&name, command, setup.folder.path(), PATIENT * 2);
        assert!(status.success(), "paho {check} ({version:?}): {output}");
    }
}

/// A Python that has scramp, made once in the cache folder.
pub struct Scramp {
    python: PathBuf,
}

impl Scramp {
    pub fn find() -> Option<Self> {
        let python = python_with(SCRAMP)?;
        Some(Self { python })
    }

    /// Runs `clients/scram_check.py CHECK` against a plain listener and expects success.
    pub fn check(
        &self,
        setup: &Setup,
        address: SocketAddr,
        check: &str,
        user: &str,
        password: &str,
    ) {
        let port = address.port().to_string();
        self.run(setup, &[check, "--port", &port], user, password);
    }

    /// A user's line for a password file.
    pub fn verifier(&self, setup: &Setup, user: &str, password: &str) -> String {
        self.run(setup, &["verifier"], user, password)
    }

    fn run(&self, setup: &Setup, arguments: &[&str], user: &str, password: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/scram_check.py");
        let mut command = Command::new(&self.python);
        command.arg("-B").arg(script).args(arguments);
        command.args(["--user", user, "--password", password]);
        let name = format!("scram-{}-{user}", arguments[0]);
        let (status, output) = run(&name, command, setup.folder.path(), PATIENT * 2);
        assert!(status.success(), "scram {arguments:?} of {user}: {output}");
        output.trim().to_owned()
    }
}

/// A Python that has the websockets library, made once in the cache folder.
pub struct WebSockets {
    python: PathBuf,
}

impl WebSockets {
    pub fn find() -> Option<Self> {
        Some(Self {
            python: python_with(WEBSOCKETS)?,
        })
    }

    /// Runs `clients/websocket_check.py CHECK` and expects success.
    pub fn check(&self, setup: &Setup, url: &str, check: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/websocket_check.py");
        let mut command = Command::new(&self.python);
        command
            .arg("-B")
            .arg(script)
            .args([check, "--url", url])
            .arg("--ca")
            .arg(setup.path("ca.crt"));
        let name = format!("websockets-{check}");
        let (status, output) = run(&name, command, setup.folder.path(), PATIENT * 2);
        assert!(status.success(), "websockets {check} ({url}): {output}");
    }
}

/// A Python with one package of PyPI, made once in the cache folder.
fn python_with(package: &str) -> Option<PathBuf> {
    skip::command("python3", "python3 python3-venv")?;
    let folder = skip::cache_folder()
        .join("tests")
        .join(format!("venv-{}", package.replace("==", "-")));
    let python = folder.join("bin/python");
    let complete = folder.join(".complete");
    if !complete.exists() {
        if let Err(why) = install(&folder, package) {
            skip::skip(&format!("no {package} for Python: {why}"));
            return None;
        }
        fs::write(complete, "").unwrap();
    }
    Some(python)
}

fn install(folder: &Path, package: &str) -> Result<(), String> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(folder);
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        package,
    ]);
    for (name, command) in [("venv", venv), ("pip", pip)] {
        let (status, output) = run(name, command, folder, INSTALL_WITHIN);
        if !status.success() {
            return Err(format!("{name} failed: {output}"));
        }
    }
    Ok(())
}
