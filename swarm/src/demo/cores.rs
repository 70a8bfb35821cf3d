//! Which core is whose: a broker on one core has a herd on any machine.

use anyhow::Context as _;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores of the broker and of the fleet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cores {
    broker: usize,
    fleet: usize,
}

impl Cores {
    /// The first core this process may use is the broker's, the last one the fleet's.
    pub(super) fn choose() -> anyhow::Result<Self> {
        let allowed = sched_getaffinity(None).context("failed to ask which cores may be used")?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let broker = cores.next().context("failed to find a core")?;
        Ok(Self {
            broker,
            fleet: cores.next_back().unwrap_or(broker),
        })
    }

    pub(super) fn broker(self) -> usize {
        self.broker
    }

    /// On a single core broker and fleet take each other's time.
    pub(super) fn are_shared(self) -> bool {
        self.broker == self.fleet
    }

    pub(super) fn describe(self) -> String {
        if self.are_shared() {
            format!(
                "broker and fleet share core {}: the figures of this run are void",
                self.broker
            )
        } else {
            format!(
                "broker on core {}, fleet on core {}",
                self.broker, self.fleet
            )
        }
    }

    /// Starts a child on the broker's core: children inherit where their parent may run.
    pub(super) fn on_broker_core<T>(self, spawn: impl FnOnce() -> T) -> anyhow::Result<T> {
        pin(self.broker)?;
        let child = spawn();
        pin(self.fleet)?;
        Ok(child)
    }
}

fn pin(core: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("failed to move to core {core}"))
}
