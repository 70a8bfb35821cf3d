//! From which the same table is cut in every process.

use std::sync::Arc;

use super::cut::Cut;
use super::{Seed, SlicePlan, SliceTable, SlicingErrors};
use crate::bytes::BytesError;
use crate::census::Census;
use crate::report::ReopeningNumber;
use crate::stable::StableHash;

/// A census at all its bounds takes less than 1 MiB; the rest is for long lists of ranges.
pub const MOST_SPEC_BYTES: usize = 4 << 20;

/// A slicing, the census that it is cut by, and whether addresses are trusted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TableSpec {
    plan: SlicePlan,
    census: Arc<Census>,
    /// `false`: whatever the slicing, by client id.
    trusted: bool,
    cut: Arc<Cut>,
    hash: u64,
}

/// Which spec a reopening is cut by. Of two, the greater wins: of the later reopening, or with the greater hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFor {
    pub reopening: ReopeningNumber,
    pub spec: TableSpec,
}

/// Why bytes are no spec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    #[error("failed to read a slice table: {bytes} bytes are over the limit of {MOST_SPEC_BYTES}")]
    TooLarge { bytes: usize },
    #[error("failed to read a slice table: format {0} is unknown")]
    Format(u8),
    #[error("failed to read a slice table")]
    Bytes(#[from] BytesError),
    #[error("failed to read a slice table")]
    Slicing(#[from] SlicingErrors),
}

impl TableSpec {
    pub(super) fn new(plan: SlicePlan, census: Census, trusted: bool) -> Self {
        let cut = Arc::new(Cut::new(&plan, &census, trusted));
        let mut spec = Self {
            plan,
            census: Arc::new(census),
            trusted,
            cut,
            hash: 0,
        };
        // Every part is in the bytes, each at its only place.
        spec.hash = StableHash::new(0).bytes(&spec.encode()).finish();
        spec
    }

    /// The slices of one reopening.
    pub fn table(&self, seed: Seed) -> SliceTable {
        SliceTable::new(self, seed)
    }

    pub fn slices(&self) -> u32 {
        self.cut.slices()
    }

    pub fn plan(&self) -> &SlicePlan {
        &self.plan
    }

    pub fn census(&self) -> &Census {
        &self.census
    }

    pub fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// Equal in two processes when their specs are the same.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn cut(&self) -> &Arc<Cut> {
        &self.cut
    }
}

impl PartialEq for TableSpec {
    fn eq(&self, other: &Self) -> bool {
        (&self.plan, &self.census, self.trusted) == (&other.plan, &other.census, other.trusted)
    }
}

impl Eq for TableSpec {}

impl TableFor {
    fn rank(&self) -> (ReopeningNumber, u64) {
        (self.reopening, self.spec.hash())
    }

    /// Puts the greater of the two in place. `true`: it is another now.
    pub fn adopt(current: &mut Option<Self>, other: &Self) -> bool {
        let wins = current
            .as_ref()
            .is_none_or(|current| other.rank() > current.rank());
        if wins {
            *current = Some(other.clone());
        }
        wins
    }
}
