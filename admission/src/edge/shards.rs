//! Shard by shard: what an edge may ask of it, and who waits for it outside.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{EdgeAdmission, Mode, ShardView};
use crate::attaches::{AttachLimit, UNBOUND};
use crate::waits::Waits;

impl EdgeAdmission {
    /// These clients' addresses were refused because they waited for a shard in vain.
    pub fn remember(&mut self, refused: impl IntoIterator<Item = (IpAddr, u32)>, now: Duration) {
        let mut refused = refused.into_iter().peekable();
        if refused.peek().is_none() {
            return;
        }
        let remembered = Arc::make_mut(&mut self.remembered);
        for (address, shard) in refused {
            remembered.remember(address, shard, now, &self.settings.tuning);
        }
    }

    pub(super) fn limit_attaches(&mut self, waits: &Waits, now: Duration) {
        let live = self.heard.live(self.ramp.number, now);
        self.live = live.map(|shard| (shard.shard, shard.verdict)).collect();
        self.attaches
            .retain(|shard, _| self.live.contains_key(shard));
        for (shard, verdict) in &self.live {
            let asked = waits.shards.get(shard).map_or(0, |waits| waits.asked);
            let limit = self.attaches.entry(*shard).or_default();
            limit.tick(*verdict, asked, now, &self.settings.tuning);
        }
    }

    /// Notes whether somebody may come in who could not.
    pub(super) fn loosen(&mut self, now: Duration) {
        if self.remembered.is_empty() {
            return;
        }
        let is_over = self.remembered.is_due(now);
        if is_over {
            Arc::make_mut(&mut self.remembered).forget(now);
        }
        let views = self.shard_views();
        let well = views.iter().filter(|shard| shard.is_well());
        let well: Vec<_> = well.map(|shard| shard.shard).collect();
        let recovered = well.iter().any(|shard| !self.loosened.1.contains(shard));
        self.loosened.0 += u64::from(is_over || recovered);
        self.loosened.1 = well;
    }

    pub(super) fn shard_views(&self) -> Arc<[ShardView]> {
        let known = self.waits.shards().chain(self.live.keys().copied());
        let mut shards: Vec<_> = known.collect();
        shards.sort_unstable();
        shards.dedup();
        shards
            .into_iter()
            .map(|shard| self.shard_view(shard))
            .collect()
    }

    fn shard_view(&self, shard: u32) -> ShardView {
        let binds = !matches!(self.settings.mode, Mode::Open | Mode::DryRun);
        let limit = self.attaches.get(&shard).filter(|_| binds);
        ShardView {
            shard,
            verdict: self.live.get(&shard).copied(),
            is_late: self.waits.is_late(shard, self.entering.target()),
            attaches: limit.map_or(UNBOUND, AttachLimit::grant),
        }
    }
}
