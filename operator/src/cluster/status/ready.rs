use super::{Seen, Verdict, with_troubles};

/// Every wanted pod serves, and what they need is there.
pub(super) fn verdict(seen: &Seen) -> Verdict {
    if let Some(failure) = seen.failure.as_ref().filter(|failure| failure.permanent) {
        return Verdict::no(failure.reason, failure.message.clone());
    }
    if !seen.missing_secrets.is_empty() {
        return Verdict::no(
            "SecretMissing",
            super::reconciling::missing(&seen.missing_secrets),
        );
    }
    for (tier, one, reason) in [
        (&seen.shard, "shards", "ShardsNotReady"),
        (&seen.edge, "edges", "EdgesNotReady"),
    ] {
        if !tier.is_ready() {
            let count = format!("{} of {} {one} are ready", tier.ready, tier.wanted);
            return Verdict::no(reason, with_troubles(count, &seen.troubles));
        }
    }
    Verdict::yes("Serving", "all edges and shards are ready")
}
