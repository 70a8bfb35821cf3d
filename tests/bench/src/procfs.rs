//! What processes cost, as the kernel counts it.

use std::fs;

use anyhow::Context as _;

/// `/proc/PID/stat` counts in hundredths of a second on every Linux (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time so far, all threads, in seconds.
pub fn cpu_seconds(processes: &[u32]) -> anyhow::Result<f64> {
    processes.iter().map(|pid| cpu_of(&pid.to_string())).sum()
}

/// The same of this process.
pub(crate) fn own_cpu_seconds() -> anyhow::Result<f64> {
    cpu_of("self")
}

fn cpu_of(pid: &str) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("failed to read {path}: the process is gone"))?;
    ticks(&text)
        .map(|ticks| ticks / TICKS_PER_SECOND)
        .with_context(|| format!("failed to understand {path}"))
}

/// Fields 14 and 15; the name in field 2 may hold spaces.
fn ticks(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

/// Anonymous memory that is resident, in bytes: heaps and stacks, without code and without the kernel's part.
pub(crate) fn user_memory(processes: &[u32]) -> anyhow::Result<f64> {
    processes.iter().map(|pid| memory_of(*pid)).sum()
}

fn memory_of(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("failed to read {path}: the process is gone"))?;
    anonymous(&text).with_context(|| format!("failed to understand {path}"))
}

fn anonymous(smaps: &str) -> Option<f64> {
    let line = smaps
        .lines()
        .find_map(|line| line.strip_prefix("Pss_Anon:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_behind_a_name_with_spaces_and_brackets() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 9 9 20 0 1 0 100 1 1";
        assert_eq!(ticks(stat), Some(300.0));
        assert_eq!(ticks("7 (a"), None);
    }

    #[test]
    fn reads_anonymous_memory() {
        let smaps =
            "00 rollup\nRss: 900 kB\nPss_Dirty: 10 kB\nPss_Anon:      12 kB\nPss_File: 1 kB\n";
        assert_eq!(anonymous(smaps), Some(12_288.0));
        assert_eq!(anonymous(""), None);
    }

    #[test]
    fn this_process_costs_something() {
        let own = std::process::id();
        assert!(user_memory(&[own]).unwrap() > 0.0);
        assert!(cpu_seconds(&[own]).is_ok() && own_cpu_seconds().is_ok());
    }
}
