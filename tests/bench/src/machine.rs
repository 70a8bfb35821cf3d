//! This machine: who runs where, and what it is.

use std::fs;

use anyhow::Context as _;
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// Of the broker under measurement, all of its processes.
pub const BROKER_CORE: usize = 0;
/// Of the load generator.
pub const LOAD_CORE: usize = 1;

/// Printed above every report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    processor: String,
    kernel: String,
    cores: usize,
    /// Of one, five and fifteen minutes, before the run.
    load_before: String,
    load_after: String,
}

impl Machine {
    pub fn look() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            processor: processor(),
            kernel: read("/proc/sys/kernel/osrelease"),
            cores,
            load_before: load(),
            load_after: String::new(),
        }
    }

    pub fn look_again(&mut self) {
        self.load_after = load();
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{}, Linux {}; load before {}, after {}",
            self.processor, self.kernel, self.load_before, self.load_after
        )
    }
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |line| {
        line.trim_start_matches([' ', '\t', ':'])
    });
    let count = text
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    format!("{count} cores of {model}")
}

fn load() -> String {
    let text = read("/proc/loadavg");
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The soft limit of open files becomes the hard one, here and in the brokers.
pub fn raise_file_limit() -> anyhow::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("failed to raise the limit of open files")
}

/// Files that a process may open.
pub(crate) fn file_limit() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}

/// This process stays on its core.
pub(crate) fn take_load_core() -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(LOAD_CORE);
    sched_setaffinity(None, &set).context("failed to take a core: two are needed")
}
