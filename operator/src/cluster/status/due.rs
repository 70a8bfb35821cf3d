//! Whether a new status is worth a write: watchers want to see the level move, and nobody wants a write for each
//! client that comes and goes.

use std::time::Duration;

use herdgate_crds::MqttClusterStatus;

/// No more than one write in this time.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Counts that keep moving a little are told as rarely as this.
const COUNTS_EVERY: Duration = Duration::from_mins(1);
/// A change of more than one in so many is worth telling soon.
const WORTH: i64 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing is new.
    Never,
    Now,
    In(Duration),
}

/// After so long a second look tells whether a count still moves.
const SECOND_LOOK: Duration = Duration::from_secs(2);

/// `last` is what the look before saw; `since` the last write, `None` when this operator wrote none yet.
pub(crate) fn due(
    old: &MqttClusterStatus,
    last: Option<&MqttClusterStatus>,
    new: &MqttClusterStatus,
    since: Option<Duration>,
) -> Due {
    if old == new {
        return Due::Never;
    }
    let soon = without_counts(old) != without_counts(new)
        || is_ramping(new)
        || counts_moved(old, new)
        || last == Some(new);
    let wait = if soon { AT_MOST_EVERY } else { COUNTS_EVERY };
    match since.map_or(Duration::ZERO, |since| wait.saturating_sub(since)) {
        Duration::ZERO => Due::Now,
        left => Due::In(left.min(SECOND_LOOK)),
    }
}

/// What changes with every client, taken out.
fn without_counts(status: &MqttClusterStatus) -> MqttClusterStatus {
    let mut status = status.clone();
    status.clients = status.clients.map(|_| 0);
    if let Some(gate) = status.admission.as_mut() {
        (gate.held, gate.entering, gate.settling) = (0, 0, 0);
        gate.limiting_signal = None;
    }
    status
}

fn is_ramping(status: &MqttClusterStatus) -> bool {
    status
        .admission
        .as_ref()
        .is_some_and(|gate| is_moving(&gate.mode) && gate.level < gate.slices)
}

/// Whether the level can move by itself or by hand.
fn is_moving(mode: &str) -> bool {
    !matches!(mode, "Open" | "Closed")
}

fn counts_moved(old: &MqttClusterStatus, new: &MqttClusterStatus) -> bool {
    let (old, new) = (old.clients.unwrap_or(0), new.clients.unwrap_or(0));
    old.abs_diff(new).saturating_mul(WORTH.unsigned_abs()) > old.unsigned_abs()
}
