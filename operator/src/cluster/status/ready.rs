use super::{Address, Seen, Verdict, with_troubles};

/// Reason while everything runs and nobody can come yet.
pub(super) const ADDRESS_PENDING: &str = "AddressPending";

/// Every wanted pod serves, what they need is there, and clients can come.
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
    if let Address::Pending { service, for_long } = &seen.address {
        return Verdict::no(ADDRESS_PENDING, pending(service, *for_long));
    }
    Verdict::yes("Serving", "all edges and shards are ready")
}

fn pending(service: &str, for_long: bool) -> String {
    if for_long {
        format!(
            "Service '{service}' still has no address after more than 5 minutes: is there a balancer for type 'LoadBalancer' and for `exposure.loadBalancerClass`?"
        )
    } else {
        format!("Service '{service}' waits for its address")
    }
}
