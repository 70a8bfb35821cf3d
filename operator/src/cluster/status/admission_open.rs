use super::{Seen, Verdict};

/// Everybody may come in.
pub(super) fn verdict(seen: &Seen) -> Verdict {
    let Some(gate) = &seen.gate else {
        return Verdict::unknown("NoEdgeHeard", "no edge told its level");
    };
    if gate.mode == "Open" {
        return Verdict::yes("GateOff", "there is no gate in mode 'Open'");
    }
    if gate.mode == "Closed" {
        return Verdict::no("GateClosed", "in mode 'Closed' nobody is let in");
    }
    if gate.mode == "DryRun" {
        return Verdict::yes("DryRun", "in mode 'DryRun' nobody is held");
    }
    if gate.slices > 0 && gate.level >= gate.slices {
        return Verdict::yes("AllSlicesOpen", "all slices are open");
    }
    let count = format!("{} of {} slices are open", gate.level, gate.slices);
    let limited = gate
        .limiting_signal
        .as_ref()
        .map(|signal| format!("{count}, limited by {signal}"));
    if gate.paused {
        return Verdict::no("Paused", format!("{count}, paused by hand"));
    }
    if gate.stalled {
        let why = limited.unwrap_or(count);
        return Verdict::no(
            "Stalled",
            format!("{why}, which has been hard for two minutes: somebody has to act"),
        );
    }
    Verdict::no("Reopening", limited.unwrap_or(count))
}
