//! A process that does with its library what it is asked, line by line: `tests/clients/README.md`.

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::library::Library;
use super::message::Message;
use crate::process;
use crate::setup::Setup;
use crate::skip;
use crate::wait::PATIENT;

/// Where nothing is in the cache, a driver's library is fetched and it is built.
const BUILT_WITHIN: Duration = Duration::from_mins(10);

const LOG_TAIL_LINES: usize = 20;

/// A message and its properties.
pub type Received = (Message, Value);

pub struct Driver {
    child: Child,
    requests: ChildStdin,
    lines: Receiver<Value>,
    asked: u64,
    /// Keeps the clients of one case apart from those of another.
    pub case: usize,
    inboxes: HashMap<String, VecDeque<Received>>,
    /// The name and version of its library, as it says itself.
    pub library: String,
}

/// What starts the library's driver; `None`, said loudly, when it cannot be had.
pub fn command(library: &Library, setup: &Setup) -> Option<Vec<String>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/clients.sh");
    let mut command = Command::new(script);
    command.arg(library.name);
    let name = format!("clients-{}", library.name);
    let (status, output) = process::run(&name, command, setup.folder.path(), BUILT_WITHIN);
    if !status.success() {
        skip::skip(&format!("no driver for {}: {output}", library.name));
        return None;
    }
    // the last line is the command; before it stands what had to be installed
    let words = output.lines().last().unwrap_or_default();
    Some(words.split('\t').map(str::to_owned).collect())
}

fn log_path(name: &str, setup: &Setup) -> PathBuf {
    setup.path(&format!("driver-{name}.log"))
}

/// The end of what the driver wrote to standard error.
pub fn last_words(name: &str, setup: &Setup) -> String {
    let log = fs::read_to_string(log_path(name, setup)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}

impl Driver {
    pub fn start(name: &str, command: &[String], setup: &Setup) -> Result<Self, String> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(log_path(name, setup))
            .unwrap();
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("failed to start {command:?}: {error}"))?;
        let requests = child.stdin.take().unwrap();
        let output = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        thread::spawn(move || read(output, &sender));
        let mut driver = Self {
            child,
            requests,
            lines,
            asked: 0,
            case: 0,
            inboxes: HashMap::new(),
            library: String::new(),
        };
        let greeting = driver.line("its first line")?;
        match greeting["library"].as_str() {
            Some(library) => library.clone_into(&mut driver.library),
            None => return Err(format!("no greeting: {greeting}")),
        }
        Ok(driver)
    }

    /// Asks for one thing and waits until it is done.
    pub fn ask(&mut self, client: &str, what: &str, mut more: Value) -> Result<Value, String> {
        self.asked += 1;
        more["id"] = self.asked.into();
        more["client"] = self.key(client).into();
        more["do"] = what.into();
        writeln!(self.requests, "{more}").map_err(|error| format!("{what}: {error}"))?;
        let what = format!("{client}: {what}");
        loop {
            let line = self.line(&what)?;
            if line["id"] != json!(self.asked) {
                self.note(&line)?;
                continue;
            }
            return match line.get("failed") {
                Some(why) => Err(format!("{what}: {why}")),
                None => Ok(line),
            };
        }
    }

    /// The next message of a client, in the order in which its library handed them over.
    pub fn receive(&mut self, client: &str, what: &str) -> Result<Received, String> {
        loop {
            let inbox = self.inboxes.get_mut(&self.key(client));
            if let Some(received) = inbox.and_then(VecDeque::pop_front) {
                return Ok(received);
            }
            let line = self.line(&format!("{client}: {what}"))?;
            self.note(&line)?;
        }
    }

    /// As if it had not been received yet.
    pub fn put_back(&mut self, client: &str, received: Received) {
        let inbox = self.inboxes.entry(self.key(client)).or_default();
        inbox.push_front(received);
    }

    fn key(&self, client: &str) -> String {
        format!("{client} of {}", self.case)
    }

    /// What came and nobody asked for.
    pub fn unread(&mut self) -> Vec<Message> {
        self.inboxes
            .values_mut()
            .flat_map(|inbox| inbox.drain(..))
            .map(|(message, _)| message)
            .collect()
    }

    fn note(&mut self, line: &Value) -> Result<(), String> {
        let client = line["client"].as_str().unwrap_or_default().to_owned();
        let message = Message::read(&line["message"]).ok_or(format!("not understood: {line}"))?;
        let properties = line["message"]["properties"].clone();
        let inbox = self.inboxes.entry(client).or_default();
        inbox.push_back((message, properties));
        Ok(())
    }

    fn line(&self, what: &str) -> Result<Value, String> {
        let line = self.lines.recv_timeout(PATIENT);
        line.map_err(|error| format!("not within {PATIENT:?} ({error}): {what}"))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(output: ChildStdout, sender: &Sender<Value>) {
    for line in BufReader::new(output).lines() {
        let Ok(line) = line else { return };
        let value = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "said": line }));
        if sender.send(value).is_err() {
            return;
        }
    }
}
