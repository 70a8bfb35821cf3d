use super::{Seen, Verdict};

/// Nothing moves until somebody changes something; true is not the usual state.
pub(super) fn verdict(seen: &Seen) -> Verdict {
    match &seen.failure {
        Some(failure) if failure.permanent => Verdict::yes(failure.reason, failure.message.clone()),
        _ => Verdict::no("NotStalled", "nothing is in the way"),
    }
}
