//! A table's spec as bytes.

use super::{
    MOST_SPEC_BYTES, NamedRange, PrefixLengths, SlicePlan, Slicing, SpecError, TableFor, TableSpec,
};
use crate::bytes::{BytesError, Reader, bad, put_bytes, put_net, put_number};
use crate::census::Census;
use crate::report::ReopeningNumber;

/// Another one when the bytes mean something else.
const FORMAT: u8 = 1;
/// Networks of one range; the address list of a whole country has some ten thousand.
const MOST_CIDRS: usize = 1 << 20;

impl TableSpec {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        self.plan().put(&mut out);
        out.push(self.is_trusted().into());
        self.census().put(&mut out);
        out
    }

    /// Never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, SpecError> {
        let mut reader = Reader::new(bytes);
        let spec = Self::read(&mut reader, bytes.len())?;
        reader.end()?;
        Ok(spec)
    }

    fn read(reader: &mut Reader<'_>, bytes: usize) -> Result<Self, SpecError> {
        if bytes > MOST_SPEC_BYTES {
            return Err(SpecError::TooLarge { bytes });
        }
        match reader.byte("format")? {
            FORMAT => {}
            other => return Err(SpecError::Format(other)),
        }
        let plan = SlicePlan::read(reader)?;
        let trusted = reader.flag("trusted")?;
        let census = Census::read(reader)?;
        Ok(plan.spec(census, trusted))
    }
}

impl TableFor {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.reopening.0.to_be_bytes().to_vec();
        out.extend(self.spec.encode());
        out
    }

    /// Never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, SpecError> {
        let mut reader = Reader::new(bytes);
        let number = reader.take(8, "reopening")?;
        let number = number
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte));
        Ok(Self {
            reopening: ReopeningNumber(number),
            spec: TableSpec::decode(&bytes[8..])?,
        })
    }
}

impl SlicePlan {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_number(out, self.slices());
        put_number(out, self.crowd());
        let slicing = self.slicing();
        out.push(match slicing {
            Slicing::PrefixHash(_) => 0,
            Slicing::CidrList { .. } => 1,
            Slicing::Ranges(_) => 2,
            Slicing::ClientIdHash => 3,
        });
        let prefix = slicing.prefix();
        out.extend([prefix.v4, prefix.v6]);
        if let Slicing::CidrList { ranges, .. } = slicing {
            put_number(out, ranges.len() as u128);
            for range in ranges {
                put_bytes(out, range.name.as_bytes());
                put_number(out, range.cidrs.len() as u128);
                for cidr in &range.cidrs {
                    put_net(out, *cidr);
                }
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, SpecError> {
        let slices = reader.fitting("slices")?;
        let crowd = reader.fitting("crowd")?;
        let kind = reader.byte("slicing")?;
        let prefix = PrefixLengths {
            v4: reader.byte("prefix length v4")?,
            v6: reader.byte("prefix length v6")?,
        };
        let slicing = match kind {
            0 => Slicing::PrefixHash(prefix),
            1 => Slicing::CidrList {
                ranges: ranges(reader)?,
                prefix,
            },
            2 => Slicing::Ranges(prefix),
            3 if prefix == PrefixLengths::default() => Slicing::ClientIdHash,
            3 => return Err(bad("prefix length", "it is of no use to ClientIdHash").into()),
            _ => return Err(bad("slicing", "its kind is unknown").into()),
        };
        Ok(Self::new(slices, &slicing)?.with_crowd(crowd))
    }
}

fn ranges(reader: &mut Reader<'_>) -> Result<Vec<NamedRange>, BytesError> {
    let mut ranges = Vec::new();
    for _ in 0..reader.count("ranges", super::MAX_SLICES as usize)? {
        let name = reader.text("range")?.to_owned();
        let mut cidrs = Vec::new();
        for _ in 0..reader.count("networks", MOST_CIDRS)? {
            cidrs.push(reader.net("network")?);
        }
        ranges.push(NamedRange { name, cidrs });
    }
    Ok(ranges)
}
