//! A started subject; its processes end with the value.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::ports::Ports;
use super::{About, Place, Plan, Subject};
use crate::load::connection::Connection;
use crate::load::dial::Target;
use crate::load::tls::{self, ServerFiles};
use crate::machine::BROKER_CORE;

/// The slowest of them needs a second on an idle core.
const START_PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
/// Of a log, when a start has failed.
const LAST_LINES: usize = 8;

#[derive(Debug)]
pub(crate) struct Running {
    processes: Vec<Process>,
    pub(crate) plain: Target,
    pub(crate) tls: Option<Target>,
    pub(crate) about: About,
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
    pub(crate) async fn start(subject: &Subject) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("herdgate-bench-")
            .tempdir()?;
        let files = ServerFiles::write(folder.path())?;
        let mut place = Place {
            folder: folder.path(),
            tls: &files,
            ports: Ports::default(),
        };
        let plan = subject.plan(&mut place)?;
        // The subject binds them itself.
        drop(place);
        for (name, content) in &plan.files {
            fs::write(folder.path().join(name), content)?;
        }
        let about = about(subject, &plan, folder.path());
        let processes = (0..)
            .zip(&plan.commands)
            .map(|(at, (program, arguments))| spawn(at, program, arguments, folder.path()))
            .collect::<anyhow::Result<Vec<_>>>()?;
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
            folder,
        };
        running.until_ready().await?;
        Ok(running)
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.processes
            .iter()
            .map(|process| process.0.id())
            .collect()
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let since = Instant::now();
        loop {
            let try_one = Connection::open(&self.plain, "bench-ready");
            let why = match timeout(Duration::from_secs(5), try_one).await {
                Ok(Ok(_)) => return Ok(()),
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
    pub(crate) fn logs(&self) -> String {
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

fn spawn(
    at: usize,
    program: &Path,
    arguments: &[String],
    folder: &Path,
) -> anyhow::Result<Process> {
    let log = File::create(folder.join(format!("{at}.log")))?;
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
