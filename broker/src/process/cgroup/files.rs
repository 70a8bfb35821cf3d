//! What the files of a control group say (the kernel's `admin-guide/cgroup-v1` and `cgroup-v2.rst`, `sched-bwc.rst`).

use std::time::Duration;

/// How often a CPU limit stood in the way, since the group was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CpuStat {
    /// Periods of the limit in which the group ran.
    pub(super) periods: u64,
    /// Of these, periods in which it had used up what it may.
    pub(super) throttled: u64,
    /// For how long its threads were kept from running; threads on several CPUs add up.
    pub(super) refused: Duration,
}

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// Without file pages that the kernel takes back before it kills anybody.
    pub(super) used: u64,
    pub(super) limit: u64,
}

/// No machine has as much; version 1 writes the largest whole number of pages where there is no limit.
const NO_LIMIT: u64 = 1 << 62;

impl CpuStat {
    /// The text of `cpu.stat`, of either version. `None`: it counts no periods, as in a group without the controller.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let nanos = |key, factor: u64| Some(number(text, key)?.saturating_mul(factor));
        Some(Self {
            periods: number(text, "nr_periods")?,
            throttled: number(text, "nr_throttled")?,
            refused: Duration::from_nanos(
                nanos("throttled_time", 1).or_else(|| nanos("throttled_usec", 1_000))?,
            ),
        })
    }
}

impl Memory {
    /// `limit`, `usage`, `stat`: the texts of `memory.limit_in_bytes`, `memory.usage_in_bytes` and `memory.stat`, or of
    /// `memory.max`, `memory.current` and `memory.stat`. `None`: no limit.
    pub(super) fn parse(limit: &str, usage: &str, stat: &str) -> Option<Self> {
        let limit = limit.trim().parse().ok()?;
        let usage: u64 = usage.trim().parse().ok()?;
        // of the group and those below it, which version 1 tells apart from the group alone
        let file = number(stat, "total_inactive_file").or_else(|| number(stat, "inactive_file"));
        (0 < limit && limit < NO_LIMIT).then(|| Self {
            used: usage.saturating_sub(file.unwrap_or(0)),
            limit,
        })
    }
}

fn number(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        (name == key).then(|| value.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_count_the_same_in_other_units() {
        let v1 = "nr_periods 40\nnr_throttled 39\nthrottled_time 3100910258\nnr_bursts 0\n";
        let v2 = "usage_usec 9\nnr_periods 40\nnr_throttled 39\nthrottled_usec 3100910\n";
        let expected = |nanos| CpuStat {
            periods: 40,
            throttled: 39,
            refused: Duration::from_nanos(nanos),
        };
        assert_eq!(CpuStat::parse(v1), Some(expected(3_100_910_258)));
        assert_eq!(CpuStat::parse(v2), Some(expected(3_100_910_000)));
    }

    #[test]
    fn what_is_missing_or_no_number_is_no_signal() {
        for text in [
            "",
            "usage_usec 9\nuser_usec 8\n",
            "nr_periods 40\nnr_throttled many\nthrottled_time 1\n",
            "nr_periods 40\nnr_throttled 1\n",
            "nr_periods -1\nnr_throttled 1\nthrottled_time 1\n",
        ] {
            assert_eq!(CpuStat::parse(text), None, "{text:?}");
        }
        for limit in ["max\n", "", "0\n", "9223372036854771712\n", "-1\n"] {
            assert_eq!(Memory::parse(limit, "7\n", ""), None, "{limit:?}");
        }
        assert_eq!(Memory::parse("100\n", "much\n", ""), None);
    }

    #[test]
    fn pages_that_can_be_taken_back_do_not_count() {
        let used = |stat| Memory::parse("1000\n", "900\n", stat).map(|memory| memory.used);
        assert_eq!(used("anon 7\ninactive_file 300\n"), Some(600));
        assert_eq!(
            used("inactive_file 10\ntotal_inactive_file 300\n"),
            Some(600)
        );
        assert_eq!(used(""), Some(900));
        assert_eq!(used("inactive_file 2000\n"), Some(0));
    }
}
