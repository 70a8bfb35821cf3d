//! What the kernel lets this process have by its control groups, and how near it is to it.

mod files;
mod places;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use herdgate_admission::health::{Allowance, PerMille, Throttling};
use rustix::time::{ClockId, clock_gettime};

use files::{CpuStat, Memory};
use places::{Place, Version};

/// Looks at the limits of this process, once a window.
#[derive(Debug)]
pub struct Allowances {
    cpu: Option<Place>,
    memory: Option<Place>,
    /// At the last look.
    last: Look,
}

/// One look at the CPU.
#[derive(Debug, Default)]
struct Look {
    /// What this process alone has had.
    used: Duration,
    /// As the folders of the place.
    stats: Vec<Option<CpuStat>>,
}

impl Allowances {
    /// Of this process.
    pub fn find() -> Self {
        Self::under(Path::new("/"))
    }

    /// As if the file system began at `root`. A limit that is not found is none.
    fn under(root: &Path) -> Self {
        let read = |name| fs::read_to_string(root.join("proc/self").join(name));
        let (groups, mounts) = match (read("cgroup"), read("mountinfo")) {
            (Ok(groups), Ok(mounts)) => (groups, mounts),
            (Err(error), _) | (_, Err(error)) => {
                tracing::debug!(%error, "failed to read the control groups of this process");
                Default::default()
            }
        };
        let find = |controller| {
            let place = places::find(controller, &groups, &mounts)?;
            let folders = place.folders.iter().map(|folder| moved(root, folder));
            Some(Place {
                folders: folders.collect(),
                ..place
            })
        };
        let mut found = Self {
            cpu: find("cpu"),
            memory: find("memory"),
            last: Look::default(),
        };
        found.last = found.look_at_cpu(used_cpu());
        found
    }

    /// Since the last look.
    pub fn look(&mut self) -> Allowance {
        self.look_when(used_cpu())
    }

    /// `used`: CPU time of the process so far.
    fn look_when(&mut self, used: Duration) -> Allowance {
        let now = self.look_at_cpu(used);
        let throttling = throttling(&self.last, &now);
        self.last = now;
        Allowance {
            throttling,
            memory: self.memory(),
        }
    }

    fn look_at_cpu(&self, used: Duration) -> Look {
        let read = |folder: &PathBuf| CpuStat::parse(&text(folder, "cpu.stat")?);
        let folders = self.cpu.iter().flat_map(|place| &place.folders);
        Look {
            used,
            stats: folders.map(read).collect(),
        }
    }

    /// Of the limits that bind, the one that is nearest.
    fn memory(&self) -> Option<PerMille> {
        let parts = self.memories().into_iter();
        parts
            .filter_map(|memory| PerMille::of(memory.used, memory.limit))
            .max()
    }

    /// Bytes that the process may have, by the least of its limits; `None`: there is none.
    pub fn memory_limit(&self) -> Option<u64> {
        let limits = self.memories().into_iter();
        limits.map(|memory| memory.limit).min()
    }

    fn memories(&self) -> Vec<Memory> {
        let Some(place) = &self.memory else {
            return Vec::new();
        };
        let (limit, usage) = match place.version {
            Version::V1 => ("memory.limit_in_bytes", "memory.usage_in_bytes"),
            Version::V2 => ("memory.max", "memory.current"),
        };
        let read = |folder: &PathBuf| {
            let stat = text(folder, "memory.stat").unwrap_or_default();
            Memory::parse(&text(folder, limit)?, &text(folder, usage)?, &stat)
        };
        place.folders.iter().filter_map(read).collect()
    }
}

/// Of the limits that bind, the one that stood in the way for longest.
fn throttling(last: &Look, now: &Look) -> Option<Throttling> {
    let used = nanos(now.used.saturating_sub(last.used));
    let pairs = last.stats.iter().zip(&now.stats);
    let pairs = pairs.filter_map(|(last, now)| last.zip(*now));
    let windows = pairs.filter_map(|(last, now)| {
        let refused = nanos(now.refused.saturating_sub(last.refused));
        Some(Throttling {
            periods: PerMille::of(
                now.throttled.saturating_sub(last.throttled),
                now.periods.saturating_sub(last.periods),
            )?,
            refused: PerMille::of(refused, refused.saturating_add(used)).unwrap_or_default(),
        })
    });
    windows.max_by_key(|window| (window.refused, window.periods))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn text(folder: &Path, name: &str) -> Option<String> {
    fs::read_to_string(folder.join(name)).ok()
}

fn moved(root: &Path, folder: &Path) -> PathBuf {
    root.join(folder.strip_prefix("/").unwrap_or(folder))
}

/// CPU time that this process has had.
fn used_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or(0),
        time.tv_nsec.try_into().unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/cgroup")
            .join(name)
    }

    /// A process that has used `used` between the recorded moments.
    fn window(version: &str, used: Duration) -> Allowance {
        let mut allowances = Allowances::under(&fixture(version));
        let before = text(&fixture(version), "before/cpu.stat").unwrap();
        allowances.last.used = Duration::from_secs(1);
        allowances.last.stats[0] = CpuStat::parse(&before);
        allowances.look_when(Duration::from_secs(1) + used)
    }

    fn per_mille(part: u64) -> PerMille {
        PerMille::of(part, 1_000).unwrap()
    }

    #[test]
    fn version_1_as_recorded_of_a_busy_process_with_a_fifth_of_a_cpu() {
        let seen = window("v1", Duration::from_millis(200));
        assert_eq!(
            seen.throttling,
            Some(Throttling {
                periods: per_mille(1_000),
                refused: per_mille(798),
            })
        );
        assert_eq!(seen.memory, Some(per_mille(614)));
        let limit = Allowances::under(&fixture("v1")).memory_limit();
        assert_eq!(limit, Some(64 << 20));
    }

    #[test]
    fn version_2_in_the_form_that_its_manual_gives() {
        let seen = window("v2", Duration::from_millis(200));
        assert_eq!(
            seen.throttling,
            Some(Throttling {
                periods: per_mille(900),
                refused: per_mille(781),
            })
        );
        assert_eq!(seen.memory, Some(per_mille(898)));
    }

    #[test]
    fn without_periods_between_two_looks_nothing_is_known() {
        let mut allowances = Allowances::under(&fixture("v1"));
        assert_eq!(allowances.look().throttling, None);
    }

    #[test]
    fn where_no_groups_are_there_are_no_limits() {
        let mut nowhere = Allowances::under(&fixture("none"));
        assert_eq!(nowhere.look(), Allowance::default());
        assert_eq!(nowhere.memory_limit(), None);
    }

    #[test]
    fn this_process_is_looked_at_without_fault() {
        let mut own = Allowances::find();
        let seen = own.look();
        assert!(seen.memory.is_none_or(|share| share <= per_mille(1_000)));
        assert!(used_cpu() > Duration::ZERO);
    }
}
