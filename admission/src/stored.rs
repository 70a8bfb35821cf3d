//! What of admission survives a shard's restart, as one file's bytes: checked as a whole, so that it is all there or
//! nothing is.

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::bytes::{BytesError, Reader, bad, put_bytes, put_number};
use crate::progress::AddressTrust;
use crate::report::ReopeningNumber;
use crate::slicing::{MOST_SPEC_BYTES, SpecError, TableFor, TableSpec};
use crate::stable::StableHash;

/// What the file begins with.
const MAGIC: &[u8; 8] = b"herdgate";
/// Another one when the bytes mean something else.
const VERSION: u8 = 1;
/// Two tables and a few numbers.
pub const MOST_STORED_BYTES: usize = 2 * MOST_SPEC_BYTES + 1024;

/// What a shard knows that its next start must know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The highest that this shard has served.
    pub reopening: ReopeningNumber,
    /// What the last reopening was cut by.
    pub current: Option<TableFor>,
    /// What the next one will be; the census is in it.
    pub next: Option<TableSpec>,
    /// When that census was taken, in seconds since 1970; 0: not known.
    pub taken: u64,
    pub trust: AddressTrust,
    pub limits: Limits,
}

/// What the fleet and the machine were found to be like, so that the next reopening need not find out again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How long the fleet's clients wait for a CONNACK; `None`: not learned.
    pub patience: Option<Duration>,
    /// The last good entering limit of all edges together; 0: not known.
    pub entering: u32,
    /// The last good settle limit of this shard; 0: not known.
    pub settling: u32,
}

/// Why a file is no state of a shard; it is then as if there were none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    #[error("failed to read the stored admission: it does not begin as one")]
    Magic,
    #[error("failed to read the stored admission: version {0} is not {VERSION}")]
    Version(u8),
    #[error("failed to read the stored admission: its checksum does not match")]
    Checksum,
    #[error("failed to read the stored admission")]
    Table(#[from] SpecError),
}

impl From<BytesError> for StoredError {
    fn from(error: BytesError) -> Self {
        Self::Table(SpecError::from(error))
    }
}

impl Stored {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        put_number(&mut out, self.reopening.0);
        put_optional(&mut out, self.current.as_ref().map(TableFor::encode));
        put_optional(&mut out, self.next.as_ref().map(TableSpec::encode));
        put_number(&mut out, self.taken);
        out.push(self.trust.code());
        let patience = self.limits.patience.unwrap_or_default();
        put_number(&mut out, patience.as_micros());
        put_number(&mut out, self.limits.entering);
        put_number(&mut out, self.limits.settling);
        let checksum = checksum(&out);
        out.extend(checksum);
        out
    }

    /// Never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoredError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(StoredError::Magic)?;
        match rest.first() {
            Some(&VERSION) => {}
            Some(other) => return Err(StoredError::Version(*other)),
            None => return Err(StoredError::Checksum),
        }
        let body = bytes.len().checked_sub(CHECKSUM);
        let (body, sum) = body
            .and_then(|body| bytes.split_at_checked(body))
            .ok_or(StoredError::Checksum)?;
        let fields = body.get(MAGIC.len() + 1..).ok_or(StoredError::Checksum)?;
        if sum != checksum(body) {
            return Err(StoredError::Checksum);
        }
        let mut reader = Reader::new(fields);
        let stored = Self {
            reopening: ReopeningNumber(reader.fitting("reopening")?),
            current: optional(&mut reader, TableFor::decode)?,
            next: optional(&mut reader, TableSpec::decode)?,
            taken: reader.fitting("taken")?,
            trust: AddressTrust::of_code(reader.byte("trust")?)
                .ok_or(bad("trust", "it is unknown"))?,
            limits: limits(&mut reader)?,
        };
        reader.end()?;
        Ok(stored)
    }
}

fn limits(reader: &mut Reader<'_>) -> Result<Limits, BytesError> {
    let patience = Duration::from_micros(reader.fitting("patience")?);
    Ok(Limits {
        patience: (!patience.is_zero()).then_some(patience),
        entering: reader.fitting("entering")?,
        settling: reader.fitting("settling")?,
    })
}

fn put_optional(out: &mut Vec<u8>, bytes: Option<Vec<u8>>) {
    out.push(bytes.is_some().into());
    if let Some(bytes) = bytes {
        put_bytes(out, &bytes);
    }
}

fn optional<T>(
    reader: &mut Reader<'_>,
    decode: fn(&[u8]) -> Result<T, SpecError>,
) -> Result<Option<T>, SpecError> {
    if !reader.flag("table")? {
        return Ok(None);
    }
    decode(reader.bytes("table")?).map(Some)
}

const CHECKSUM: usize = 8;

/// Against a disk's mistakes and files cut short, not against people.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let hash = StableHash::new(u64::from(VERSION)).bytes(bytes);
    hash.finish().to_be_bytes()
}
