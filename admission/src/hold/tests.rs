use proptest::prelude::*;

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);
const USUAL: Duration = Duration::from_millis(500);

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn hold() -> Hold<u32> {
    Hold::new(PATIENCE, 100, 1)
}

fn places(limit: u32) -> Places {
    let places = Places::default();
    places.set_limit(limit);
    places
}

fn promoted(hold: &mut Hold<u32>, limit: u32, now: Duration) -> Vec<u32> {
    hold.promote(&places(limit), USUAL, now)
        .into_iter()
        .map(|(id, _)| id)
        .collect()
}

#[test]
fn the_newest_at_the_open_door_comes_in_first_whatever_its_slice() {
    let mut hold = hold();
    hold.open_to(10);
    for (id, slice) in [(1, 3), (2, 9), (3, 10), (4, 0)] {
        hold.hold(id, slice, false, at(u64::from(id))).unwrap();
    }
    assert_eq!((hold.door(), hold.held()), (3, 1));
    assert_eq!(promoted(&mut hold, 2, at(5)), [4, 2]);
    assert_eq!(promoted(&mut hold, 9, at(5)), [1]);
    assert_eq!((hold.door(), hold.held()), (0, 1));
}

#[test]
fn a_promoted_client_has_its_place() {
    let mut hold = hold();
    hold.open_to(1);
    (0..5).for_each(|id| assert!(hold.hold(id, 0, false, at(0)).is_ok()));
    let places = places(3);
    let first = hold.promote(&places, USUAL, at(0));
    assert_eq!((first.len(), places.used()), (3, 3));
    assert!(hold.promote(&places, USUAL, at(0)).is_empty());
    drop(first);
    assert_eq!(hold.promote(&places, USUAL, at(0)).len(), 2);
}

#[test]
fn a_moving_level_opens_the_slices_under_it() {
    let mut hold = hold();
    (0..8).for_each(|slice| assert!(hold.hold(slice, slice, false, at(0)).is_ok()));
    for (level, door) in [(0, 0), (3, 3), (2, 3), (3, 3), (8, 8), (256, 8)] {
        hold.open_to(level);
        assert_eq!(
            (hold.door(), hold.held()),
            (door, 8 - door),
            "level {level}"
        );
    }
}

#[test]
fn another_reopening_cuts_anew() {
    let mut hold = hold();
    hold.open_to(256);
    (0..8).for_each(|id| assert!(hold.hold(id, id, false, at(0)).is_ok()));
    hold.recut(2, |id| 7 - id);
    assert_eq!((hold.door(), hold.held()), (2, 6));
    assert_eq!(promoted(&mut hold, 9, at(1)), [7, 6]);
    hold.open_to(3);
    assert_eq!(promoted(&mut hold, 9, at(1)), [5]);
}

#[test]
fn those_without_patience_for_the_way_in_are_reset_instead() {
    let mut hold = Hold::new(PATIENCE, 100, 1);
    hold.open_to(1);
    let mut latest = Duration::ZERO;
    for id in 0..100 {
        latest = latest.max(hold.hold(id, id % 2, false, at(0)).unwrap());
    }
    // Twice the usual time still fits, to the millisecond; then it does not.
    let last_chance = PATIENCE.saturating_sub(USUAL * 2);
    assert!(latest > last_chance);
    hold.expire(USUAL, last_chance);
    let door = hold.door();
    assert!(door > 0 && hold.held() > 0);
    let late = last_chance + at(1);
    assert_eq!(promoted(&mut hold, 100, late), []);
    let reset = hold.expire(USUAL, late);
    assert_eq!(
        reset.iter().filter(|id| *id % 2 == 0).count(),
        door as usize
    );
    assert_eq!(hold.door(), 0);
}

#[test]
fn at_most_half_the_patience_is_kept_for_the_way_in() {
    let mut hold = hold();
    hold.open_to(1);
    let long = PATIENCE * 9;
    // One that is held for longer than half a patience.
    let id = (0..100)
        .find(|id| hold.hold(*id, 0, false, at(0)).unwrap() > at(2_501))
        .unwrap();
    assert!(!hold.expire(long, at(2_500)).contains(&id));
    assert!(hold.expire(long, at(2_501)).contains(&id));
}

#[test]
fn closed_slices_wait_until_their_deadline() {
    let mut hold = hold();
    let deadline = hold.hold(7, 5, false, at(1_000)).unwrap();
    assert_eq!(hold.next_deadline(), Some(deadline));
    assert_eq!(hold.expire(USUAL, deadline.saturating_sub(at(1))), []);
    assert_eq!(hold.expire(USUAL, deadline), [7]);
    assert_eq!(hold.next_deadline(), None);
    assert_eq!(hold.held(), 0);
}

fn sampling(percent: u32) -> Hold<u32> {
    let tuning = Tuning {
        sample_percent: percent,
        ..Tuning::default()
    };
    hold().sampling(&tuning)
}

#[test]
fn a_sample_before_a_closed_slice_is_kept_until_it_leaves_and_shows_its_patience() {
    let mut hold = sampling(100);
    assert_eq!(hold.hold(1, 0, false, at(0)), Ok(at(60_000)));
    hold.hold(2, 0, false, at(0)).unwrap();
    hold.hold(3, 0, false, at(0)).unwrap();
    assert!(hold.expire(USUAL, at(20_000)).is_empty());
    hold.remove(1, at(21_000));
    hold.remove(2, at(299));
    let given_up = hold.take_given_up();
    assert_eq!(
        given_up.count(),
        1,
        "who leaves at once has not lost its patience"
    );
    assert_eq!(given_up.percentile(50), Some(at(21_000)));
    assert_eq!(hold.take_given_up().count(), 0);
    assert_eq!(hold.expire(USUAL, at(60_000)), [3]);
    assert_eq!(
        hold.take_given_up().count(),
        0,
        "what is reset shows nothing"
    );
}

#[test]
fn a_sample_comes_in_or_goes_as_others_do_when_its_slice_opens() {
    for (when, comes_in) in [(1_000, true), (20_000, false)] {
        let mut hold = sampling(100);
        hold.hold(1, 0, false, at(0)).unwrap();
        hold.open_to(1);
        let goes = hold.expire(USUAL, at(when));
        let comes = promoted(&mut hold, 9, at(when));
        let expected: (&[u32], &[u32]) = if comes_in { (&[], &[1]) } else { (&[1], &[]) };
        assert_eq!((&*goes, &*comes), expected, "{when}");
        assert_eq!(hold.take_given_up().count(), 0);
    }
}

#[test]
fn two_of_a_hundred_are_samples() {
    let mut hold = Hold::new(PATIENCE, 20_000, 7).sampling(&Tuning::default());
    let samples = (0..10_000_u32)
        .filter(|id| hold.hold(*id, 0, false, at(0)) == Ok(at(60_000)))
        .count();
    assert!((150..250).contains(&samples), "{samples}");
}

#[test]
fn the_budget_and_the_gone() {
    let mut hold = Hold::new(PATIENCE, 2, 1);
    hold.hold(1, 0, false, at(0)).unwrap();
    assert_eq!(hold.hold(1, 0, false, at(0)), Err(NotHeld::Already));
    hold.hold(2, 0, false, at(0)).unwrap();
    assert_eq!(hold.hold(3, 0, false, at(0)), Err(NotHeld::OverBudget));
    assert!(hold.remove(1, at(0)));
    assert!(!hold.remove(1, at(0)));
    assert!(hold.hold(3, 0, false, at(0)).is_ok());
    assert_eq!(hold.held(), 2);
}

#[test]
fn the_same_seed_holds_the_same_and_another_does_not() {
    let deadlines = |seed| {
        let mut hold = Hold::new(PATIENCE, 100, seed);
        (0..100)
            .map(|id| hold.hold(id, 0, false, at(0)).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(deadlines(5), deadlines(5));
    assert_ne!(deadlines(5), deadlines(6));
}

#[test]
fn the_fleet_is_put_out_of_step() {
    let mut hold = Hold::new(PATIENCE, 10_000, 3);
    let mut tenths = [0_u32; 10];
    for id in 0..8_000 {
        let deadline = hold.hold(id, 0, false, at(0)).unwrap();
        tenths[usize::try_from(deadline.as_millis() / 501).unwrap()] += 1;
    }
    assert_eq!(tenths[..1], [0], "nobody is reset in the first tenth");
    assert!(
        tenths[2..].iter().all(|count| (850..1_150).contains(count)),
        "{tenths:?}"
    );
}

/// What may happen to a hold.
#[derive(Clone, Debug)]
enum Step {
    Hold { id: u32, slice: u32 },
    Remove { id: u32 },
    Open { level: u32 },
    Recut { level: u32, shift: u32 },
    Promote { places: u32, usual: u64 },
    Expire { usual: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u32..40, 0_u32..16).prop_map(|(id, slice)| Step::Hold { id, slice }),
        1 => (0_u32..40).prop_map(|id| Step::Remove { id }),
        1 => (0_u32..=16).prop_map(|level| Step::Open { level }),
        1 => (0_u32..=16, 0_u32..16).prop_map(|(level, shift)| Step::Recut { level, shift }),
        2 => (0_u32..5, 0_u64..4_000).prop_map(|(places, usual)| Step::Promote { places, usual }),
        2 => (0_u64..4_000).prop_map(|usual| Step::Expire { usual }),
    ]
}

/// The same, as a list that is searched from end to end.
#[derive(Default)]
struct Plain {
    level: u32,
    waiting: Vec<(u32, u32, Duration, Duration)>,
}

impl Plain {
    fn can_make_it(arrived: Duration, usual: u64, now: Duration) -> bool {
        PATIENCE.saturating_sub(now.saturating_sub(arrived)) >= at(usual * 2).min(PATIENCE / 2)
    }

    fn expire(&mut self, usual: u64, now: Duration) -> Vec<u32> {
        let level = self.level;
        let waiting = std::mem::take(&mut self.waiting);
        let (gone, kept) =
            waiting
                .into_iter()
                .partition::<Vec<_>, _>(|(_, slice, arrived, deadline)| {
                    *deadline <= now || (*slice < level && !Self::can_make_it(*arrived, usual, now))
                });
        self.waiting = kept;
        gone.into_iter().map(|(id, ..)| id).collect()
    }

    fn promote(&mut self, places: u32, usual: u64, now: Duration) -> Vec<u32> {
        let mut promoted = Vec::new();
        for index in (0..self.waiting.len()).rev() {
            let (id, slice, arrived, _) = self.waiting[index];
            let fits = promoted.len() < places as usize && Self::can_make_it(arrived, usual, now);
            if slice < self.level && fits {
                self.waiting.remove(index);
                promoted.push(id);
            }
        }
        promoted
    }
}

proptest! {
    #[test]
    fn deadlines_are_within_a_fifth_and_the_whole_of_the_patience(seed: u64, patience in 1_u64..60_000, now in 0_u64..1_000_000) {
        let mut hold = Hold::new(at(patience), 10, seed);
        for id in 0..10 {
            let deadline = hold.hold(id, 0, false, at(now)).unwrap();
            prop_assert!(deadline >= at(now) + at(patience) / 10 * 2 && deadline <= at(now + patience));
        }
    }

    #[test]
    fn does_what_a_plain_list_would(steps in prop::collection::vec((step(), 0_u64..700), 1..120)) {
        let mut hold = Hold::new(PATIENCE, 20, 9);
        let mut plain = Plain::default();
        let mut now = Duration::ZERO;
        for (step, wait) in steps {
            now += at(wait);
            match step {
                Step::Hold { id, slice } => {
                    let known = plain.waiting.iter().any(|(other, ..)| *other == id);
                    let held = hold.hold(id, slice, false, now);
                    prop_assert_eq!(held.is_ok(), !known && plain.waiting.len() < 20);
                    plain.waiting.extend(held.ok().map(|deadline| (id, slice, now, deadline)));
                }
                Step::Remove { id } => {
                    let before = plain.waiting.len();
                    plain.waiting.retain(|(other, ..)| *other != id);
                    prop_assert_eq!(hold.remove(id, now), plain.waiting.len() < before);
                }
                Step::Open { level } => {
                    hold.open_to(level);
                    plain.level = plain.level.max(level);
                }
                Step::Recut { level, shift } => {
                    hold.recut(level, |id| (id + shift) % 16);
                    plain.level = level;
                    plain.waiting.iter_mut().for_each(|(id, slice, ..)| *slice = (*id + shift) % 16);
                }
                Step::Promote { places: free, usual } => {
                    let promoted = hold.promote(&places(free), at(usual), now);
                    let ids: Vec<_> = promoted.into_iter().map(|(id, _)| id).collect();
                    prop_assert_eq!(ids, plain.promote(free, usual, now));
                }
                Step::Expire { usual } => {
                    let (mut real, mut expected) = (hold.expire(at(usual), now), plain.expire(usual, now));
                    real.sort_unstable();
                    expected.sort_unstable();
                    prop_assert_eq!(real, expected);
                }
            }
            let door = plain.waiting.iter().filter(|(_, slice, ..)| *slice < plain.level).count();
            prop_assert_eq!(hold.door() as usize, door);
            prop_assert_eq!(hold.held() as usize, plain.waiting.len() - door);
            prop_assert_eq!(hold.next_deadline(), plain.waiting.iter().map(|(.., deadline)| *deadline).min());
        }
    }
}

#[test]
fn whoever_has_sent_connect_is_held_for_the_whole_patience() {
    let patience = Duration::from_secs(5);
    let mut hold: Hold<u32> = Hold::new(patience, 10, 1).for_the_whole_patience();
    for id in 0..5 {
        assert_eq!(hold.hold(id, 7, false, Duration::ZERO), Ok(patience));
    }
}

#[test]
fn the_lowest_closed_slice_that_somebody_waits_in_is_told() {
    let mut hold: Hold<u32> = Hold::new(Duration::from_secs(5), 10, 1);
    assert_eq!(hold.lowest_held(), None);
    for (id, slice) in [(1, 7), (2, 3), (3, NO_SLICE)] {
        hold.hold(id, slice, false, Duration::ZERO).unwrap();
    }
    assert_eq!(hold.lowest_held(), Some(3));
    hold.open_to(4);
    assert_eq!((hold.lowest_held(), hold.door()), (Some(7), 1));
    hold.open_to(u32::MAX);
    assert_eq!(
        (hold.lowest_held(), hold.held()),
        (None, 1),
        "no level opens it"
    );
}
