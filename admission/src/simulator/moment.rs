//! Time inside a run: whole nanoseconds since its beginning, which compare and add faster than [`Duration`].

use std::time::Duration;

pub(super) type Moment = u64;

pub(super) fn moment(duration: Duration) -> Moment {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn duration(moment: Moment) -> Duration {
    Duration::from_nanos(moment)
}
