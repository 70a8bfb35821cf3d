//! A census as bytes: buckets by their distance from the one before, so that one takes three bytes or four.

use std::collections::BTreeMap;

use super::{Bucket, Census, MOST_BUCKETS, MOST_CROWDED, MOST_SHARDS};
use crate::addresses::{Family, canonical};
use crate::bytes::{BytesError, Reader, bad, put_address, put_number};
use crate::slicing::PrefixLengths;

impl Census {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.extend([self.lengths.v4, self.lengths.v6]);
        for family in [Family::V4, Family::V6] {
            let of_family = || {
                let all = self.buckets.iter();
                all.filter(move |(bucket, _)| bucket.family == family)
            };
            put_number(out, of_family().count() as u128);
            let mut next = 0;
            for (bucket, clients) in of_family() {
                put_number(out, bucket.prefix - next);
                put_number(out, *clients);
                // the last bucket of all has none behind it
                next = bucket.prefix.saturating_add(1);
            }
        }
        put_number(out, self.addresses.len() as u128);
        for (address, clients) in &self.addresses {
            put_address(out, *address);
            put_number(out, *clients);
        }
        put_number(out, self.shards.len() as u128);
        for (shard, clients) in &self.shards {
            put_number(out, *shard);
            put_number(out, *clients);
        }
        put_number(out, self.inside);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, BytesError> {
        let lengths = PrefixLengths {
            v4: reader.byte("prefix length v4")?,
            v6: reader.byte("prefix length v6")?,
        };
        let mut census = Self::empty(lengths);
        if census.lengths != lengths {
            return Err(bad("prefix length", "it is out of bounds"));
        }
        for family in [Family::V4, Family::V6] {
            read_buckets(reader, family, &mut census)?;
        }
        for _ in 0..reader.count("addresses", MOST_CROWDED)? {
            let address = reader.address("address")?;
            if canonical(address) != address {
                return Err(bad("address", "it is an IPv4 address in the form of IPv6"));
            }
            put_count(reader, &mut census.addresses, address)?;
        }
        for _ in 0..reader.count("shards", MOST_SHARDS)? {
            let shard = reader.fitting("shard")?;
            put_count(reader, &mut census.shards, shard)?;
        }
        census.inside = reader.fitting("inside")?;
        Ok(census)
    }
}

fn read_buckets(
    reader: &mut Reader<'_>,
    family: Family,
    census: &mut Census,
) -> Result<(), BytesError> {
    let length = u32::from(family.of(census.lengths));
    let last = u128::MAX >> (u128::BITS - length);
    let mut next = 0_u128;
    for _ in 0..reader.count("buckets", MOST_BUCKETS - census.buckets.len())? {
        let prefix = next.checked_add(reader.number("bucket")?);
        let prefix = prefix.filter(|prefix| *prefix <= last);
        let prefix = prefix.ok_or(bad("bucket", "it is longer than its prefix"))?;
        put_count(reader, &mut census.buckets, Bucket { family, prefix })?;
        next = prefix.saturating_add(1);
    }
    Ok(())
}

/// Reads the count of a key that was not there before.
fn put_count<Key: Ord>(
    reader: &mut Reader<'_>,
    counts: &mut BTreeMap<Key, u32>,
    key: Key,
) -> Result<(), BytesError> {
    let clients = reader.fitting("clients")?;
    if clients == 0 {
        return Err(bad("clients", "it is 0"));
    }
    match counts.insert(key, clients) {
        None => Ok(()),
        Some(_) => Err(bad("clients", "one key comes twice")),
    }
}
