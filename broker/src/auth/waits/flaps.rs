//! Clients that are attached and gone again within seconds, again and again: two devices with one id, or one that
//! crashes. Each time costs a login, a session and a takeover, so each time waits longer.

use std::time::Duration;

use super::ageing::Ageing;
use crate::config::Flapping;

/// Clients that are remembered: only those whose end came fast are.
const CAPACITY: usize = 65_536;
/// A client is forgiven this long after its last fast end; longer than twice the longest wait that is allowed.
pub(super) const LIFETIME: Duration = Duration::from_mins(10);

/// A client id of a user, by a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClientHash(pub(super) u64);

#[derive(Debug)]
pub(super) struct FlapTable {
    rule: Flapping,
    clients: Ageing<ClientHash, Client>,
}

#[derive(Debug, Default)]
struct Client {
    fast_ends: u32,
    opens: Duration,
}

impl FlapTable {
    pub(super) fn new(rule: Flapping) -> Self {
        Self {
            rule,
            clients: Ageing::new(CAPACITY, LIFETIME),
        }
    }

    /// How long until the client is attached.
    pub(super) fn wait(&mut self, now: Duration, client: ClientHash) -> Duration {
        let client = self.clients.get_mut(now, client);
        client.map_or(Duration::ZERO, |client| client.opens.saturating_sub(now))
    }

    /// A client that was attached for `stayed` has gone, not by its own DISCONNECT. Whether another had to be forgotten
    /// early.
    ///
    /// One that is taken over has stayed as long as the other waited. So a stay must be longer than twice the wait that
    /// the client is at, or the wait would end the war of two that it is made for, and so begin it anew.
    pub(super) fn ended(&mut self, now: Duration, client: ClientHash, stayed: Duration) -> bool {
        let known = self.clients.get_mut(now, client);
        let times = known.as_ref().map_or(0, |client| client.fast_ends);
        if stayed >= self.rule.within.max(2 * self.rule.after(times)) {
            if let Some(client) = known {
                *client = Client::default();
            }
            return false;
        }
        let rule = self.rule;
        let (client, full) = self.clients.touch(now, client);
        client.fast_ends = client.fast_ends.saturating_add(1);
        client.opens = now + rule.after(client.fast_ends);
        full
    }

    /// Nobody has to wait.
    pub(super) fn is_empty(&self) -> bool {
        self.clients.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }
}

impl Flapping {
    fn after(self, fast_ends: u32) -> Duration {
        self.wait.after(fast_ends.saturating_sub(self.free_ends))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GrowingWait;

    const RULE: Flapping = Flapping {
        within: s(5),
        free_ends: 3,
        wait: GrowingWait {
            first: ms(500),
            longest: s(30),
        },
    };

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    const A: ClientHash = ClientHash(1);

    #[test]
    fn a_crash_loop_waits_longer_and_longer() {
        let mut table = FlapTable::new(RULE);
        let mut now = s(0);
        let mut waits = Vec::new();
        for _ in 0..12 {
            let wait = table.wait(now, A);
            waits.push(u64::try_from(wait.as_millis()).unwrap());
            now += wait + ms(100);
            table.ended(now, A, ms(100));
        }
        assert_eq!(
            waits,
            [0, 0, 0, 0, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]
        );
        assert_eq!(table.wait(now, ClientHash(2)), s(0));
    }

    #[test]
    fn a_war_of_two_calms_down_and_stays_calm() {
        let mut table = FlapTable::new(RULE);
        let (mut now, mut attached_at, mut takeovers) = (s(0), s(0), Vec::new());
        // whoever is thrown out comes back every second until it is let in
        while now < s(600) {
            now += s(1);
            if table.wait(now, A).is_zero() {
                takeovers.push(now);
                table.ended(now, A, now.saturating_sub(attached_at));
                attached_at = now;
            }
        }
        let late = takeovers.iter().filter(|at| **at > s(300)).count();
        assert!((9..=11).contains(&late), "{late} takeovers in five minutes");
    }

    #[test]
    fn a_stay_that_is_long_enough_makes_up_for_everything() {
        let mut table = FlapTable::new(RULE);
        for _ in 0..4 {
            table.ended(s(0), A, s(1));
        }
        assert_eq!(table.wait(s(0), A), ms(500));
        table.ended(s(6), A, s(5));
        table.ended(s(7), A, s(1));
        assert_eq!(table.wait(s(7), A), s(0));
    }

    #[test]
    fn at_a_long_wait_a_stay_must_be_longer_than_the_other_waited() {
        let mut table = FlapTable::new(RULE);
        for _ in 0..8 {
            table.ended(s(0), A, s(1));
        }
        assert_eq!(table.wait(s(0), A), s(8));
        table.ended(s(9), A, s(9));
        assert_eq!(table.wait(s(9), A), s(16), "nine seconds are a takeover's");
        table.ended(s(60), A, s(33));
        assert_eq!(table.wait(s(60), A), s(0));
    }

    #[test]
    fn who_stays_costs_no_memory() {
        let mut table = FlapTable::new(RULE);
        table.ended(s(10), A, s(10));
        assert!(table.is_empty());
    }

    #[test]
    fn what_was_long_ago_is_forgiven() {
        let mut table = FlapTable::new(RULE);
        for _ in 0..20 {
            table.ended(s(0), A, s(1));
        }
        table.ended(LIFETIME, A, s(1));
        assert_eq!(table.wait(LIFETIME, A), s(0));
    }
}
