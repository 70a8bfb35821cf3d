//! How long the client may be silent, or take nothing of what waits for it.

use std::time::Duration;

use super::Packets;
use crate::edge::peer;

impl Packets<'_> {
    /// The worker reminds us at `at`, or did before.
    pub(super) fn remind(&mut self, at: Duration) {
        if self.alarm.is_none_or(|alarm| at < alarm) {
            self.alarm = Some(at);
            self.worker.remind(self.conn.stream, at);
        }
    }

    pub(super) fn is_too_slow(&mut self) -> bool {
        let Some(since) = self.blocked else {
            return false;
        };
        let now = self.worker.clock.now();
        self.alarm = self.alarm.filter(|alarm| *alarm > now);
        let deadline = since + self.listener.unread_timeout;
        if now < deadline {
            self.remind(deadline);
        }
        now >= deadline
    }

    /// Nothing was heard for too long, and nothing lies unread. A client that we do not read is alive as long as it takes
    /// what we write.
    pub(super) fn is_silent(&mut self) -> bool {
        let now = self.worker.clock.now();
        let too_long = |deadline: Duration| deadline <= now;
        let taken = self.conn.patience().map(|patience| self.written + patience);
        self.conn.deadline().is_some_and(too_long)
            && (!self.is_paused() || taken.is_some_and(too_long))
            && !self.stream.holds_unread()
            && !peer::has_unread(self.stream.socket())
    }
}
