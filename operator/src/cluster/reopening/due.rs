//! Whether what is new about a reopening is worth a write.

use std::time::Duration;

use herdgate_crds::ReopeningStatus;

/// While it goes on everything moves: people look every few seconds.
const USUALLY_EVERY: Duration = Duration::from_secs(3);
/// For what people wait for: another phase, a pause, another signal.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    Later,
}

/// `since` the last write; `None` when this operator wrote none yet.
pub(super) fn due(
    old: Option<&ReopeningStatus>,
    new: &ReopeningStatus,
    since: Option<Duration>,
) -> Due {
    let wait = match old {
        Some(old) if old == new => return Due::Later,
        Some(old) if turning_points(old) == turning_points(new) => USUALLY_EVERY,
        Some(_) => AT_MOST_EVERY,
        None => Duration::ZERO,
    };
    if since.is_none_or(|since| since >= wait) {
        Due::Now
    } else {
        Due::Later
    }
}

fn turning_points(status: &ReopeningStatus) -> impl PartialEq {
    let limiting = (status.limiting_signal.clone(), status.limiting_shard);
    (status.phase, status.paused, status.result.clone(), limiting)
}
