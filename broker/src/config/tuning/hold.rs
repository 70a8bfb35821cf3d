//! How long a socket is held that nobody can let in.

use herdgate_admission::tuning::HoldTuning;

use crate::config::reader::Reader;

pub(super) fn hold(section: &Reader<'_>) -> Option<HoldTuning> {
    let (least_percent, margin) = (section.one("leastPercent"), section.one("margin"));
    Some(HoldTuning {
        least_percent: least_percent?,
        margin: margin?,
    })
}
