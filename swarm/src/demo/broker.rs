//! The broker as a child process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tokio::process::{Child, Command};

use super::cores::Cores;
use super::site::LISTENER;

/// A broker is up long before this, even one that reads 100,000 users.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks for the ready file.
const LOOK: Duration = Duration::from_millis(10);
/// Of the log, when the broker did not come up.
const LAST_LINES: usize = 10;

/// A running broker; dropped, it is killed.
#[derive(Debug)]
pub(super) struct Broker {
    child: Child,
    /// Where the gateways dial.
    pub(super) listener: String,
    pub(super) admin: String,
}

/// What the broker writes once it is ready.
#[derive(Debug, Deserialize)]
struct Ready {
    listeners: std::collections::BTreeMap<String, String>,
    admin: String,
}

/// Where one broker lives.
#[derive(Debug)]
pub(super) struct Home<'a> {
    pub(super) binary: &'a Path,
    pub(super) config: PathBuf,
    pub(super) ready_file: PathBuf,
    pub(super) log: PathBuf,
}

impl Broker {
    /// Starts on the broker's core and waits until it is ready.
    pub(super) async fn start(home: &Home<'_>, cores: Cores) -> anyhow::Result<Self> {
        match std::fs::remove_file(&home.ready_file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("failed to remove {}", home.ready_file.display()));
            }
            _ => {}
        }
        let mut command = command(home)?;
        let mut child = cores
            .on_broker_core(|| command.spawn())?
            .with_context(|| format!("failed to start {}", home.binary.display()))?;
        let ready = await_ready(&mut child, home).await?;
        let listener = ready
            .listeners
            .get(LISTENER)
            .context("failed to find the listener in the ready file")?;
        Ok(Self {
            child,
            listener: listener.clone(),
            admin: ready.admin,
        })
    }

    /// The process id; `None` once it is gone.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// SIGKILL, and waits until the process is gone and its port is free.
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("failed to kill the broker")
    }

    /// An error when the broker ended by itself.
    pub(super) fn must_run(&mut self) -> anyhow::Result<()> {
        match self
            .child
            .try_wait()
            .context("failed to look after the broker")?
        {
            None => Ok(()),
            Some(status) => bail!("failed to keep the broker: it ended with {status}"),
        }
    }
}

fn command(home: &Home<'_>) -> anyhow::Result<Command> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&home.log)
        .with_context(|| format!("failed to open {}", home.log.display()))?;
    let mut command = Command::new(home.binary);
    command
        .arg("standalone")
        .arg("-c")
        .arg(&home.config)
        .arg("--ready-file")
        .arg(&home.ready_file)
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("failed to share the log")?)
        .stderr(log)
        // Ctrl-C in the terminal is ours; the broker ends with us
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

async fn await_ready(child: &mut Child, home: &Home<'_>) -> anyhow::Result<Ready> {
    let until = Instant::now() + START_PATIENCE;
    loop {
        // the file appears whole or is read again
        if let Ok(text) = std::fs::read_to_string(&home.ready_file)
            && let Ok(ready) = serde_json::from_str(&text)
        {
            return Ok(ready);
        }
        if let Some(status) = child
            .try_wait()
            .context("failed to look after the broker")?
        {
            bail!(
                "failed to start the broker: it ended with {status}; {}",
                last_lines(&home.log)
            );
        }
        if Instant::now() >= until {
            bail!(
                "failed to start the broker: not ready after {} s; {}",
                START_PATIENCE.as_secs(),
                last_lines(&home.log)
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(LAST_LINES)..];
    format!("the end of {}:\n{}", log.display(), tail.join("\n"))
}
