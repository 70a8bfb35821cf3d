//! How addresses find their slices.

use super::build::SlicingType;
use super::reader::Reader;
use super::types::{AddressRange, PrefixLengths, Slices, Slicing};

pub(super) fn slicing(section: &Reader<'_>, slices: Option<Slices>) -> Option<Slicing> {
    let kind = section.one("type");
    let (v4, v6) = (section.one("prefixLengthV4"), section.one("prefixLengthV6"));
    let sections = section.subs("ranges");
    let ranges: Vec<Option<AddressRange>> = sections.iter().map(range).collect();
    for (at, (section, range)) in sections.iter().zip(&ranges).enumerate() {
        let (Some(range), Some(before)) = (range, ranges.get(..at)) else {
            continue;
        };
        if before
            .iter()
            .flatten()
            .any(|other| other.name == range.name)
        {
            section.note(
                "name",
                format!(
                    "{} is the name of an earlier range; names are unique",
                    range.name
                ),
            );
        }
    }
    check_count(section, kind, ranges.len(), slices);
    let within = PrefixLengths { v4: v4?, v6: v6? };
    match kind? {
        SlicingType::PrefixHash => Some(Slicing::PrefixHash(within)),
        SlicingType::CidrList => Some(Slicing::CidrList {
            ranges: ranges.into_iter().collect::<Option<_>>()?,
            within,
        }),
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
        Some(SlicingType::PrefixHash) if ranges > 0 => section.note(
            "ranges",
            "is not allowed with type PrefixHash; allowed: no ranges, or type CIDRList",
        ),
        _ => {}
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
