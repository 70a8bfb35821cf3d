//! Whether the swarm itself was fast enough to be believed.

use std::time::Duration;

use serde::Serialize;

use crate::tally::Verdict;

/// How often the loop is asked whether it is late.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// How long one reading of CPU time covers.
const WINDOW: Duration = Duration::from_secs(1);
/// A window is busy when the thread ran for this share of it.
const BUSY: f64 = 0.95;
/// This share of busy windows is too many: a burst of a second or two belongs to a herd.
const BUSY_WINDOWS: f64 = 0.25;
/// The loop may be late by a tenth of the patience at its p99: the fleet's own timers would be off by as much.
const LAG_PER_PATIENCE: u32 = 10;
/// Lags beyond this all count as this: ten seconds is void anyway.
const MAX_LAG_MS: usize = 10_000;

/// The thread's CPU time and memory, as the kernel tells them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Reading {
    /// Time on a CPU.
    pub(crate) ran: Duration,
    /// Resident memory.
    pub(crate) memory_bytes: u64,
}

/// Collects lags and CPU readings.
#[derive(Debug)]
pub(crate) struct Meter {
    began: Duration,
    at_beginning: Reading,
    window_began: Duration,
    at_window: Reading,
    latest: (Duration, Reading),
    windows: u32,
    busy_windows: u32,
    /// Samples per millisecond of lag.
    lags: Vec<u32>,
}

/// What the meter saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Load {
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    /// Seconds of which the swarm ran for over 95 %.
    pub(crate) busy_windows: u32,
    pub(crate) windows: u32,
    pub(crate) lag_p50_ms: u32,
    pub(crate) lag_p99_ms: u32,
    pub(crate) lag_max_ms: u32,
    pub(crate) memory_mib: u64,
}

impl Meter {
    pub(crate) fn new(now: Duration, reading: Reading) -> Self {
        Self {
            began: now,
            at_beginning: reading,
            window_began: now,
            at_window: reading,
            latest: (now, reading),
            windows: 0,
            busy_windows: 0,
            lags: vec![0; MAX_LAG_MS + 1],
        }
    }

    /// One look at the loop: it slept for a tick and woke up `lag` late. A late loop also missed the looks in between,
    /// and they count as what they would have seen.
    pub(crate) fn lag(&mut self, mut lag: Duration) {
        loop {
            let ms = usize::try_from(lag.as_millis())
                .unwrap_or(MAX_LAG_MS)
                .min(MAX_LAG_MS);
            self.lags[ms] += 1;
            match lag.checked_sub(TICK) {
                Some(rest) if !rest.is_zero() => lag = rest,
                _ => return,
            }
        }
    }

    /// Whether a window is full and a reading is wanted.
    pub(crate) fn wants_reading(&self, now: Duration) -> bool {
        now.saturating_sub(self.window_began) >= WINDOW
    }

    pub(crate) fn read(&mut self, now: Duration, reading: Reading) {
        let wall = now.saturating_sub(self.window_began).as_secs_f64();
        let ran = reading.ran.saturating_sub(self.at_window.ran).as_secs_f64();
        self.windows += 1;
        self.busy_windows += u32::from(ran > BUSY * wall);
        self.window_began = now;
        self.at_window = reading;
        self.latest = (now, reading);
    }

    /// The last reading of a passage; its window is not full and is not judged.
    pub(crate) fn finish(&mut self, now: Duration, reading: Reading) {
        self.latest = (now, reading);
    }

    pub(crate) fn load(&self) -> Load {
        let (now, reading) = self.latest;
        Load {
            seconds: now.saturating_sub(self.began).as_secs_f64(),
            cpu_seconds: reading
                .ran
                .saturating_sub(self.at_beginning.ran)
                .as_secs_f64(),
            busy_windows: self.busy_windows,
            windows: self.windows,
            lag_p50_ms: self.lag_quantile(50),
            lag_p99_ms: self.lag_quantile(99),
            lag_max_ms: self.lag_quantile(100),
            memory_mib: reading.memory_bytes >> 20,
        }
    }

    fn lag_quantile(&self, percent: u64) -> u32 {
        let total: u64 = self.lags.iter().map(|&count| u64::from(count)).sum();
        let rank = (total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (ms, &count) in (0_u32..).zip(&self.lags) {
            seen += u64::from(count);
            if seen >= rank {
                return ms;
            }
        }
        0
    }
}

impl Load {
    /// The share of its core that the swarm used.
    pub(crate) fn cpu_share(&self) -> f64 {
        if self.seconds > 0.0 {
            self.cpu_seconds / self.seconds
        } else {
            0.0
        }
    }

    pub(crate) fn judge(&self, patience: Duration) -> Verdict {
        let mut reasons = Vec::new();
        let limit = (patience / LAG_PER_PATIENCE).as_millis();
        if u128::from(self.lag_p99_ms) > limit {
            reasons.push(format!(
                "the swarm's loop was late by {} ms at its p99; {limit} ms are allowed",
                self.lag_p99_ms
            ));
        }
        if f64::from(self.busy_windows) > BUSY_WINDOWS * f64::from(self.windows) {
            reasons.push(format!(
                "the swarm's core was full in {} of {} seconds",
                self.busy_windows, self.windows
            ));
        }
        if reasons.is_empty() {
            Verdict::Valid
        } else {
            Verdict::Void { reasons }
        }
    }
}

/// Reads the calling thread's CPU time and the process's memory; zeros where the kernel does not tell.
pub(crate) fn read_self() -> Reading {
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .map_or(Duration::ZERO, Duration::from_nanos);
    let memory_kib: u64 = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|text| {
            text.lines()
                .find_map(|line| line.strip_prefix("VmRSS:"))?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    Reading {
        ran,
        memory_bytes: memory_kib << 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn reading(ran: f64) -> Reading {
        Reading {
            ran: Duration::from_secs_f64(ran),
            memory_bytes: 3 << 20,
        }
    }

    #[test]
    fn a_quiet_loop_is_valid() {
        let mut meter = Meter::new(Duration::ZERO, reading(0.0));
        for _ in 0..1_000 {
            meter.lag(Duration::from_millis(1));
        }
        for second in 1_u32..=10 {
            let ran = 0.5 * f64::from(second);
            meter.read(Duration::from_secs(second.into()), reading(ran));
        }
        let load = meter.load();
        assert_eq!(
            (
                load.lag_p99_ms,
                load.windows,
                load.busy_windows,
                load.memory_mib
            ),
            (1, 10, 0, 3)
        );
        assert_eq!(load.judge(PATIENCE), Verdict::Valid);
        assert!((load.cpu_share() - 0.5).abs() < 1e-9);
    }

    #[test]
    fn one_long_stall_weighs_as_long_as_it_lasted() {
        let mut meter = Meter::new(Duration::ZERO, reading(0.0));
        for _ in 0..1_000 {
            meter.lag(Duration::ZERO);
        }
        meter.lag(Duration::from_secs(2));
        let load = meter.load();
        assert!(load.lag_p99_ms > 1_000, "{load:?}");
        assert!(matches!(load.judge(PATIENCE), Verdict::Void { .. }));
    }

    #[test]
    fn a_full_core_is_void_and_a_short_burst_is_not() {
        let mut meter = Meter::new(Duration::ZERO, reading(0.0));
        meter.read(Duration::from_secs(1), reading(1.0));
        for second in 2..=8 {
            meter.read(Duration::from_secs(second), reading(1.0));
        }
        assert_eq!(meter.load().judge(PATIENCE), Verdict::Valid);
        for second in 9_u32..=12 {
            let ran = f64::from(second) - 7.0;
            meter.read(Duration::from_secs(second.into()), reading(ran));
        }
        assert!(matches!(meter.load().judge(PATIENCE), Verdict::Void { .. }));
    }
}
