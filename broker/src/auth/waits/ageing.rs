//! A table that forgets: bounded, and no entry outlives its use for long.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

/// Entries that are touched stay; the others go after `lifetime`, or earlier when `capacity` needs their place.
#[derive(Debug)]
pub(super) struct Ageing<K, V> {
    entries: HashMap<K, Aged<V>>,
    /// Each entry once, by the time at which it is looked at next.
    order: VecDeque<(Duration, K)>,
    capacity: usize,
    lifetime: Duration,
}

#[derive(Debug)]
struct Aged<V> {
    touched: Duration,
    value: V,
}

impl<K: Copy + Eq + Hash, V: Default> Ageing<K, V> {
    pub(super) fn new(capacity: usize, lifetime: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            capacity,
            lifetime,
        }
    }

    /// The entry, if it is there; being looked at makes it no younger.
    pub(super) fn get_mut(&mut self, now: Duration, key: K) -> Option<&mut V> {
        let lifetime = self.lifetime;
        self.entries
            .get_mut(&key)
            .filter(|aged| aged.touched + lifetime > now)
            .map(|aged| &mut aged.value)
    }

    /// The entry, young again, or a new one; whether another had to go for it.
    pub(super) fn touch(&mut self, now: Duration, key: K) -> (&mut V, bool) {
        self.forget_old(now);
        let full = self.entries.len() >= self.capacity && !self.entries.contains_key(&key);
        if full && let Some((_, oldest)) = self.order.pop_front() {
            self.entries.remove(&oldest);
        }
        let order = &mut self.order;
        let aged = self.entries.entry(key).or_insert_with(|| {
            order.push_back((now, key));
            Aged {
                touched: now,
                value: V::default(),
            }
        });
        aged.touched = now;
        (&mut aged.value, full)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Each entry comes around once in a lifetime, so this is paid for by what put it there.
    fn forget_old(&mut self, now: Duration) {
        while let Some(&(looked_at, key)) = self.order.front()
            && looked_at + self.lifetime <= now
        {
            self.order.pop_front();
            match self.entries.get(&key) {
                Some(aged) if aged.touched + self.lifetime > now => {
                    self.order.push_back((aged.touched.max(looked_at), key));
                }
                _ => {
                    self.entries.remove(&key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_not_touched_is_forgotten() {
        let mut table = Ageing::<u32, u32>::new(10, s(10));
        *table.touch(s(0), 1).0 = 11;
        *table.touch(s(1), 2).0 = 22;
        *table.touch(s(9), 1).0 += 1;
        assert_eq!(table.get_mut(s(10), 2), Some(&mut 22));
        assert_eq!(table.get_mut(s(11), 2), None, "gone though still stored");
        table.touch(s(12), 3);
        assert_eq!(table.len(), 2);
        assert_eq!(table.get_mut(s(18), 1), Some(&mut 12));
        table.touch(s(40), 4);
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn it_never_outgrows_its_capacity() {
        let mut table = Ageing::<u32, u32>::new(3, s(10));
        let early: Vec<bool> = (0..5).map(|key| table.touch(s(1), key).1).collect();
        assert_eq!(early, [false, false, false, true, true]);
        assert_eq!((table.len(), table.order.len()), (3, 3));
        assert_eq!(table.get_mut(s(1), 1), None, "the oldest went");
        assert!(table.get_mut(s(1), 4).is_some());
    }

    #[test]
    fn an_entry_that_lives_on_is_queued_once() {
        let mut table = Ageing::<u32, u32>::new(3, s(10));
        for second in 0..100 {
            table.touch(s(second), 1);
            assert_eq!((table.len(), table.order.len()), (1, 1));
        }
    }
}
