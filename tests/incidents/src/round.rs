//! One run: up, away, back, with whatever goes wrong on the way.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use herdgate_bench::machine::Machine;
use herdgate_bench::procfs;
use herdgate_bench::subject::{Binaries, Running, Subject, Wishes, level_share};
use serde_json::Value;
use tokio::time::sleep;

use crate::backend::{Backend, Health};
use crate::certificates;
use crate::cli::Cli;
use crate::events::{At, Events, Line};
use crate::fault::{Fault, Hog, Now};
use crate::incident::{Incident, Login};
use crate::record::{Ideal, Key, Record};

use crate::subject::Contender;
use crate::swarm::{self, Files, Meeting, PASSWORD, PROBE_SOURCE, Swarm, USER};

/// Between two looks at the swarm.
const LOOK: Duration = Duration::from_millis(50);
/// The ideal: so few at a time that nobody waits for long.
const IDEAL_AT_ONCE: u32 = 20;
/// Others come up faster.
const AT_ONCE: u32 = 64;
/// A fleet of which no more are there has seen that its broker is gone.
const FALLEN_SHARE: f64 = 0.1;
/// Drops within this time after a crash are the crash's.
const CRASH_SECONDS: f64 = 1.5;
/// CONNACK codes of MQTT 3.1.1 and 5: bad user name or password, not authorized. All passwords are right.
const CALLED_WRONG: [u8; 4] = [0x04, 0x05, 0x86, 0x87];
/// Rounds of a password where a subject has no HTTP backend to ask.
const CHEAP_ROUNDS: u32 = 1;

pub(crate) async fn run(cli: &Cli, incident: &Incident, key: &Key) -> anyhow::Result<Record> {
    let mut folder = key.folder(&cli.results);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("failed to create {}", folder.display()))?;
    folder = folder.canonicalize()?;
    let files = Files { folder };
    let machine = Machine::look().to_string();
    let mut round = Round::start(cli, incident, key, files).await?;
    round.play(incident).await?;
    let report = round.report()?;
    Ok(round.record(key, machine, &report))
}

struct Round {
    files: Files,
    running: Running,
    swarm: Swarm,
    events: Events,
    backend: Option<Backend>,
    hogs: Vec<Hog>,
    last: Option<Line>,
    /// Of processes that are gone, since the restart.
    cpu_of_the_dead: f64,
    /// Of those that run, at the restart.
    cpu_before: f64,
    cpu_at_end: Option<f64>,
    ideal: Option<Ideal>,
    crash_drops: u64,
    /// Whether the fleet knows that its broker is gone.
    has_fallen: bool,
    /// A crash whose drops are not counted yet, and how things stood then.
    crash: Option<Line>,
}

impl Round {
    async fn start(
        cli: &Cli,
        incident: &Incident,
        key: &Key,
        files: Files,
    ) -> anyhow::Result<Self> {
        let binaries = Binaries {
            broker: cli
                .broker
                .canonicalize()
                .context("failed to find the broker")?,
            ..Binaries::default()
        };
        let subject = Subject::find(key.subject.kind(), &binaries)?;
        let (backend, wishes, list) = wishes(&binaries, incident, key.subject, &files)?;
        let running = Running::start(&subject, &wishes).await?;
        let address = running
            .tls_address()
            .context("failed to find a TLS listener")?;
        let scenario = swarm::scenario(
            incident,
            &Meeting {
                address: address.to_string(),
                ca_file: running.certificate(),
                admin: running.admin.map(|admin| admin.to_string()),
                certificates: list,
                gateways: key.gateways,
                concurrent: if key.subject == Contender::Open {
                    IDEAL_AT_ONCE
                } else {
                    AT_ONCE
                },
                cap: cli.cap,
            },
        );
        // what an earlier run left is not this one's
        _ = std::fs::remove_file(files.path("events.jsonl"));
        _ = std::fs::remove_file(files.path("report.json"));
        let swarm = Swarm::start(&cli.swarm, &files, &scenario)?;
        Ok(Self {
            events: Events::of(&files.path("events.jsonl")),
            files,
            running,
            swarm,
            backend,
            hogs: Vec::new(),
            last: None,
            cpu_of_the_dead: 0.0,
            cpu_before: 0.0,
            cpu_at_end: None,
            ideal: None,
            crash_drops: 0,
            has_fallen: false,
            crash: None,
        })
    }

    fn cpu(&self) -> anyhow::Result<f64> {
        procfs::cpu_seconds(&self.running.pids())
    }

    /// CPU since the restart.
    fn cpu_of_ramp(&self) -> anyhow::Result<f64> {
        Ok(self.cpu_of_the_dead + self.cpu()? - self.cpu_before)
    }

    async fn play(&mut self, incident: &Incident) -> anyhow::Result<()> {
        let mut steps = incident.faults.iter().peekable();
        let mut last_step = Instant::now();
        let mut begun = false;
        loop {
            let ended = self.swarm.has_ended()?;
            for line in self.events.new_lines() {
                self.notice(line)?;
                let may_begin = line.at == At::Up || incident.is_cut() && line.at == At::Ramp;
                if may_begin && !std::mem::replace(&mut begun, true) {
                    self.begin(incident).await?;
                    last_step = Instant::now();
                }
            }
            if ended {
                return Ok(());
            }
            if let Some(line) = self.last.filter(|line| line.at == At::Ramp && begun)
                && let Some(step) = steps.peek()
            {
                let now = Now {
                    settled_share: self.settled_share(line),
                    level_share: level_share(self.running.admin).await,
                    since_last_step: last_step.elapsed(),
                };
                if step.when.is_now(&now) {
                    self.go_wrong(step.what, line).await?;
                    steps.next();
                    last_step = Instant::now();
                }
            }
            sleep(LOOK).await;
        }
    }

    /// The fleet takes a moment to see that its broker is gone; until then it says that all are there.
    fn settled_share(&mut self, line: Line) -> f64 {
        let share = f64::from(line.settled) / f64::from(line.gateways.max(1));
        self.has_fallen |= share <= FALLEN_SHARE;
        if self.has_fallen { share } else { 0.0 }
    }

    fn notice(&mut self, line: Line) -> anyhow::Result<()> {
        let all = line.settled == line.gateways;
        if line.at == At::BringUp && all && self.ideal.is_none() {
            self.ideal = Some(Ideal {
                seconds: line.seconds,
                cpu_seconds: self.cpu()?,
            });
        }
        let settled_after = |crash: &mut Line| line.seconds >= crash.seconds + CRASH_SECONDS;
        if let Some(crash) = self.crash.take_if(settled_after) {
            self.crash_drops += line.drops - crash.drops;
        }
        match line.at {
            At::Back | At::GivenUp if self.cpu_at_end.is_none() => {
                self.cpu_at_end = Some(self.cpu_of_ramp()?);
            }
            // somebody fell out again
            At::Ramp => self.cpu_at_end = None,
            _ => {}
        }
        self.last = Some(line);
        Ok(())
    }

    /// The fleet is up; now it loses its broker.
    async fn begin(&mut self, incident: &Incident) -> anyhow::Result<()> {
        if incident.is_cut() {
            self.cpu_before = self.cpu()?;
            return Ok(());
        }
        self.running.kill();
        self.running.start_again().await?;
        self.cpu_before = 0.0;
        Ok(())
    }

    async fn go_wrong(&mut self, fault: Fault, line: Line) -> anyhow::Result<()> {
        eprintln!(
            "  at {:.1} s, {} are back: {fault:?}",
            line.seconds, line.settled
        );
        match fault {
            Fault::Crash => {
                self.cpu_of_the_dead = self.cpu_of_ramp()?;
                self.cpu_before = 0.0;
                self.crash = Some(line);
                self.running.kill();
                self.running.start_again().await?;
            }
            Fault::Backend(health) => {
                if let Some(backend) = &self.backend {
                    backend.turn(health);
                }
            }
            Fault::Hog { seconds } => self.hogs.push(Hog::start(seconds)?),
        }
        Ok(())
    }

    fn report(&self) -> anyhow::Result<Value> {
        let path = self.files.path("report.json");
        let text = std::fs::read_to_string(&path).with_context(|| {
            let log = std::fs::read_to_string(self.files.path("swarm.log")).unwrap_or_default();
            let end = log.lines().rev().take(5).collect::<Vec<_>>().join("\n");
            format!(
                "failed to find the swarm's report: {end}\n{}",
                self.running.logs()
            )
        })?;
        let report: Value = serde_json::from_str(&text)?;
        ensure!(
            report["gateways"].is_u64(),
            "failed to understand {}",
            path.display()
        );
        Ok(report)
    }

    fn record(self, key: &Key, machine: String, report: &Value) -> Record {
        let count = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64);
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let ideal = self.ideal.zip(number("/bringUp/seconds"));
        Record {
            key: key.clone(),
            fleet: small(count("/gateways")),
            back: small(count("/back") + count("/kept")),
            seconds: number("/seconds"),
            cpu_seconds: self.cpu_at_end.unwrap_or_default(),
            ideal: ideal
                .filter(|_| key.subject == Contender::Open)
                .map(|(ideal, seconds)| Ideal { seconds, ..ideal }),
            wasted_handshakes_per_gateway: number("/wastedHandshakesPerGateway").unwrap_or(0.0),
            drops: count("/counts/drops"),
            crash_drops: self.crash_drops,
            called_wrong: CALLED_WRONG
                .iter()
                .map(|code| count(&format!("/counts/denied/{code}")))
                .sum(),
            probe_idle_p99_ms: number("/probe/idle/p99Ms"),
            probe_ramp_p99_ms: number("/probe/ramp/p99Ms"),
            void: report["verdict"]["is"] != "valid",
            machine,
            cpu_over_ideal: None,
            time_over_ideal: None,
            unmet: Vec::new(),
        }
    }
}

/// What an incident asks of the broker, and what stands beside it.
fn wishes(
    binaries: &Binaries,
    incident: &Incident,
    contender: Contender,
    files: &Files,
) -> anyhow::Result<(Option<Backend>, Wishes, Option<Value>)> {
    let mut wishes = Wishes {
        mode: contender.mode(),
        always_allow: vec![format!("{PROBE_SOURCE}/32")],
        ..Wishes::default()
    };
    let (mut backend, mut list) = (None, None);
    match incident.login {
        Login::Password { rounds } => wishes.passwords = Some(passwords(binaries, files, rounds)?),
        Login::Http { milliseconds } if contender.is_ours() => {
            let started = Backend::start(Health::Answers { milliseconds })?;
            wishes.http_login = Some(format!("http://{}/login", started.address));
            backend = Some(started);
        }
        Login::Http { .. } => wishes.passwords = Some(passwords(binaries, files, CHEAP_ROUNDS)?),
        Login::Certificates => {
            let (ca_file, certificates) = certificates::write(&files.folder)?;
            wishes.client_ca = Some(ca_file);
            list = Some(certificates);
        }
    }
    Ok((backend, wishes, list))
}

/// One user for all: a login costs as much whoever it is.
fn passwords(
    binaries: &Binaries,
    files: &Files,
    rounds: u32,
) -> anyhow::Result<std::path::PathBuf> {
    let path = files.path("passwords");
    // a run that was interrupted has left its own
    _ = std::fs::remove_file(&path);
    let status = Command::new(&binaries.broker)
        .args(["passwd", "-c", "-b", "-i", &rounds.to_string()])
        .arg(&path)
        .args([USER, PASSWORD])
        .status()
        .context("failed to write passwords")?;
    ensure!(status.success(), "failed to write passwords: {status}");
    Ok(path)
}
