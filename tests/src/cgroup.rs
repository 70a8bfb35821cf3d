//! A control group with limits that a test may change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::process::Process;
use crate::setup::Setup;
use crate::skip::skip;
use crate::wait::{PATIENT, until};

const ROOT: &str = "/sys/fs/cgroup";
/// The kernel's usual one.
const PERIOD: Duration = Duration::from_millis(100);

/// Declare it before what runs in it: it goes when its last process has.
pub struct ControlGroup {
    cpu: PathBuf,
    memory: PathBuf,
}

impl ControlGroup {
    /// Without a limit as yet; `None`, said loudly, where there is no way to make one.
    pub fn new() -> Option<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("herdgate-tests-{}-{number}", std::process::id());
        let folder = |controller| Path::new(ROOT).join(controller).join(&name);
        let group = Self {
            cpu: folder("cpu"),
            memory: folder("memory"),
        };
        let made = fs::create_dir(&group.cpu).and_then(|()| fs::create_dir(&group.memory));
        if let Err(error) = made {
            skip(&format!(
                "no control group of version 1 under {ROOT}: {error}"
            ));
            return None;
        }
        Some(group)
    }

    /// Percent of one CPU; `None`: as much as there is.
    pub fn limit_cpu(&self, percent: Option<u32>) {
        let quota = percent.map(|percent| (PERIOD * percent / 100).as_micros().to_string());
        let write = |name, text: &str| fs::write(self.cpu.join(name), text).unwrap();
        write("cpu.cfs_period_us", &PERIOD.as_micros().to_string());
        write("cpu.cfs_quota_us", quota.as_deref().unwrap_or("-1"));
    }

    /// So that what is in use now is `percent` of the limit; `None`: no limit.
    pub fn limit_memory(&self, percent: Option<u64>) {
        let used = || self.memory_in_use() * 100;
        let limit = percent.map(|percent| (used() / percent).to_string());
        let file = self.memory.join("memory.limit_in_bytes");
        fs::write(file, limit.as_deref().unwrap_or("-1")).unwrap();
    }

    /// Without what the kernel takes back when it likes.
    fn memory_in_use(&self) -> u64 {
        let read = |name| fs::read_to_string(self.memory.join(name)).unwrap();
        let stat = read("memory.stat");
        let mut lines = stat.lines();
        let file = lines.find_map(|line| line.strip_prefix("total_inactive_file "));
        let usage = read("memory.usage_in_bytes");
        usage.trim().parse::<u64>().unwrap() - file.unwrap().parse::<u64>().unwrap()
    }

    /// A process in it that takes all the CPU it can get.
    pub fn hog(&self, setup: &Setup) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{} && while :; do :; done", self.enter())]);
        Process::spawn("hog", command, setup.folder.path())
    }

    /// What a shell runs to be in it.
    pub(crate) fn enter(&self) -> String {
        let folders = [&self.cpu, &self.memory].map(|folder| folder.join("cgroup.procs"));
        let [cpu, memory] = folders.map(|file| format!("echo $$ > {}", file.display()));
        format!("{cpu} && {memory}")
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        for folder in [&self.cpu, &self.memory] {
            if std::thread::panicking() {
                let _ = fs::remove_dir(folder);
            } else {
                until("the control group is empty", PATIENT, || {
                    fs::remove_dir(folder).ok()
                });
            }
        }
    }
}
