use super::*;
use crate::progress::{MOST_POINTS, MOST_SLOWEST};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Reopening 1 at this level of 4, with clients waiting in closed slices.
fn at(level: u32) -> Sample<'static> {
    Sample {
        reopening: ReopeningNumber(1),
        level,
        slices: 4,
        held: 10,
        ..Sample::default()
    }
}

fn settled(level: u32, settled: u64) -> Sample<'static> {
    Sample {
        settled,
        ..at(level)
    }
}

fn all_in() -> Sample<'static> {
    Sample { held: 0, ..at(4) }
}

#[test]
fn before_the_first_reopening_there_is_nothing() {
    let mut recorder = Recorder::default();
    recorder.note(&Sample::default(), seconds(3));
    assert_eq!(recorder.phase(), Phase::None);
    assert_eq!(recorder.started(), None);
    assert!(recorder.timeline().is_empty());
}

#[test]
fn what_was_foreseen_first_is_kept() {
    let foreseen = |seconds| {
        Some(Forecast {
            clients: 7_000,
            seconds,
        })
    };
    let mut recorder = Recorder::default();
    recorder.note(&at(0), seconds(10));
    assert_eq!(recorder.forecast(), None, "nothing is known yet");
    for told in [90, 40] {
        let sample = Sample {
            forecast: foreseen(told),
            ..at(1)
        };
        recorder.note(&sample, seconds(11));
    }
    assert_eq!(recorder.forecast(), foreseen(90));
}

#[test]
fn ramps_and_is_open_once_nobody_waits_any_more() {
    let mut recorder = Recorder::default();
    recorder.note(&at(0), seconds(10));
    assert_eq!(recorder.phase(), Phase::Ramping);
    let settling = Sample {
        settling: 1,
        ..all_in()
    };
    recorder.note(&settling, seconds(12));
    assert_eq!(
        (recorder.phase(), recorder.finished()),
        (Phase::Ramping, None)
    );
    recorder.note(&all_in(), seconds(13));
    assert_eq!(recorder.phase(), Phase::Open);
    assert_eq!(recorder.started(), Some(seconds(10)));
    assert_eq!(recorder.finished(), Some(seconds(13)));
    // who comes later is no part of it
    recorder.note(&settling, seconds(90));
    assert_eq!(recorder.phase(), Phase::Open);
    assert_eq!(recorder.timeline().last().unwrap().seconds, 3);
}

#[test]
fn a_fleet_that_never_rests_is_over_after_a_while() {
    let mut recorder = Recorder::default();
    let restless = Sample {
        settling: 1,
        ..all_in()
    };
    recorder.note(&restless, seconds(0));
    recorder.note(&restless, seconds(59));
    assert_eq!(recorder.phase(), Phase::Ramping);
    recorder.note(&restless, seconds(60));
    assert_eq!(recorder.phase(), Phase::Open);
}

#[test]
fn holds_when_paused_or_when_nothing_opens_although_somebody_waits() {
    let mut recorder = Recorder::default();
    recorder.note(&at(1), seconds(0));
    let paused = Sample {
        paused: true,
        ..at(1)
    };
    recorder.note(&paused, seconds(1));
    assert_eq!(recorder.phase(), Phase::Holding);
    recorder.note(&at(1), seconds(4));
    assert_eq!(recorder.phase(), Phase::Ramping);
    recorder.note(&at(1), seconds(5));
    assert_eq!(recorder.phase(), Phase::Holding);
    recorder.note(&Sample { held: 0, ..at(1) }, seconds(6));
    assert_eq!(recorder.phase(), Phase::Ramping);
    recorder.note(&at(2), seconds(20));
    assert_eq!(recorder.phase(), Phase::Ramping);
    // the door is full, and those who stand there come in one by one
    for second in 21..40 {
        recorder.note(&settled(2, second), seconds(second));
        assert_eq!(recorder.phase(), Phase::Ramping);
    }
}

#[test]
fn what_was_stopped_says_so_to_the_end() {
    let mut recorder = Recorder::default();
    recorder.note(&at(1), seconds(0));
    let stopped = Sample {
        stopped: true,
        ..at(4)
    };
    recorder.note(&stopped, seconds(1));
    assert_eq!(
        (recorder.phase(), recorder.finished()),
        (Phase::Stopped, None)
    );
    let stopped = Sample {
        stopped: true,
        ..all_in()
    };
    recorder.note(&stopped, seconds(2));
    assert_eq!(recorder.phase(), Phase::Stopped);
    assert_eq!(recorder.finished(), Some(seconds(2)));
}

#[test]
fn another_number_starts_another_record() {
    let mut recorder = Recorder::default();
    let first = Sample {
        trigger: Trigger::Restart,
        handshakes: 100,
        ..at(3)
    };
    recorder.note(&first, seconds(0));
    recorder.note(
        &Sample {
            handshakes: 130,
            ..first
        },
        seconds(1),
    );
    assert_eq!(recorder.handshakes(), 30);
    let second = Sample {
        reopening: ReopeningNumber(2),
        trigger: Trigger::Manual,
        handshakes: 150,
        ..at(0)
    };
    recorder.note(&second, seconds(7));
    assert_eq!(recorder.reopening(), ReopeningNumber(2));
    assert_eq!(recorder.trigger(), Trigger::Manual);
    assert_eq!(recorder.started(), Some(seconds(7)));
    assert_eq!(recorder.handshakes(), 0);
    assert_eq!(recorder.timeline().len(), 1);
}

#[test]
fn the_timeline_is_even_and_bounded_however_long_it_takes() {
    let mut recorder = Recorder::default();
    for quarter in 0..40_000_u64 {
        recorder.note(&settled(1, quarter), Duration::from_millis(quarter * 250));
        assert!(recorder.timeline().len() <= MOST_POINTS);
    }
    recorder.note(&all_in(), Duration::from_millis(10_000_250));
    let timeline = recorder.timeline();
    assert!(timeline.len() > MOST_POINTS / 2);
    assert_eq!(timeline[0].seconds, 0);
    assert_eq!(timeline.last().unwrap().seconds, 10_000);
    let gaps: Vec<u64> = timeline
        .windows(2)
        .map(|two| two[1].seconds - two[0].seconds)
        .collect();
    let usual = gaps[0];
    assert!(gaps.last() <= Some(&usual), "{gaps:?}");
    assert!(
        gaps[..gaps.len() - 1].iter().all(|gap| *gap == usual),
        "{gaps:?}"
    );
}

#[test]
fn the_eta_follows_the_pace_of_late() {
    let mut recorder = Recorder::default();
    let expecting = |back| Sample {
        expected: Some(1_000),
        ..settled(1, back)
    };
    recorder.note(&expecting(0), seconds(0));
    assert_eq!(recorder.eta(), None);
    for second in 1..=10 {
        recorder.note(&expecting(second * 50), seconds(second));
    }
    assert_eq!(recorder.eta(), Some(seconds(10)));
    for second in 11..=60 {
        recorder.note(&expecting(500), seconds(second));
    }
    assert_eq!(recorder.eta(), None);
}

#[test]
fn without_a_census_those_who_are_seen_are_waited_for() {
    let mut recorder = Recorder::default();
    for second in 0..=5 {
        recorder.note(&settled(1, second * 2), seconds(second));
    }
    assert_eq!(recorder.eta(), Some(seconds(5)));
}

fn wide(level: u32, entered: &[u32]) -> Sample<'_> {
    Sample {
        slices: 16,
        entered,
        ..at(level)
    }
}

#[test]
fn the_slowest_slices_are_those_whose_last_client_came_latest_after_the_opening() {
    let mut recorder = Recorder::default();
    recorder.note(&wide(2, &[0; 16]), seconds(0));
    let mut entered = [0; 16];
    (entered[0], entered[1]) = (1, 1);
    recorder.note(&wide(2, &entered), seconds(3));
    entered[1] = 4;
    recorder.note(&wide(12, &entered), seconds(8));
    for slice in entered.iter_mut().take(12) {
        *slice += 1;
    }
    recorder.note(&wide(12, &entered), seconds(9));
    let slowest = recorder.slowest(|slice| (slice == 1).then(|| "north".to_owned()));
    assert_eq!(slowest.len(), MOST_SLOWEST);
    let two: Vec<_> = slowest
        .iter()
        .take(3)
        .map(|each| (each.slice, each.seconds, each.entered))
        .collect();
    assert_eq!(two, [(0, 9, 2), (1, 9, 5), (2, 1, 1)]);
    assert_eq!(slowest[1].range.as_deref(), Some("north"));
}
