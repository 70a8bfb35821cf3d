//! How many may be held, before TLS and after CONNECT, so that those who are in never pay for those who wait.

/// A held socket: 3.3 KB of its task, and 3.9 KB of the kernel's, charged to the pod as well (measured with 8,000 held
/// sockets, from `smaps_rollup` and `slabinfo`).
const HELD_BYTES: u64 = 8 << 10;
/// A client that waits after CONNECT has TLS as well.
const CLIENT_BYTES: u64 = 30 << 10;
/// Held sockets take a quarter of the memory limit at most,
const HELD_PART: u64 = 4;
/// and clients after CONNECT half as much: they are those of crowded addresses alone, and dearer.
const CLIENT_PART: u64 = 8;

/// Of the whole process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HoldBudgets {
    pub(super) sockets: u32,
    pub(super) clients: u32,
}

impl HoldBudgets {
    /// `memory`: what the process may have, in bytes; `None`: there is no limit that is known.
    pub(super) fn within(self, memory: Option<u64>) -> Self {
        let Some(memory) = memory else { return self };
        let least = |wanted: u32, part: u64, bytes: u64| {
            let fits = u32::try_from(memory / part / bytes);
            wanted.min(fits.unwrap_or(u32::MAX))
        };
        let fitting = Self {
            sockets: least(self.sockets, HELD_PART, HELD_BYTES),
            // who has no room would never come in from a crowded address
            clients: least(self.clients, CLIENT_PART, CLIENT_BYTES).max(1),
        };
        if fitting != self {
            let Self { sockets, clients } = fitting;
            tracing::info!(
                memory,
                sockets,
                clients,
                "the memory limit leaves room to hold fewer than configured"
            );
        }
        fitting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_what_is_wanted_and_what_fits() {
        let wanted = HoldBudgets {
            sockets: 20_000,
            clients: 4_000,
        };
        let fitting = |memory| {
            let fitting = wanted.within(memory);
            (fitting.sockets, fitting.clients)
        };
        assert_eq!(fitting(None), (20_000, 4_000));
        assert_eq!(fitting(Some(4 << 30)), (20_000, 4_000));
        assert_eq!(fitting(Some(256 << 20)), (8_192, 1_092));
        assert_eq!(fitting(Some(0)), (0, 1));
    }
}
