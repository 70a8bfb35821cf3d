//! When a status is told, and what of it is news.

use std::time::Duration;

use super::{Change, at_level, permanent, well};
use crate::cluster::status::*;

fn told_first(change: Change) -> MqttClusterStatus {
    let mut seen = well();
    change(&mut seen);
    compute(&seen, &MqttClusterStatus::default(), Timestamp::UNIX_EPOCH)
}

const fn after(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn times_move_with_the_status_alone() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let first = compute(&well(), &MqttClusterStatus::default(), at(10));
    let same = compute(&well(), &first, at(20));
    assert_eq!(first, same);
    let reopening = compute(
        &Seen {
            gate: Some(at_level(1)),
            ..well()
        },
        &first,
        at(20),
    );
    let later = compute(
        &Seen {
            gate: Some(at_level(2)),
            ..well()
        },
        &reopening,
        at(30),
    );
    let time = |status: &MqttClusterStatus| status.conditions[4].last_transition_time.0;
    assert_eq!(
        (time(&first), time(&reopening), time(&later)),
        (at(10), at(20), at(20))
    );
    assert_ne!(reopening.conditions[4].message, later.conditions[4].message);
}

#[test]
fn what_moved_is_told_at_once_but_not_more_than_once_a_second() {
    let well = told_first(|_| {});
    let ramping = told_first(|seen| seen.gate = Some(at_level(148)));
    let none = MqttClusterStatus::default();
    assert_eq!(due(&well, None, &well, Some(after(1_000_000))), Due::Never);
    assert_eq!(due(&none, None, &well, None), Due::Now);
    assert_eq!(due(&well, None, &ramping, Some(after(1))), Due::Now);
    let soon = Some(Duration::from_millis(750));
    assert_eq!(
        due(&well, None, &ramping, soon),
        Due::In(Duration::from_millis(250))
    );
}

#[test]
fn counts_are_told_when_they_moved_much_or_stopped_or_after_a_minute() {
    let well = told_first(|_| {});
    let few = told_first(|seen| seen.clients = Some(7070));
    let fewer = told_first(|seen| seen.clients = Some(7069));
    let (second_look, ten) = (Due::In(after(2)), Some(after(10)));
    assert_eq!(due(&well, None, &few, ten), second_look);
    assert_eq!(due(&well, Some(&fewer), &few, ten), second_look);
    assert_eq!(due(&well, Some(&few), &few, ten), Due::Now);
    assert_eq!(due(&well, Some(&fewer), &few, Some(after(60))), Due::Now);
    let many = told_first(|seen| seen.clients = Some(6900));
    assert_eq!(due(&well, None, &many, Some(after(1))), Due::Now);
}

#[test]
fn the_first_client_is_told() {
    let none = told_first(|seen| seen.clients = Some(0));
    let one = told_first(|seen| seen.clients = Some(1));
    assert_eq!(due(&none, None, &one, Some(after(1))), Due::Now);
}

#[test]
fn transitions_are_news_and_first_looks_are_not() {
    let status = |seen: Seen| compute(&seen, &MqttClusterStatus::default(), Timestamp::UNIX_EPOCH);
    let reasons = |old: &MqttClusterStatus, new: &MqttClusterStatus| -> Vec<(bool, String)> {
        news(old, new)
            .into_iter()
            .map(|news| (news.warning, news.reason))
            .collect()
    };
    let none = MqttClusterStatus::default();
    let (good, bad) = (
        status(well()),
        status(Seen {
            failure: Some(permanent()),
            ..well()
        }),
    );
    assert_eq!(reasons(&none, &good), []);
    assert_eq!(reasons(&none, &bad), [(true, "InvalidSpec".into())]);
    let reopening = status(Seen {
        gate: Some(at_level(1)),
        ..well()
    });
    assert_eq!(reasons(&good, &reopening), [(false, "Reopening".into())]);
    let further = status(Seen {
        gate: Some(at_level(2)),
        ..well()
    });
    assert_eq!(reasons(&reopening, &further), []);
    assert_eq!(reasons(&further, &good), [(false, "AllSlicesOpen".into())]);
    assert_eq!(reasons(&bad, &good)[0], (false, "NotStalled".into()));
}
