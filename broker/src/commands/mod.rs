//! What each subcommand of `herdgate` does.

pub mod edge;
pub mod shard;
pub mod standalone;

use std::path::PathBuf;

/// What a running role is told besides its configuration.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Where the bound addresses are written once the process is ready.
    pub ready_file: Option<PathBuf>,
}
