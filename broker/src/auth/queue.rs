//! The order in which waiting logins are hashed.

use std::collections::VecDeque;
use std::time::Duration;

/// A login as the queue sees it.
pub(super) trait Waiting {
    /// The client has left.
    fn is_gone(&self) -> bool;
    /// When its patience ends, since process start.
    fn patience_ends(&self) -> Duration;
}

/// Why a login left the queue without being hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    Gone,
    /// Its patience would end before its hash.
    TooLate,
    /// The queue is full.
    Full,
}

/// Bounded. First in, first out while nobody has waited long: that is fair, and all make it. Once the oldest has waited
/// half a patience not all can make it any more, and whoever came last has the best chance: newest first.
#[derive(Debug)]
pub(super) struct LoginQueue<T> {
    /// Oldest first, each with the time at which it came.
    entries: VecDeque<(Duration, T)>,
    capacity: usize,
    half_patience: Duration,
}

impl<T: Waiting> LoginQueue<T> {
    pub(super) fn new(capacity: usize, patience: Duration) -> Self {
        Self {
            entries: VecDeque::new(),
            capacity,
            half_patience: patience / 2,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes `login` in. A full queue first lets go of those who cannot make it, then of the one it would serve last.
    pub(super) fn push(
        &mut self,
        login: T,
        now: Duration,
        cost: Duration,
        dropped: &mut impl FnMut(T, Dropped),
    ) {
        if self.entries.len() >= self.capacity {
            self.purge(now, cost, dropped);
        }
        if self.entries.len() >= self.capacity {
            if !self.is_newest_first(now) {
                return dropped(login, Dropped::Full);
            }
            if let Some((_, oldest)) = self.entries.pop_front() {
                dropped(oldest, Dropped::Full);
            }
        }
        self.entries.push_back((now, login));
    }

    /// The next login to hash, if its hash takes `cost`; those who cannot make it fall out on the way.
    pub(super) fn pop(
        &mut self,
        now: Duration,
        cost: Duration,
        dropped: &mut impl FnMut(T, Dropped),
    ) -> Option<T> {
        loop {
            let next = if self.is_newest_first(now) {
                self.entries.pop_back()
            } else {
                self.entries.pop_front()
            };
            let (_, login) = next?;
            match self.hopeless(&login, now, cost) {
                Some(why) => dropped(login, why),
                None => return Some(login),
            }
        }
    }

    fn is_newest_first(&self, now: Duration) -> bool {
        self.entries
            .front()
            .is_some_and(|(came, _)| now.saturating_sub(*came) >= self.half_patience)
    }

    fn hopeless(&self, login: &T, now: Duration, cost: Duration) -> Option<Dropped> {
        // one slow sample must not turn everybody away, or no further sample would ever be taken
        let cost = cost.min(self.half_patience);
        if login.is_gone() {
            Some(Dropped::Gone)
        } else if now + cost > login.patience_ends() {
            Some(Dropped::TooLate)
        } else {
            None
        }
    }

    fn purge(&mut self, now: Duration, cost: Duration, dropped: &mut impl FnMut(T, Dropped)) {
        for (came, login) in std::mem::take(&mut self.entries) {
            match self.hopeless(&login, now, cost) {
                Some(why) => dropped(login, why),
                None => self.entries.push_back((came, login)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Login {
        name: u32,
        gone: bool,
        ends: u64,
    }

    impl Waiting for Login {
        fn is_gone(&self) -> bool {
            self.gone
        }

        fn patience_ends(&self) -> Duration {
            ms(self.ends)
        }
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn login(name: u32, ends: u64) -> Login {
        Login {
            name,
            gone: false,
            ends,
        }
    }

    /// A queue for three with a patience of 1 s, and logins that came at these times.
    fn queue(came: &[u64]) -> LoginQueue<Login> {
        let mut queue = LoginQueue::new(3, ms(1000));
        for (name, at) in (1..).zip(came) {
            queue.push(
                login(name, at + 1000),
                ms(*at),
                ms(10),
                &mut |login, why| panic!("{login:?} {why:?}"),
            );
        }
        queue
    }

    fn drain(
        queue: &mut LoginQueue<Login>,
        now: u64,
        cost: u64,
    ) -> (Vec<u32>, Vec<(u32, Dropped)>) {
        let (mut served, mut lost) = (Vec::new(), Vec::new());
        while let Some(login) = queue.pop(ms(now), ms(cost), &mut |login, why| {
            lost.push((login.name, why));
        }) {
            served.push(login.name);
        }
        (served, lost)
    }

    #[test]
    fn first_in_first_out_while_nobody_waited_long() {
        assert_eq!(
            drain(&mut queue(&[0, 100, 200]), 499, 10),
            (vec![1, 2, 3], vec![])
        );
    }

    #[test]
    fn newest_first_once_the_oldest_waited_half_a_patience() {
        assert_eq!(
            drain(&mut queue(&[0, 100, 200]), 500, 10),
            (vec![3, 2, 1], vec![])
        );
    }

    #[test]
    fn first_in_first_out_again_when_the_old_are_served() {
        let mut queue = queue(&[0, 400, 450]);
        let mut none = |login: Login, why| panic!("{login:?} {why:?}");
        assert_eq!(
            queue.pop(ms(500), ms(1), &mut none).map(|login| login.name),
            Some(3)
        );
        assert_eq!(
            queue.pop(ms(500), ms(1), &mut none).map(|login| login.name),
            Some(2)
        );
        queue.push(login(4, 1500), ms(500), ms(1), &mut none);
        queue.push(login(5, 1500), ms(510), ms(1), &mut none);
        assert_eq!(
            queue.pop(ms(520), ms(1), &mut none).map(|login| login.name),
            Some(5)
        );
        assert_eq!(
            queue.pop(ms(520), ms(1), &mut none).map(|login| login.name),
            Some(4)
        );
        assert_eq!(
            queue.pop(ms(520), ms(1), &mut none).map(|login| login.name),
            Some(1)
        );
        queue.push(login(6, 1600), ms(600), ms(1), &mut none);
        queue.push(login(7, 1600), ms(610), ms(1), &mut none);
        assert_eq!(
            queue.pop(ms(620), ms(1), &mut none).map(|login| login.name),
            Some(6)
        );
    }

    #[test]
    fn the_late_and_the_gone_fall_out_unhashed() {
        let mut late = queue(&[0, 100, 200]);
        assert_eq!(
            drain(&mut late, 1095, 10),
            (vec![3], vec![(2, Dropped::TooLate), (1, Dropped::TooLate)])
        );
        let mut queue = LoginQueue::new(3, ms(1000));
        queue.push(
            Login {
                name: 1,
                gone: true,
                ends: 1000,
            },
            ms(0),
            ms(1),
            &mut |_, _| (),
        );
        queue.push(login(2, 1000), ms(0), ms(1), &mut |_, _| ());
        assert_eq!(
            drain(&mut queue, 10, 1),
            (vec![2], vec![(1, Dropped::Gone)])
        );
    }

    #[test]
    fn a_dear_hash_does_not_turn_everybody_away() {
        assert_eq!(drain(&mut queue(&[0]), 100, 60_000), (vec![1], vec![]));
    }

    #[test]
    fn a_full_queue_drops_whom_it_would_serve_last() {
        let push = |came: &[u64], now: u64| {
            let mut queue = queue(came);
            let mut lost = Vec::new();
            queue.push(login(9, now + 1000), ms(now), ms(10), &mut |login, why| {
                lost.push((login.name, why));
            });
            assert_eq!(queue.len() + lost.len(), 4);
            lost
        };
        assert_eq!(push(&[0, 0, 0], 100), [(9, Dropped::Full)]);
        assert_eq!(push(&[0, 100, 200], 600), [(1, Dropped::Full)]);
        assert_eq!(push(&[0, 100, 200], 995), [(1, Dropped::TooLate)]);
    }
}
