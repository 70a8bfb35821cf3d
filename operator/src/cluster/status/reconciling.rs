use super::{Seen, Verdict, with_troubles};

/// The operator or the cluster's controllers are at work; true is not the usual state.
pub(super) fn verdict(seen: &Seen) -> Verdict {
    if let Some(failure) = &seen.failure {
        return if failure.permanent {
            Verdict::no("Stalled", "waiting for a change")
        } else {
            Verdict::yes("Retrying", failure.message.clone())
        };
    }
    if seen.paused {
        return Verdict::no("Paused", "nothing is applied while `spec.paused` is set");
    }
    if !seen.missing_secrets.is_empty() {
        return Verdict::yes("SecretMissing", missing(&seen.missing_secrets));
    }
    if seen.just_applied || !seen.edge.is_rolled_out() || !seen.shard.is_rolled_out() {
        let message = "pods are on their way to the wanted settings".to_owned();
        return Verdict::yes("RollingOut", with_troubles(message, &seen.troubles));
    }
    Verdict::no("UpToDate", "everything is as wanted")
}

pub(super) fn missing(secrets: &[String]) -> String {
    let names: Vec<String> = secrets.iter().map(|name| format!("'{name}'")).collect();
    match names.as_slice() {
        [one] => format!("Secret {one} does not exist"),
        more => format!("Secrets {} do not exist", more.join(", ")),
    }
}
