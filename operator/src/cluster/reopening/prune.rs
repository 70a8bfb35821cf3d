use std::sync::Arc;

use herdgate_crds::Reopening;

/// Those beyond the `kept` newest; of one that goes on the record is not complete, so it stays.
pub(super) fn surplus(newest_first: &[Arc<Reopening>], kept: usize) -> Vec<Arc<Reopening>> {
    let complete = |object: &&Arc<Reopening>| {
        let status = object.status.as_ref();
        status.is_some_and(|status| status.result.is_some())
    };
    let surplus = newest_first.iter().skip(kept).filter(complete);
    surplus.cloned().collect()
}
