//! Addresses whose clients waited in vain for a shard: their next try is held before TLS while that shard is not well.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use crate::tuning::Tuning;

/// Addresses that one edge remembers. Beyond it the oldest is forgotten: its client costs one more handshake. A full
/// memory takes 2 MB, and an edge that refuses more than this in a minute has no shard to hold anybody for.
pub const MOST_REMEMBERED: usize = 16_384;

/// Address → shard, for a while.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    shards: HashMap<IpAddr, (u32, Duration)>,
    /// When which is forgotten, in that order; with some that have been remembered anew.
    until: VecDeque<(Duration, IpAddr)>,
}

impl Remembered {
    /// A client of this address waited in vain for this shard. Not for addresses that many clients share.
    pub fn remember(&mut self, address: IpAddr, shard: u32, now: Duration, tuning: &Tuning) {
        self.forget(now);
        if tuning.remember_shard_for.is_zero() {
            return;
        }
        let until = now.saturating_add(tuning.remember_shard_for);
        self.shards.insert(address, (shard, until));
        self.until.push_back((until, address));
        while self.until.len() > MOST_REMEMBERED {
            self.forget_oldest();
        }
    }

    /// The shard that a client of this address waited for in vain.
    pub fn shard_of(&self, address: IpAddr, now: Duration) -> Option<u32> {
        let (shard, until) = self.shards.get(&address)?;
        (*until > now).then_some(*shard)
    }

    /// Shards that some waited for in vain, as often as addresses are remembered for them.
    pub(crate) fn shards(&self) -> impl Iterator<Item = u32> + '_ {
        self.shards.values().map(|(shard, _)| *shard)
    }

    /// Those whose time is over.
    pub fn forget(&mut self, now: Duration) {
        while self.is_due(now) {
            self.forget_oldest();
        }
    }

    /// Whether some are to be forgotten.
    pub fn is_due(&self, now: Duration) -> bool {
        self.until.front().is_some_and(|(until, _)| *until <= now)
    }

    pub fn len(&self) -> usize {
        self.shards.len()
    }

    pub fn is_empty(&self) -> bool {
        self.shards.is_empty()
    }

    fn forget_oldest(&mut self) {
        if let Some((until, address)) = self.until.pop_front()
            && self
                .shards
                .get(&address)
                .is_some_and(|(_, known)| *known == until)
        {
            self.shards.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn an_address_is_remembered_for_a_minute_from_the_last_time() {
        let (mut remembered, tuning) = (Remembered::default(), Tuning::default());
        remembered.remember(address(1), 2, SECOND, &tuning);
        assert_eq!(remembered.shard_of(address(1), SECOND * 60), Some(2));
        assert_eq!(remembered.shard_of(address(1), SECOND * 61), None);
        assert_eq!(remembered.shard_of(address(2), SECOND), None);
        remembered.remember(address(1), 3, SECOND * 30, &tuning);
        assert!(remembered.is_due(SECOND * 61));
        remembered.forget(SECOND * 61);
        assert!(!remembered.is_empty());
        assert_eq!(remembered.shard_of(address(1), SECOND * 89), Some(3));
        remembered.forget(SECOND * 90);
        assert!(remembered.is_empty() && !remembered.is_due(SECOND * 90));
    }

    #[test]
    fn beyond_the_bound_the_oldest_is_forgotten() {
        let (mut remembered, tuning) = (Remembered::default(), Tuning::default());
        let most = u32::try_from(MOST_REMEMBERED).unwrap();
        for number in 0..=most {
            remembered.remember(address(number), 0, SECOND, &tuning);
        }
        assert_eq!(remembered.shard_of(address(0), SECOND), None);
        assert_eq!(remembered.shard_of(address(1), SECOND), Some(0));
        assert_eq!(remembered.shard_of(address(most), SECOND), Some(0));
        // the same one again and again takes no more room
        for _ in 0..=most {
            remembered.remember(address(1), 0, SECOND, &tuning);
        }
        assert!(
            remembered.until.len() <= MOST_REMEMBERED && remembered.shards.len() <= MOST_REMEMBERED
        );
    }

    proptest! {
        #[test]
        fn it_knows_what_a_list_of_all_would(steps in prop::collection::vec((0_u32..6, 0_u32..3, 0_u32..40), 1..60)) {
            let (mut remembered, tuning) = (Remembered::default(), Tuning::default());
            let (mut all, mut now) = (Vec::new(), Duration::ZERO);
            for (number, shard, wait) in steps {
                now += SECOND * wait;
                remembered.remember(address(number), shard, now, &tuning);
                all.push((number, shard, now));
                for number in 0..6 {
                    let last = all.iter().rfind(|(other, ..)| *other == number);
                    let known = last.filter(|(.., at)| now.saturating_sub(*at) < tuning.remember_shard_for).map(|(_, shard, _)| *shard);
                    prop_assert_eq!(remembered.shard_of(address(number), now), known);
                }
            }
        }
    }
}
