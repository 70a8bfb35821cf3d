//! When more slices open, and how many.

use crate::tuning::Tuning;

/// The open door of all edges together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Door {
    /// Clients waiting in open slices.
    pub(crate) waiting: u64,
    /// Clients that may enter now.
    pub(crate) free: u64,
    pub(crate) limit: u64,
}

impl Door {
    /// Too few stand there: those who may enter now and half a limit in reserve. What enters is bounded elsewhere, so
    /// opening too many slices costs nothing but order, and nothing waits for a client that does not come.
    pub(crate) fn is_short(self) -> bool {
        self.waiting < self.free + self.limit / 2
    }
}

/// The step by which the level moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advance {
    step: u32,
    largest_parts: u32,
}

impl Advance {
    pub(crate) fn new(tuning: &Tuning) -> Self {
        Self {
            step: 1,
            largest_parts: tuning.largest_step_parts.max(1),
        }
    }

    /// Once per period: the level after it, never a lower one.
    /// Slices that are `empty` open along with the next one that is not.
    pub(crate) fn next(
        &mut self,
        level: u32,
        slices: u32,
        door: Door,
        empty: impl Fn(u32) -> bool,
    ) -> u32 {
        if !door.is_short() {
            self.step = (self.step / 2).max(1);
            return level;
        }
        let mut next = level;
        for _ in 0..self.step.min(slices) {
            while next < slices && empty(next) {
                next += 1;
            }
            next = next.saturating_add(1).min(slices);
        }
        self.step = self
            .step
            .saturating_mul(2)
            .min(slices / self.largest_parts)
            .max(1);
        next
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMPTY: Door = Door {
        waiting: 0,
        free: 64,
        limit: 64,
    };
    const CROWDED: Door = Door {
        waiting: 96,
        free: 64,
        limit: 64,
    };

    #[test]
    fn short_is_under_the_free_places_and_half_the_limit() {
        for (waiting, free, limit, short) in [
            (95, 64, 64, true),
            (96, 64, 64, false),
            (31, 0, 64, true),
            (32, 0, 64, false),
            (0, 0, 0, false),
        ] {
            assert_eq!(
                Door {
                    waiting,
                    free,
                    limit
                }
                .is_short(),
                short,
                "{waiting} {free} {limit}"
            );
        }
    }

    #[test]
    fn steps_double_while_the_door_is_empty_and_end_at_the_last_slice() {
        let mut advance = Advance::new(&Tuning::default());
        let mut level = 0;
        let levels: Vec<_> = (0..11)
            .map(|_| {
                level = advance.next(level, 256, EMPTY, |_| false);
                level
            })
            .collect();
        assert_eq!(levels, [1, 3, 7, 15, 31, 63, 127, 191, 255, 256, 256]);
    }

    #[test]
    fn steps_halve_while_enough_stand_there() {
        let mut advance = Advance::new(&Tuning::default());
        let level = (0..4).fold(0, |level, _| advance.next(level, 256, EMPTY, |_| false));
        assert_eq!(level, 15);
        assert_eq!(advance.next(level, 256, CROWDED, |_| false), 15);
        assert_eq!(advance.next(level, 256, CROWDED, |_| false), 15);
        assert_eq!(
            advance.next(level, 256, EMPTY, |_| false),
            19,
            "16, halved twice"
        );
        (0..9).for_each(|_| assert_eq!(advance.next(19, 256, CROWDED, |_| false), 19));
        assert_eq!(
            advance.next(19, 256, EMPTY, |_| false),
            20,
            "never under one"
        );
    }

    #[test]
    fn few_slices_open_one_by_one() {
        for slices in [1, 2, 4] {
            let mut advance = Advance::new(&Tuning::default());
            assert_eq!(advance.next(0, slices, EMPTY, |_| false), 1);
            assert_eq!(advance.next(1, slices, EMPTY, |_| false), 2.min(slices));
        }
    }

    #[test]
    fn empty_slices_cost_no_step() {
        let mut advance = Advance::new(&Tuning::default());
        let empty = |slice: u32| (2..100).contains(&slice) || slice >= 250;
        let mut level = 0;
        let levels: Vec<_> = (0..9)
            .map(|_| {
                level = advance.next(level, 256, EMPTY, empty);
                level
            })
            .collect();
        assert_eq!(levels, [1, 101, 105, 113, 129, 161, 225, 256, 256]);
        assert_eq!(advance.next(2, 256, CROWDED, empty), 2);
    }

    proptest! {
        #[test]
        fn never_lowers_never_leaps(doors in prop::collection::vec((0_u64..200, 0_u64..64, 0_u64..64), 0..200), bits in 0_u32..=16) {
            let slices = 1 << bits;
            let (mut advance, mut level) = (Advance::new(&Tuning::default()), 0);
            for (waiting, free, limit) in doors {
                let next = advance.next(level, slices, Door { waiting, free, limit }, |_| false);
                prop_assert!(next >= level && next <= slices);
                prop_assert!(next - level <= (slices / 4).max(1));
                level = next;
            }
        }

        #[test]
        fn nothing_waits_for_a_client_that_does_not_come(bits in 0_u32..=16) {
            let slices: u32 = 1 << bits;
            let (mut advance, mut level) = (Advance::new(&Tuning::default()), 0);
            let mut periods = 0;
            while level < slices {
                level = advance.next(level, slices, EMPTY, |_| false);
                periods += 1;
            }
            prop_assert!(periods <= bits + 4);
        }
    }
}
