use super::{Seen, Verdict, with_troubles};

/// All pods run with the settings of this generation.
pub(super) fn verdict(seen: &Seen) -> Verdict {
    if let Some(failure) = &seen.failure {
        return Verdict::no(failure.reason, failure.message.clone());
    }
    if seen.paused {
        return Verdict::unknown("Paused", "nothing is applied while `spec.paused` is set");
    }
    if seen.just_applied || !seen.edge.is_rolled_out() || !seen.shard.is_rolled_out() {
        let (edge, shard) = (&seen.edge, &seen.shard);
        let message = format!(
            "{} of {} edges and {} of {} shards run with the wanted settings",
            edge.current, edge.wanted, shard.current, shard.wanted
        );
        return Verdict::no("RollingOut", with_troubles(message, &seen.troubles));
    }
    Verdict::yes("AllPodsCurrent", "all pods run with the wanted settings")
}
