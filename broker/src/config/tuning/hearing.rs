//! How long processes count on each other without a word.

use herdgate_admission::tuning::HearingTuning;

use super::range;
use crate::config::reader::Reader;

pub(super) fn hearing(section: &Reader<'_>) -> Option<HearingTuning> {
    let silence = range(section, "silentSeconds", "forgetEdgeSeconds");
    let start_phase = section.one("startPhaseSeconds");
    let counts_within = section.one("countsWithin");
    let (silent_after, forget_edge_after) = silence?;
    Some(HearingTuning {
        silent_after,
        forget_edge_after,
        start_phase: start_phase?,
        counts_within: counts_within?,
    })
}
