//! What happens when: a wheel of slots for the near future, a heap for what is beyond it.
//!
//! One heap for everything costs a cache miss per level of the heap and event; with a million clients that is most of
//! the run. Here an event costs an append and its part of sorting a small slot.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use super::moment::Moment;

/// One turn of the wheel, as a power of two of nanoseconds: 8.6 s, longer than most of what clients wait for.
const TURN: u32 = 33;
/// So many events are to fall into one slot: few enough to insert into in order.
const PER_SLOT: u64 = 64;
/// Widths of a slot, as powers of two of nanoseconds: from 32 µs to 1 ms.
const WIDTHS: std::ops::RangeInclusive<u32> = 15..=20;

/// Events in the order of their time; those of one time in the order of their coming.
pub(super) struct Wheel<E> {
    width: u32,
    /// The slot that `current` was taken from.
    at: u64,
    current: VecDeque<(Moment, E)>,
    slots: Vec<Vec<(Moment, E)>>,
    in_slots: usize,
    later: BinaryHeap<Reverse<Later<E>>>,
    order: u64,
}

struct Later<E> {
    at: Moment,
    order: u64,
    event: E,
}

impl<E> PartialEq for Later<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Later<E> {}

impl<E> PartialOrd for Later<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Later<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl<E> Wheel<E> {
    /// `per_second`: how many events are to be expected.
    pub(super) fn new(per_second: u64) -> Self {
        let width = (1_000_000_000 * PER_SLOT / per_second.max(1))
            .max(1)
            .ilog2();
        let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
        Self {
            width,
            at: 0,
            current: VecDeque::new(),
            slots: std::iter::repeat_with(Vec::new)
                .take(1 << (TURN - width))
                .collect(),
            in_slots: 0,
            later: BinaryHeap::new(),
            order: 0,
        }
    }

    /// `at` must not lie before the last event taken out.
    pub(super) fn push(&mut self, at: Moment, event: E) {
        let slot = at >> self.width;
        if slot <= self.at {
            let place = self.current.partition_point(|(other, _)| *other <= at);
            self.current.insert(place, (at, event));
        } else if slot - self.at < self.slots.len() as u64 {
            let index = self.index(slot);
            self.slots[index].push((at, event));
            self.in_slots += 1;
        } else {
            self.order += 1;
            let order = self.order;
            self.later.push(Reverse(Later { at, order, event }));
        }
    }

    pub(super) fn pop(&mut self) -> Option<(Moment, E)> {
        while self.current.is_empty() {
            self.turn()?;
        }
        self.current.pop_front()
    }

    /// Takes the next slot that is not empty; `None`: there is none.
    fn turn(&mut self) -> Option<()> {
        let beyond = self
            .later
            .peek()
            .map(|Reverse(later)| later.at >> self.width);
        if self.in_slots == 0 {
            self.at = beyond?;
        } else {
            self.at += 1;
        }
        // What was pushed when this slot was far away came before what was pushed when it was near.
        let mut events = Vec::new();
        while self
            .later
            .peek()
            .is_some_and(|Reverse(later)| later.at >> self.width <= self.at)
        {
            events.extend(
                self.later
                    .pop()
                    .map(|Reverse(later)| (later.at, later.event)),
            );
        }
        let index = self.index(self.at);
        let near = &mut self.slots[index];
        self.in_slots -= near.len();
        events.append(near);
        events.sort_by_key(|(at, _)| *at);
        self.current.extend(events);
        Some(())
    }

    fn index(&self, slot: u64) -> usize {
        usize::try_from(slot % self.slots.len() as u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_wheel_has_nothing() {
        assert!(Wheel::<u8>::new(1).pop().is_none());
    }

    proptest! {
        /// Against a sorted list; each event taken out puts in another one a while later.
        #[test]
        fn events_come_in_order(
            first in prop::collection::vec(0_u64..40_000_000_000, 1..50),
            next in prop::collection::vec(prop_oneof![0_u64..1_000, 0_u64..20_000_000, 0_u64..40_000_000_000], 0..50),
            per_second in prop_oneof![Just(1_u64), Just(10_000_000)],
        ) {
            let mut wheel = Wheel::new(per_second);
            let mut list: Vec<(Moment, usize)> = Vec::new();
            for at in first {
                wheel.push(at, list.len());
                list.push((at, list.len()));
            }
            let mut count = list.len();
            let mut next = next.into_iter();
            while let Some(found) = wheel.pop() {
                let earliest = (0..list.len()).min_by_key(|at| list[*at]).unwrap();
                prop_assert_eq!(found, list.remove(earliest));
                if let Some(wait) = next.next() {
                    wheel.push(found.0 + wait, count);
                    list.push((found.0 + wait, count));
                    count += 1;
                }
            }
            prop_assert!(list.is_empty());
        }
    }
}
