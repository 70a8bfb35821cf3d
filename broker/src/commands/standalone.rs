//! `herdgate standalone`.

use super::RunOptions;
use crate::config::Standalone;
use crate::metrics::Metrics;

/// Runs until it is told to end.
pub fn run(_config: Standalone, _metrics: Metrics, _options: &RunOptions) -> anyhow::Result<()> {
    anyhow::bail!("failed to start: this role is not built yet")
}
