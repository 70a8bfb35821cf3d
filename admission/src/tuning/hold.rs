//! How long a socket is held that nobody can let in.

/// Parts of the patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldTuning {
    /// Percent of the patience, and the shortest hold: a reset sooner only makes the client come sooner. The longest is the
    /// whole patience: after that the client starts again by itself.
    pub least_percent: u32,
    /// Usual times to CONNACK. A promoted client must have patience left for so many, since half of all take longer than
    /// usual.
    pub margin: u32,
}

impl Default for HoldTuning {
    fn default() -> Self {
        Self {
            least_percent: 20,
            margin: 2,
        }
    }
}
