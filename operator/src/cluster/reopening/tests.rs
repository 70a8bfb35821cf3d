use std::time::Duration;

use herdgate_admission::progress::{Forecast, MOST_POINTS, Point, Trigger};
use herdgate_crds::{ReopeningOutcome, ReopeningPhase, TimelinePoint};

use super::*;

const START: &str = "2026-11-25T22:00:00Z";

fn at(second: i64) -> Timestamp {
    let start: Timestamp = START.parse().unwrap();
    Timestamp::from_second(start.as_second() + second).unwrap()
}

fn ramping() -> Progress {
    Progress {
        number: 3,
        phase: Phase::Ramping,
        trigger: Trigger::Restart,
        started_at: Some(START.into()),
        slices: 256,
        level: 148,
        expected: Some(7_000),
        settled: 4_212,
        held: 2_500,
        door: 60,
        limiting_signal: Some("queue_wait".into()),
        limiting_shard: Some(2),
        eta_seconds: Some(98),
        forecast: Some(Forecast {
            clients: 7_000,
            seconds: 90,
        }),
        timeline: (0..5).map(moment).collect(),
        ..Progress::default()
    }
}

fn moment(seconds: u64) -> Point {
    Point {
        seconds,
        settled: seconds * 100,
        ..Point::default()
    }
}

fn over() -> Progress {
    Progress {
        phase: Phase::Open,
        finished_at: Some("2026-11-25T22:01:40Z".into()),
        level: 256,
        settled: 6_998,
        held: 0,
        door: 0,
        handshakes: 7_010,
        limiting_signal: None,
        limiting_shard: None,
        eta_seconds: None,
        ..ramping()
    }
}

fn reopening(number: i64, status: Option<ReopeningStatus>) -> Arc<Reopening> {
    let spec = herdgate_crds::ReopeningSpec {
        cluster_ref: herdgate_crds::ClusterRef {
            name: "field".into(),
        },
        number,
    };
    let mut reopening = Reopening::new(&format!("field-{number}"), spec);
    reopening.status = status;
    Arc::new(reopening)
}

#[test]
fn a_record_tells_what_a_person_asks() {
    insta::assert_yaml_snapshot!(record::status(&ramping(), None, at(40)));
}

#[test]
fn a_record_ends_with_its_result() {
    let known = record::status(&ramping(), None, at(40));
    let ended = record::status(&over(), Some(&known), at(101));
    let result = ended.result.unwrap();
    assert_eq!(
        (
            result.outcome,
            result.seconds,
            result.clients,
            result.handshakes
        ),
        (ReopeningOutcome::Open, 100, 6_998, Some(7_010))
    );
    assert_eq!(ended.phase, ReopeningPhase::Open);
    assert_eq!(ended.conditions[0].status, "True");
    assert_eq!(ended.conditions[0].last_transition_time.0, at(101));
    let late = Progress {
        settled: 3,
        timeline: vec![moment(69)],
        ..over()
    };
    let late = record::status(&late, Some(&known), at(130));
    assert_eq!(
        (late.result.unwrap().clients, &*late.back),
        (6_900, "6900/7000")
    );
    // a record that is looked at later does not change
    let again = record::status(&over(), Some(&known), at(101));
    assert_eq!(again.conditions, ended.conditions);
}

#[test]
fn another_reopening_puts_an_end_to_it() {
    let known = record::status(&ramping(), None, at(40));
    let ended = record::superseded(&known, at(60));
    let result = ended.result.unwrap();
    assert_eq!(
        (ended.phase, result.outcome, result.seconds, result.clients),
        (
            ReopeningPhase::Stopped,
            ReopeningOutcome::Superseded,
            60,
            4_212
        )
    );
    assert_eq!(result.handshakes, None, "nobody told them");
}

#[test]
fn what_an_edge_that_came_later_does_not_know_stays() {
    let known = record::status(&ramping(), None, at(40));
    let later = Progress {
        started_at: Some("2026-11-25T22:00:03Z".into()),
        timeline: (0..3).map(moment).collect(),
        ..ramping()
    };
    let joined = record::status(&later, Some(&known), at(41));
    assert_eq!(joined.started_at, known.started_at);
    let seconds = |points: &[TimelinePoint]| -> Vec<i64> {
        points.iter().map(|point| point.seconds).collect()
    };
    assert_eq!(seconds(&joined.timeline), [0, 1, 2, 3, 4, 5]);
    assert_eq!(joined.timeline[3].settled, 0);
    let long: Vec<TimelinePoint> = (0..200)
        .map(|seconds| TimelinePoint {
            seconds,
            ..TimelinePoint::default()
        })
        .collect();
    let joined = timeline::join(&long, long.clone(), 190);
    assert!(joined.len() <= MOST_POINTS);
    assert_eq!(
        (joined[0].seconds, joined.last().unwrap().seconds),
        (0, 389)
    );
}

#[test]
fn nothing_new_is_not_written_and_turning_points_are_soon() {
    let known = record::status(&ramping(), None, at(40));
    let due = |new: &ReopeningStatus, seconds| {
        due::due(Some(&known), new, Some(Duration::from_secs(seconds)))
    };
    assert_eq!(due(&known, 900), Due::Later);
    let moved = ReopeningStatus {
        level: 149,
        ..known.clone()
    };
    assert_eq!(due(&moved, 2), Due::Later);
    assert_eq!(due(&moved, 3), Due::Now);
    let paused = ReopeningStatus {
        paused: true,
        ..known.clone()
    };
    assert_eq!(due(&paused, 1), Due::Now);
    assert_eq!(due::due(None, &known, None), Due::Now);
    assert_eq!(due::due(Some(&known), &moved, None), Due::Now);
}

#[test]
fn a_complete_record_is_left_alone_until_its_number_comes_again() {
    let ended = record::status(&over(), None, at(101));
    let reading = |reopening, phase| Reading {
        reopening,
        phase,
        ..Reading::default()
    };
    assert!(is_settled(Some(&ended), 3, &[reading(3, Phase::Open)]));
    assert!(!is_settled(Some(&ended), 3, &[reading(3, Phase::Ramping)]));
    assert!(is_settled(Some(&ended), 3, &[reading(2, Phase::Ramping)]));
    let known = record::status(&ramping(), None, at(40));
    assert!(!is_settled(Some(&known), 3, &[]));
    let again = Progress {
        started_at: Some("2026-11-25T23:00:00Z".into()),
        ..ramping()
    };
    let anew = record::status(&again, Some(&ended), at(3_601));
    assert_eq!(anew.started_at.unwrap().0, at(3_600));
    assert_eq!(anew.result, None);
}

#[test]
fn events_tell_turning_points_once() {
    let reasons = |known: Option<&ReopeningStatus>, new: &ReopeningStatus| -> Vec<String> {
        let news = record::news(known, new);
        news.into_iter().map(|news| news.reason).collect()
    };
    let known = record::status(&ramping(), None, at(40));
    let ended = record::status(&over(), Some(&known), at(101));
    assert_eq!(reasons(None, &known), ["Ramping"]);
    assert!(reasons(Some(&known), &known).is_empty());
    assert_eq!(reasons(Some(&known), &ended), ["Open"]);
}

#[test]
fn old_records_go_and_the_one_that_goes_on_stays() {
    let ended = || Some(record::status(&over(), None, at(101)));
    let going_on = Some(record::status(&ramping(), None, at(40)));
    let objects = newest_first(&[
        reopening(1, ended()),
        reopening(4, going_on.clone()),
        reopening(3, ended()),
        reopening(2, going_on),
    ]);
    let numbers = |kept| -> Vec<i64> {
        let surplus = prune::surplus(&objects, kept);
        surplus.iter().map(|object| object.spec.number).collect()
    };
    assert_eq!(numbers(1), [3, 1]);
    assert_eq!(numbers(2), [1]);
    assert_eq!(numbers(0), [3, 1]);
    assert!(numbers(9).is_empty());
}
