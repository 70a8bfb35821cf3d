//! Whose the broker's core was during the reopening: a busy machine makes any broker slow.

use std::time::{Duration, Instant};

use serde::Serialize;

/// `/proc` counts CPU time in hundredths of a second, whatever the kernel's own tick is.
const TICK: Duration = Duration::from_millis(10);
/// When others had more than this share of the broker's core, the figures are theirs as much as the broker's.
const CROWDED: f64 = 0.2;

/// The clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    at: Instant,
    core: Duration,
    broker: Duration,
}

/// What happened between two readings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Usage {
    seconds: f64,
    broker_cpu_seconds: f64,
    /// Time of the broker's core that went to other programs.
    others_cpu_seconds: f64,
}

/// Reads the clocks; `None` where the kernel does not tell.
pub(super) fn read(core: usize, broker: u32) -> Option<Reading> {
    let cores = std::fs::read_to_string("/proc/stat").ok()?;
    let process = std::fs::read_to_string(format!("/proc/{broker}/stat")).ok()?;
    Some(Reading {
        at: Instant::now(),
        core: core_time(&cores, core)?,
        broker: process_time(&process)?,
    })
}

impl Usage {
    pub(super) fn between(from: Reading, to: Reading) -> Self {
        let broker = to.broker.saturating_sub(from.broker);
        let core = to.core.saturating_sub(from.core);
        Self {
            seconds: to.at.saturating_duration_since(from.at).as_secs_f64(),
            broker_cpu_seconds: broker.as_secs_f64(),
            others_cpu_seconds: core.saturating_sub(broker).as_secs_f64(),
        }
    }

    pub(super) fn line(&self) -> String {
        let mut line = format!(
            "the broker itself   {:.1} CPU s in {:.1} s; others took {:.1} s of its core",
            self.broker_cpu_seconds, self.seconds, self.others_cpu_seconds
        );
        if self.others_cpu_seconds > CROWDED * self.seconds {
            line += "\nNOTE                this machine was busy with other work: the broker is faster on a quiet one";
        }
        line
    }
}

/// Time that the core was not idle: user, nice, system, irq, softirq and steal of its line in `/proc/stat`.
fn core_time(stat: &str, core: usize) -> Option<Duration> {
    let name = format!("cpu{core}");
    let line = stat
        .lines()
        .find(|line| line.split(' ').next() == Some(&name))?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .map_while(|word| word.parse().ok())
        .collect();
    let busy = [0, 1, 2, 5, 6, 7]
        .iter()
        .filter_map(|&index| ticks.get(index))
        .sum();
    Some(duration(busy))
}

/// utime and stime of `/proc/PID/stat`; the name before them may hold spaces and brackets.
fn process_time(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut words = after_name.split(' ').skip(11);
    let (user, system): (u64, u64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(duration(user + system))
}

fn duration(ticks: u64) -> Duration {
    TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_core_and_leaves_idle_out() {
        let stat =
            "cpu  9 9 9 9 9 9 9 9 0 0\ncpu1 1 2 3 1000 2000 4 5 6 0 0\ncpu10 7 0 0 0 0 0 0 0 0 0\n";
        assert_eq!(core_time(stat, 1), Some(Duration::from_millis(210)));
        assert_eq!(core_time(stat, 10), Some(Duration::from_millis(70)));
        assert_eq!(core_time(stat, 2), None);
    }

    #[test]
    fn reads_a_process_with_a_difficult_name() {
        let stat = "42 (her) d (gate) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 4 0 1";
        assert_eq!(process_time(stat), Some(Duration::from_secs(2)));
    }

    #[test]
    fn says_when_others_had_the_core() {
        let reading = |core, broker| Reading {
            at: Instant::now(),
            core: Duration::from_secs(core),
            broker: Duration::from_secs(broker),
        };
        let mut usage = Usage::between(reading(10, 0), reading(19, 6));
        assert_eq!(
            (usage.broker_cpu_seconds, usage.others_cpu_seconds),
            (6.0, 3.0)
        );
        usage.seconds = 10.0;
        assert!(usage.line().contains("NOTE"));
        usage.seconds = 20.0;
        assert!(!usage.line().contains("NOTE"));
    }

    #[test]
    fn reads_this_machine() {
        assert!(read(0, std::process::id()).is_some());
    }
}
