use std::collections::BTreeSet;

use herdgate_crds::{Slicing, SlicingType};
use ipnet::IpNet;

use super::{Problems, Range};

pub(super) fn cidrs(field: &str, texts: &[String], problems: &mut Problems) -> Vec<IpNet> {
    let mut nets = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match text.parse::<IpNet>() {
            Ok(net) if net == net.trunc() => nets.push(net),
            Ok(_) => problems.add(
                format!("{field}[{index}]"),
                "must not have bits set behind the prefix length",
            ),
            Err(_) => problems.add(
                format!("{field}[{index}]"),
                "must be a CIDR such as '198.18.0.0/15'",
            ),
        }
    }
    nets
}

pub(super) fn ranges(slicing: &Slicing, problems: &mut Problems) -> Vec<Range> {
    const FIELD: &str = "spec.admission.slicing.ranges";
    if (slicing.type_ == SlicingType::CidrList) == slicing.ranges.is_empty() {
        let text = "must be specified when `type` is 'CIDRList' and may not be specified otherwise";
        problems.add(FIELD, text);
    }
    let mut seen = BTreeSet::new();
    let mut ranges = Vec::with_capacity(slicing.ranges.len());
    for (index, range) in slicing.ranges.iter().enumerate() {
        if !seen.insert(range.name.as_str()) {
            problems.add(format!("{FIELD}[{index}].name"), "must be used once");
        }
        if range.cidrs.is_empty() {
            problems.add(format!("{FIELD}[{index}].cidrs"), "must not be empty");
        }
        let cidrs = cidrs(&format!("{FIELD}[{index}].cidrs"), &range.cidrs, problems);
        ranges.push(Range {
            name: range.name.clone(),
            cidrs,
        });
    }
    ranges
}
