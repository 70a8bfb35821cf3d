//! How addresses find their slices.

use herdgate_admission::slicing as admission;
use herdgate_admission::slicing::{SlicePlan, SlicingError};

use super::build::SlicingType;
use super::reader::Reader;
use super::types::{AddressRange, PrefixLengths, Slices, Slicing};

pub(super) fn slicing(section: &Reader<'_>, slices: Option<Slices>) -> Option<Slicing> {
    let kind = section.one("type");
    let (v4, v6) = (section.one("prefixLengthV4"), section.one("prefixLengthV6"));
    let sections = section.subs("ranges");
    let ranges: Vec<Option<AddressRange>> = sections.iter().map(range).collect();
    check_plan(&sections, &ranges, slices);
    check_count(section, kind, ranges.len(), slices);
    let within = PrefixLengths { v4: v4?, v6: v6? };
    match kind? {
        SlicingType::PrefixHash => Some(Slicing::PrefixHash(within)),
        SlicingType::Ranges => Some(Slicing::Ranges(within)),
        SlicingType::ClientIdHash => Some(Slicing::ClientIdHash),
        SlicingType::CidrList => Some(Slicing::CidrList {
            ranges: ranges.into_iter().collect::<Option<_>>()?,
            within,
        }),
    }
}

/// The code that will cut the slices is asked; ranges that cannot be read are left out.
fn check_plan(sections: &[Reader<'_>], ranges: &[Option<AddressRange>], slices: Option<Slices>) {
    let readable = || {
        let each = sections.iter().zip(ranges);
        each.filter_map(|(section, range)| Some((section, range.as_ref()?)))
    };
    let list = admission::Slicing::CidrList {
        ranges: readable().map(|(_, range)| named(range)).collect(),
        prefix: admission::PrefixLengths::default(),
    };
    let slices = slices.map_or(admission::MAX_SLICES, Slices::get);
    let Err(errors) = SlicePlan::new(slices, &list) else {
        return;
    };
    for error in errors.0 {
        match error {
            SlicingError::NameTaken { index, name } => {
                if let Some((section, _)) = readable().nth(index) {
                    let text = format!(
                        "{name} is the name of an earlier range, or of the addresses that match none; names are unique"
                    );
                    section.note("name", text);
                }
            }
            SlicingError::Overlap { index, other, .. } => {
                if let Some((section, _)) = readable().nth(index) {
                    let text = format!(
                        "overlap those of range {other}; each address is in one range at most"
                    );
                    section.note("cidrs", text);
                }
            }
            // noted where the single values are read
            SlicingError::Slices(_)
            | SlicingError::PrefixV4(_)
            | SlicingError::PrefixV6(_)
            | SlicingError::NoRanges
            | SlicingError::TooManyRanges { .. }
            | SlicingError::NoName { .. }
            | SlicingError::NoCidrs { .. } => {}
        }
    }
}

fn named(range: &AddressRange) -> admission::NamedRange {
    admission::NamedRange {
        name: range.name.clone(),
        cidrs: range.cidrs.clone(),
    }
}

fn check_count(
    section: &Reader<'_>,
    kind: Option<SlicingType>,
    ranges: usize,
    slices: Option<Slices>,
) {
    match kind {
        Some(SlicingType::CidrList) if ranges == 0 => {
            section.note("ranges", "is missing; type CIDRList needs at least one");
        }
        Some(SlicingType::CidrList) | None => {}
        Some(_) if ranges == 0 => {}
        Some(other) => section.note(
            "ranges",
            format!("is not allowed with type {other:?}; allowed: no ranges, or type CIDRList"),
        ),
    }
    let Some(slices) = slices.map(Slices::get) else {
        return;
    };
    // addresses outside all ranges form one more
    if ranges + 1 > slices as usize && ranges > 0 {
        section.note(
            "ranges",
            format!(
                "{ranges} are not allowed; allowed: less than admission.slices, which is {slices}"
            ),
        );
    }
}

fn range(section: &Reader<'_>) -> Option<AddressRange> {
    let name = section.one("name");
    let cidrs = section.list("cidrs");
    if cidrs.as_ref().is_some_and(Vec::is_empty) {
        section.note("cidrs", "is missing; at least one network is needed");
    }
    Some(AddressRange {
        name: name?,
        cidrs: cidrs?,
    })
}

impl From<&Slicing> for admission::Slicing {
    fn from(ours: &Slicing) -> Self {
        let lengths = |ours: &PrefixLengths| admission::PrefixLengths {
            v4: ours.v4,
            v6: ours.v6,
        };
        match ours {
            Slicing::PrefixHash(prefix) => Self::PrefixHash(lengths(prefix)),
            Slicing::Ranges(prefix) => Self::Ranges(lengths(prefix)),
            Slicing::ClientIdHash => Self::ClientIdHash,
            Slicing::CidrList { ranges, within } => Self::CidrList {
                ranges: ranges.iter().map(named).collect(),
                prefix: lengths(within),
            },
        }
    }
}
