//! One answer out of those of several edges.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::progress::{MOST_SLOWEST, PerSlice, Phase, Progress, SlowSlice};

/// Each edge counts the cluster as it hears it, and its own handshakes and slices: of the former the answer of the edge
/// that has followed the newest reopening for longest counts, the latter are added up. `None`: nobody told anything.
pub fn merge(mut told: Vec<Progress>) -> Option<Progress> {
    let newest = told.iter().map(|progress| progress.number).max()?;
    told.retain(|progress| progress.number == newest);
    // an edge that came later knows only the rest of it; in RFC 3339 and one time zone, texts are ordered as times
    told.sort_by(|a, b| (&a.started_at, Reverse(a.level)).cmp(&(&b.started_at, Reverse(b.level))));
    let goes_on = |progress: &Progress| {
        progress.finished_at.is_none() && matches!(progress.phase, Phase::Ramping | Phase::Holding)
    };
    let going_on = told.iter().find(|progress| goes_on(progress));
    let going_on = going_on.map(|progress| progress.phase);
    let handshakes = told.iter().map(|progress| progress.handshakes).sum();
    let level = told.iter().map(|progress| progress.level).max()?;
    let per_slice = sum(told
        .iter()
        .filter_map(|progress| progress.per_slice.as_ref()));
    let slowest = slowest(told.iter().flat_map(|progress| &progress.slowest));
    let mut first = told.into_iter().next()?;
    // edges see the end at moments a little apart, and it is over when it is for all
    if let Some(phase) = going_on {
        (first.phase, first.finished_at) = (phase, None);
    }
    Some(Progress {
        level,
        handshakes,
        slowest,
        per_slice,
        ..first
    })
}

/// Each slice once: it took as long as at the edge where its last client came in.
fn slowest<'a>(told: impl Iterator<Item = &'a SlowSlice>) -> Vec<SlowSlice> {
    let mut slices = BTreeMap::<u32, SlowSlice>::new();
    for slice in told {
        slices
            .entry(slice.slice)
            .and_modify(|known| {
                known.seconds = known.seconds.max(slice.seconds);
                known.entered = known.entered.saturating_add(slice.entered);
            })
            .or_insert_with(|| slice.clone());
    }
    let mut slowest: Vec<_> = slices.into_values().collect();
    slowest.sort_by_key(|slice| (Reverse(slice.seconds), slice.slice));
    slowest.truncate(MOST_SLOWEST);
    slowest
}

fn sum<'a>(mut parts: impl Iterator<Item = &'a PerSlice>) -> Option<PerSlice> {
    let mut sum = parts.next()?.clone();
    for part in parts {
        let both = sum.entered.iter_mut().zip(&part.entered);
        both.for_each(|(sum, part)| *sum = sum.saturating_add(*part));
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramping(started: &str) -> Progress {
        Progress {
            number: 3,
            phase: Phase::Ramping,
            started_at: Some(started.into()),
            level: 148,
            ..Progress::default()
        }
    }

    fn slow(slice: u32, seconds: u64) -> SlowSlice {
        SlowSlice {
            slice,
            seconds,
            entered: 1,
            ..SlowSlice::default()
        }
    }

    fn entered(counts: &[u32]) -> PerSlice {
        PerSlice {
            expected: vec![9; counts.len()],
            entered: counts.to_vec(),
        }
    }

    #[test]
    fn the_edge_that_followed_it_for_longest_counts_and_what_is_of_one_edge_is_added_up() {
        let first = Progress {
            handshakes: 10,
            settled: 40,
            slowest: vec![slow(1, 9), slow(2, 3)],
            per_slice: Some(entered(&[1, 2])),
            ..ramping("2026-11-25T22:00:00Z")
        };
        let later = Progress {
            level: 150,
            handshakes: 5,
            slowest: vec![slow(3, 7), slow(2, 5)],
            per_slice: Some(entered(&[3, 0])),
            ..ramping("2026-11-25T22:00:30Z")
        };
        let earlier_number = Progress {
            number: 2,
            ..ramping("2026-11-25T20:00:00Z")
        };
        let merged = merge(vec![later, earlier_number, first]).unwrap();
        assert_eq!(
            (
                merged.number,
                merged.level,
                merged.handshakes,
                merged.settled
            ),
            (3, 150, 15, 40)
        );
        let slices = merged.slowest.iter();
        let slices: Vec<_> = slices
            .map(|slow| (slow.slice, slow.seconds, slow.entered))
            .collect();
        assert_eq!(slices, [(1, 9, 1), (3, 7, 1), (2, 5, 2)]);
        assert_eq!(merged.per_slice, Some(entered(&[4, 2])));
        assert_eq!(merge(Vec::new()), None);
    }

    #[test]
    fn it_is_over_when_it_is_for_all() {
        let over = Progress {
            phase: Phase::Open,
            finished_at: Some("2026-11-25T22:01:00Z".into()),
            ..ramping("2026-11-25T22:00:00Z")
        };
        let going_on = ramping("2026-11-25T22:00:01Z");
        let merged = merge(vec![over.clone(), going_on]).unwrap();
        assert_eq!((merged.phase, merged.finished_at), (Phase::Ramping, None));
        let merged = merge(vec![over.clone(), over]).unwrap();
        assert_eq!(merged.phase, Phase::Open);
    }
}
