//! What must hold at any moment, and what in the end.

use herdgate::codec::{Connect, Protocol};

use super::step::PEERS;
use super::{HOSTILE, World, last_opening};

impl World {
    /// What must hold at any moment.
    pub(super) fn check(&self) {
        let queued: u64 = self.shard.stats().map(|it| it.queued).sum();
        let most = PEERS * self.settings.session.max_queued_messages;
        assert!(
            !self.is_live_only || queued <= most as u64,
            "{queued} of {most} wait"
        );
        let bytes: u64 = self.shard.stats().map(|it| it.queued_bytes).sum();
        assert!(
            bytes <= self.settings.max_queued_bytes as u64,
            "{bytes} bytes wait"
        );
    }

    /// An acknowledgement says that each subscriber was sent the message, or that it waits for it: not that it is on its
    /// way between workers.
    pub(super) fn check_held(&mut self) {
        for number in std::mem::take(&mut self.acknowledged) {
            for subscriber in self.ledger.without_copy(number) {
                if !self.peers[subscriber].has_session(self.shard.now) {
                    continue;
                }
                let waiting = self.shard.waiting_beside(&self.peers[subscriber].client_id);
                assert!(
                    waiting > 0 || self.drops() > 0,
                    "{number} is acknowledged, and nothing waits for {subscriber}"
                );
            }
        }
    }

    /// Copies at QoS 1 and 2 that a counter says were given up.
    fn drops(&self) -> u64 {
        let drops = self.shard.stats().map(|it| it.dropped);
        drops.map(|it| it.queue_full_qos1 + it.too_large).sum()
    }

    /// Nothing is lost any more: everybody has got what was promised, and in the end nothing is left.
    pub(super) fn finish(mut self) {
        for at in 0..PEERS {
            match self.peers[at].connection {
                Some(stream) => self.shard.stall(stream, false),
                None => self.connect(at, last_opening(false)),
            }
            self.hear();
        }
        self.settle();
        let drops = self.drops();
        let missing = self.ledger.missing();
        assert!(
            missing.len() as u64 <= drops,
            "{missing:?} are lost, {drops} were dropped"
        );
        for peer in &self.peers {
            assert!(peer.is_done(), "something is left over: {peer:?}");
        }
        self.end();
    }

    fn end(mut self) {
        self.attach_hostile(&Connect::new(Protocol::V5, HOSTILE), None);
        if let Some((stream, _)) = self.hostile {
            self.shard.lose(stream, false);
        }
        self.hear();
        for at in 0..PEERS {
            self.connect(at, last_opening(true));
            self.disconnect(at, None);
        }
        self.settle();
        for stats in self.shard.stats() {
            let left = [
                u64::from(stats.connected),
                stats.kept,
                stats.subscriptions,
                stats.shared_subscriptions,
                stats.queued,
                stats.queued_bytes,
                u64::from(stats.replays),
                u64::from(stats.settling),
            ];
            assert_eq!(left, [0; 8], "something is left over: {stats:?}");
        }
    }
}
