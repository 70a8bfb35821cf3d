//! What a shard is built from before its threads run.

use super::control::{ControlWires, ShardControl};
use super::core::WorkerIndex;
use super::mailbox::Mailboxes;
use super::settings::{control_settings, core_settings};
use super::state::StateFile;
use super::system::SystemTopics;
use super::worker::ShardWorker;
use crate::config::ShardSettings;
use crate::metrics::Metrics;
use crate::process::Clock;

/// A shard, ready to run.
#[derive(Debug)]
pub struct ShardParts {
    pub boot_epoch: u64,
    pub mailboxes: Mailboxes,
    pub workers: Vec<ShardWorker>,
    pub control: ShardControl,
    pub wires: ControlWires,
    /// Where admission is kept; `None`: it does not survive the process.
    pub state: Option<StateFile>,
}

impl ShardParts {
    /// `boot_epoch`: another one at each start.
    pub fn build(
        settings: &ShardSettings,
        boot_epoch: u64,
        clock: Clock,
        metrics: &Metrics,
    ) -> Self {
        let state = settings.data_directory.as_deref();
        let state = state.map(|folder| StateFile::new(folder, metrics.shard.state.clone()));
        let stored = state.as_ref().map(StateFile::load).unwrap_or_default();
        let core = core_settings(settings);
        let (mailboxes, inboxes) = Mailboxes::of(core.layout());
        let (control, wires) = ShardControl::new(
            settings.ordinal,
            boot_epoch,
            core.workers,
            clock,
            metrics.shard.clone(),
            SystemTopics::every(settings.system_interval).zip(mailboxes.iter().next().cloned()),
            (control_settings(settings), stored),
        );
        let workers = inboxes
            .into_iter()
            .zip(0..)
            .map(|(inbox, index)| ShardWorker {
                index: WorkerIndex(index),
                settings: core.clone(),
                clock,
                workers: mailboxes.clone(),
                inbox,
                news: wires.news.clone(),
            });
        Self {
            boot_epoch,
            workers: workers.collect(),
            mailboxes,
            control,
            wires,
            state,
        }
    }
}
