//! When a client is done coming back.

use herdgate_admission::tuning::SettleTuning;

use super::{in_order, range};
use crate::config::reader::Reader;

pub(super) fn settle(section: &Reader<'_>) -> Option<SettleTuning> {
    let quiet = range(section, "leastQuietSeconds", "mostQuietSeconds");
    let (within, quiet_gaps) = (section.one("withinSeconds"), section.one("quietGaps"));
    let ((least_quiet, most_quiet), within) = (quiet?, within?);
    let most = ("mostQuietSeconds", &most_quiet);
    in_order(section, most, ("withinSeconds", &within))?;
    Some(SettleTuning {
        within,
        least_quiet,
        most_quiet,
        quiet_gaps: quiet_gaps?,
    })
}
