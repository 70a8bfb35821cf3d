//! When the backend that judges logins is not well.

use herdgate_admission::tuning::BackendTuning;

use crate::config::reader::Reader;

pub(super) fn backend(section: &Reader<'_>) -> Option<BackendTuning> {
    let slow = section.one("slowSeconds");
    let most_errors_percent = section.one("mostErrorsPercent");
    Some(BackendTuning {
        slow: slow?,
        most_errors_percent: most_errors_percent?,
    })
}
