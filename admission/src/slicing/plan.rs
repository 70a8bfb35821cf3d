//! A slicing that has been checked, from which tables are cut.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{NamedRange, OTHERS, PrefixLengths, Ranges, Seed, SliceTable, Slicing, TableSpec};
use crate::addresses::AddressMap;
use crate::census::Census;

/// More slices than this order a fleet no finer, and cost memory in every table.
pub const MAX_SLICES: u32 = 65_536;
/// An address with more clients stands for a carrier's network: as many as one slice is meant to have.
pub const DEFAULT_CROWD: u32 = 32;

/// One thing wrong with a slicing. Field names are those below `admission` in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlicingError {
    #[error("slices: {0} is not a power of two from 1 to {MAX_SLICES}")]
    Slices(u32),
    #[error("slicing.prefixLengthV4: {0} is not from 1 to 32")]
    PrefixV4(u8),
    #[error("slicing.prefixLengthV6: {0} is not from 1 to 128")]
    PrefixV6(u8),
    #[error("slicing.ranges: a CIDRList needs at least one range")]
    NoRanges,
    #[error(
        "slicing.ranges: {ranges} ranges and the addresses that match none need a slice each, but slices is {slices}"
    )]
    TooManyRanges { ranges: usize, slices: u32 },
    #[error("slicing.ranges[{index}].name: must not be empty")]
    NoName { index: usize },
    #[error(
        "slicing.ranges[{index}].name: {name:?} is taken by another range or by the addresses that match none"
    )]
    NameTaken { index: usize, name: String },
    #[error("slicing.ranges[{index}].cidrs: range {name:?} needs at least one CIDR")]
    NoCidrs { index: usize, name: String },
    #[error("slicing.ranges[{index}].cidrs: range {name:?} overlaps range {other:?}")]
    Overlap {
        index: usize,
        name: String,
        other: String,
    },
}

/// Everything wrong with a slicing, at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to cut the address space: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct SlicingErrors(pub Vec<SlicingError>);

/// A slicing that can be cut for any reopening. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SlicePlan {
    slices: u32,
    crowd: u32,
    slicing: Arc<Slicing>,
    ranges: Arc<Ranges>,
}

impl SlicePlan {
    /// `slices`: the least number; a census of many clients makes more.
    pub fn new(slices: u32, slicing: &Slicing) -> Result<Self, SlicingErrors> {
        let list = match slicing {
            Slicing::CidrList { ranges, .. } => Some(ranges.as_slice()),
            Slicing::PrefixHash(_) | Slicing::Ranges(_) | Slicing::ClientIdHash => None,
        };
        let mut errors = Vec::new();
        check_numbers(slices, slicing.prefix(), &mut errors);
        check_names(slices, list, &mut errors);
        let list = list.unwrap_or_default();
        let addresses = AddressMap::new(list.iter().map(|range| range.cidrs.as_slice()))
            .unwrap_or_else(|overlaps| {
                errors.extend(overlaps.iter().map(|overlap| {
                    let (index, earlier) = (overlap.later as usize, overlap.earlier as usize);
                    SlicingError::Overlap {
                        index,
                        name: list[index].name.clone(),
                        other: list[earlier].name.clone(),
                    }
                }));
                AddressMap::default()
            });
        if !errors.is_empty() {
            return Err(SlicingErrors(errors));
        }
        let names = list.iter().map(|range| range.name.clone());
        let names = names.chain([OTHERS.to_owned()]).collect();
        Ok(Self {
            slices,
            crowd: DEFAULT_CROWD,
            slicing: Arc::new(in_one_form(slicing)),
            ranges: Arc::new(Ranges { names, addresses }),
        })
    }

    /// An address with more clients than `crowd` is sliced by client id.
    #[must_use]
    pub fn with_crowd(self, crowd: u32) -> Self {
        Self { crowd, ..self }
    }

    /// The least number of slices.
    pub fn slices(&self) -> u32 {
        self.slices
    }

    pub fn crowd(&self) -> u32 {
        self.crowd
    }

    pub fn slicing(&self) -> &Slicing {
        &self.slicing
    }

    /// What is cut by a census. Not `trusted`: addresses are not those of clients.
    pub fn spec(&self, census: Census, trusted: bool) -> TableSpec {
        TableSpec::new(self.clone(), census, trusted)
    }

    /// The slices of one reopening when nothing is known of the clients.
    pub fn table(&self, seed: Seed) -> SliceTable {
        let census = Census::empty(self.slicing.prefix());
        self.spec(census, true).table(seed)
    }

    pub(super) fn ranges(&self) -> &Arc<Ranges> {
        &self.ranges
    }
}

impl PartialEq for SlicePlan {
    fn eq(&self, other: &Self) -> bool {
        (self.slices, self.crowd, &self.slicing) == (other.slices, other.crowd, &other.slicing)
    }
}

impl Eq for SlicePlan {}

/// Networks without host bits: what is the same is equal.
fn in_one_form(slicing: &Slicing) -> Slicing {
    let Slicing::CidrList { ranges, prefix } = slicing else {
        return slicing.clone();
    };
    let ranges = ranges.iter().map(|range| NamedRange {
        name: range.name.clone(),
        cidrs: (range.cidrs.iter().copied())
            .map(crate::addresses::canonical_net)
            .collect(),
    });
    Slicing::CidrList {
        ranges: ranges.collect(),
        prefix: *prefix,
    }
}

fn check_numbers(slices: u32, prefix: PrefixLengths, errors: &mut Vec<SlicingError>) {
    if !slices.is_power_of_two() || slices > MAX_SLICES {
        errors.push(SlicingError::Slices(slices));
    }
    if !(1..=32).contains(&prefix.v4) {
        errors.push(SlicingError::PrefixV4(prefix.v4));
    }
    if !(1..=128).contains(&prefix.v6) {
        errors.push(SlicingError::PrefixV6(prefix.v6));
    }
}

fn check_names(slices: u32, named: Option<&[NamedRange]>, errors: &mut Vec<SlicingError>) {
    let Some(named) = named else { return };
    if named.is_empty() {
        errors.push(SlicingError::NoRanges);
    }
    if named.len() >= slices as usize {
        errors.push(SlicingError::TooManyRanges {
            ranges: named.len(),
            slices,
        });
    }
    let mut taken = BTreeSet::from([OTHERS]);
    for (index, range) in named.iter().enumerate() {
        let name = range.name.clone();
        if name.is_empty() {
            errors.push(SlicingError::NoName { index });
        } else if !taken.insert(&range.name) {
            errors.push(SlicingError::NameTaken {
                index,
                name: name.clone(),
            });
        }
        if range.cidrs.is_empty() {
            errors.push(SlicingError::NoCidrs { index, name });
        }
    }
}
