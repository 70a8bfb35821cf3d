//! Whether the edges will be able to cut the address space as wanted: they are asked by their own code.

use herdgate_admission::slicing::{
    MAX_SLICES, NamedRange, PrefixLengths, SlicePlan, Slicing, SlicingError,
};
use herdgate_crds::Admission;

use super::{Problems, Range};

/// In each mode: an edge in mode `Open` reads the slicing as well.
pub(super) fn check(admission: &Admission, ranges: &[Range], problems: &mut Problems) {
    if ranges.is_empty() {
        return;
    }
    let named = ranges.iter().map(|range| NamedRange {
        name: range.name.clone(),
        cidrs: range.cidrs.clone(),
    });
    let slicing = Slicing::CidrList {
        ranges: named.collect(),
        prefix: PrefixLengths::default(),
    };
    let slices = u32::try_from(admission.slices).unwrap_or(MAX_SLICES);
    if let Err(errors) = SlicePlan::new(slices, &slicing) {
        for error in &errors.0 {
            add(error, problems);
        }
    }
}

fn add(error: &SlicingError, problems: &mut Problems) {
    let mut range = |index: &usize, field: &str, text: String| {
        problems.add(
            format!("spec.admission.slicing.ranges[{index}].{field}"),
            text,
        );
    };
    match error {
        SlicingError::TooManyRanges { ranges, .. } => {
            let text = format!(
                "must be more than {ranges}: each range and the rest of the addresses need one slice"
            );
            problems.add("spec.admission.slices", text);
        }
        SlicingError::NameTaken { index, .. } => {
            range(
                index,
                "name",
                "must be used once, and must not be 'others'".into(),
            );
        }
        SlicingError::Overlap { index, other, .. } => {
            range(
                index,
                "cidrs",
                format!("must not overlap those of '{other}'"),
            );
        }
        // told by the checks of single fields
        SlicingError::Slices(_)
        | SlicingError::PrefixV4(_)
        | SlicingError::PrefixV6(_)
        | SlicingError::NoRanges
        | SlicingError::NoName { .. }
        | SlicingError::NoCidrs { .. } => {}
    }
}
