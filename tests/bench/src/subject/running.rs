//! A started subject; its processes end with the value.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::ports::Ports;
use super::{About, Mode, Place, Plan, Subject, Wishes, level_share};
use crate::load::connection::Connection;
use crate::load::dial::Target;
use crate::load::tls::{self, ServerFiles};
use crate::machine::BROKER_CORE;

/// The slowest of them needs a second on an idle core.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// The gate waits for half a minute for a first knock, and opens within seconds then.
const OPEN_PATIENCE: Duration = Duration::from_mins(2);
const LOOK: Duration = Duration::from_millis(50);
/// Of a log, when a start has failed.
const LAST_LINES: usize = 8;

#[derive(Debug)]
pub struct Running {
    processes: Vec<Process>,
    pub(crate) plain: Target,
    pub(crate) tls: Option<Target>,
    pub about: About,
    /// Where ours says how it goes.
    pub admin: Option<SocketAddr>,
    /// To start it again.
    commands: Vec<(PathBuf, Vec<String>)>,
    is_anonymous: bool,
    folder: TempDir,
}

#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// On the broker's core; returns when a client gets a session.
    pub async fn start(subject: &Subject, wishes: &Wishes) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("herdgate-bench-")
            .tempdir()?;
        let files = ServerFiles::write(folder.path())?;
        let mut place = Place {
            folder: folder.path(),
            tls: &files,
            ports: Ports::default(),
            wishes,
        };
        let plan = subject.plan(&mut place)?;
        // The subject binds them itself.
        drop(place);
        for (name, content) in &plan.files {
            fs::write(folder.path().join(name), content)?;
        }
        let about = about(subject, &plan, folder.path());
        let processes = spawn_all(&plan.commands, folder.path())?;
        let target = |port, tls| Target {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            tls,
        };
        let secured = plan
            .tls
            .map(|port| tls::client().map(|config| target(port, Some(config))))
            .transpose()?;
        let mut running = Self {
            processes,
            plain: target(plan.plain, None),
            tls: secured,
            about,
            admin: plan
                .admin
                .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            commands: plan.commands,
            is_anonymous: wishes.is_anonymous(),
            folder,
        };
        running.until_ready().await?;
        Ok(running)
    }

    /// Until every slice is open, where there are slices.
    pub(crate) async fn until_open(&self, mode: Mode) -> anyhow::Result<()> {
        let since = Instant::now();
        while mode == Mode::Staged
            && level_share(self.admin)
                .await
                .is_none_or(|share| share < 1.0)
        {
            let waited = since.elapsed();
            ensure!(waited < OPEN_PATIENCE, "failed to open: {}", self.logs());
            sleep(LOOK).await;
        }
        Ok(())
    }

    pub fn pids(&self) -> Vec<u32> {
        self.processes
            .iter()
            .map(|process| process.0.id())
            .collect()
    }

    /// SIGKILL to all of its processes; returns when they are gone.
    pub fn kill(&mut self) {
        self.processes.clear();
    }

    /// The same again after a `kill`, at the same ports; returns when it is ready.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.processes = spawn_all(&self.commands, self.folder.path())?;
        self.until_ready().await
    }

    /// The listener that clients with TLS dial.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls.as_ref().map(|target| target.address)
    }

    /// The listener's certificate, which is its own authority.
    pub fn certificate(&self) -> PathBuf {
        ServerFiles::at(self.folder.path()).certificate
    }

    /// A session where anybody gets one, otherwise an open port.
    async fn try_one(&self) -> anyhow::Result<()> {
        match &self.tls {
            Some(target) if !self.is_anonymous => {
                TcpStream::connect(target.address).await?;
            }
            _ => drop(Connection::open(&self.plain, "bench-ready").await?),
        }
        Ok(())
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let since = Instant::now();
        loop {
            let why = match timeout(Duration::from_secs(5), self.try_one()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => anyhow::anyhow!("failed to get a CONNACK in time"),
            };
            for process in &mut self.processes {
                if let Some(status) = process.0.try_wait()? {
                    bail!("failed to start: it ended with {status}; {}", self.logs());
                }
            }
            if since.elapsed() > START_PATIENCE {
                return Err(why.context(format!("failed to start; {}", self.logs())));
            }
            sleep(LOOK).await;
        }
    }

    /// The ends of what the processes have said.
    pub fn logs(&self) -> String {
        let tail = |at: usize| {
            let path = self.folder.path().join(format!("{at}.log"));
            let text = fs::read_to_string(path).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
        };
        let tails: Vec<_> = (0..self.processes.len()).map(tail).collect();
        format!("the end of its log:\n{}", tails.join("\n"))
    }
}

fn spawn_all(commands: &[(PathBuf, Vec<String>)], folder: &Path) -> anyhow::Result<Vec<Process>> {
    (0..)
        .zip(commands)
        .map(|(at, (program, arguments))| spawn(at, program, arguments, folder))
        .collect()
}

fn spawn(
    at: usize,
    program: &Path,
    arguments: &[String],
    folder: &Path,
) -> anyhow::Result<Process> {
    let path = folder.join(format!("{at}.log"));
    let log = File::options().create(true).append(true).open(path)?;
    let child = Command::new("taskset")
        .args(["-c", &BROKER_CORE.to_string()])
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("failed to start {}", program.display()))?;
    Ok(Process(child))
}

fn about(subject: &Subject, plan: &Plan, folder: &Path) -> About {
    let shorten = |text: &str| text.replace(&folder.display().to_string(), ".");
    let command = |program: &Path, arguments: &[String]| {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        shorten(&format!("{name} {}", arguments.join(" ")))
    };
    About {
        name: subject.name().to_owned(),
        version: subject.version.clone(),
        durability: plan.durability.to_owned(),
        files: plan
            .files
            .iter()
            .map(|(name, content)| ((*name).to_owned(), shorten(content)))
            .collect(),
        commands: plan
            .commands
            .iter()
            .map(|(program, arguments)| command(program, arguments))
            .collect(),
    }
}
