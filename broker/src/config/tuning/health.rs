//! When a process is not well.

use herdgate_admission::tuning::{HealthTuning, Line, Windows};

use super::range;
use crate::config::reader::Reader;

pub(super) fn health(section: &Reader<'_>) -> Option<HealthTuning> {
    let (bad, good) = (section.one("badWindows"), section.one("goodWindows"));
    let queue_wait = line(section, "badQueueWaitSeconds", "hardQueueWaitSeconds");
    let runtime_lag = line(section, "badRuntimeLagSeconds", "hardRuntimeLagSeconds");
    let suback = line(section, "badSubackSeconds", "hardSubackSeconds");
    let (throttled, starved) = (
        section.one("throttledPercent"),
        section.one("starvedPercent"),
    );
    let memory = range(section, "badMemoryPercent", "hardMemoryPercent");
    let (bad_memory_percent, hard_memory_percent) = memory?;
    Some(HealthTuning {
        windows: Windows {
            bad: bad?,
            good: good?,
        },
        queue_wait: queue_wait?,
        runtime_lag: runtime_lag?,
        suback: suback?,
        throttled_percent: throttled?,
        starved_percent: starved?,
        bad_memory_percent,
        hard_memory_percent,
    })
}

fn line(section: &Reader<'_>, bad: &str, hard: &str) -> Option<Line> {
    let (bad, hard) = range(section, bad, hard)?;
    Some(Line { bad, hard })
}
