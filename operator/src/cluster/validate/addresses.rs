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
    let mut ranges = Vec::with_capacity(slicing.ranges.len());
    for (index, range) in slicing.ranges.iter().enumerate() {
        if !is_name(&range.name) {
            let allowed = "must have 1 to 15 lower-case letters, digits and '-'";
            problems.add(format!("{FIELD}[{index}].name"), allowed);
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

/// What the broker's configuration takes for a name.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=15).contains(&name.len()) && name.bytes().all(plain)
}
