use std::time::Duration;

use herdgate_admission::progress::{AddressTrust, ClientAddresses};
use herdgate_crds::{AdmissionStatus, ExposureType};
use k8s_openapi::api::core::v1::Service;

use super::*;
use crate::cluster::names::Names;
use crate::cluster::observe::{Reading, Role};

fn tier_seen(wanted: i32) -> TierSeen {
    TierSeen {
        wanted,
        replicas: wanted,
        ready: wanted,
        current: wanted,
        observed: true,
    }
}

/// A cluster that is as it should be.
fn well() -> Seen {
    Seen {
        client_address: None,
        reopen_handled: None,
        names: Names {
            cluster: "field".into(),
            namespace: "prod".into(),
        },
        generation: Some(3),
        paused: false,
        just_applied: false,
        failure: None,
        missing_secrets: Vec::new(),
        edge: tier_seen(2),
        shard: tier_seen(1),
        troubles: Vec::new(),
        clients: Some(7000),
        gate: Some(at_level(256)),
        endpoints: Vec::new(),
        address: Address::Settled,
    }
}

fn at_level(level: u32) -> AdmissionStatus {
    gate(&[edge(1, level, 7000)]).unwrap()
}

fn edge(reopening: u64, level: u32, connected: u32) -> Reading {
    Reading {
        role: Role::Edge,
        mode: "Staged".into(),
        reopening,
        level,
        slices: 256,
        connected,
        ..Reading::default()
    }
}

fn permanent() -> Failure {
    Failure {
        reason: "InvalidSpec",
        message: "`spec.x` must be y".into(),
        permanent: true,
    }
}

fn transient() -> Failure {
    Failure {
        reason: "ApiUnavailable",
        message: "no answer".into(),
        permanent: false,
    }
}

fn pending(for_long: bool) -> Address {
    Address::Pending {
        service: "field".into(),
        for_long,
    }
}

fn told(status: &MqttClusterStatus) -> Vec<String> {
    let lines = status.conditions.iter();
    lines
        .map(|line| {
            format!(
                "{} {} {}: {}",
                line.type_, line.status, line.reason, line.message
            )
        })
        .collect()
}

/// What differs from a cluster that is well.
type Change = fn(&mut Seen);

const STATES: [(&str, Change); 18] = [
    ("well", |_| {}),
    ("just applied", |seen| seen.just_applied = true),
    ("paused", |seen| seen.paused = true),
    ("invalid", |seen| seen.failure = Some(permanent())),
    ("API away", |seen| seen.failure = Some(transient())),
    ("one Secret missing", |seen| {
        seen.missing_secrets = vec!["tls".into()];
    }),
    ("two Secrets missing", |seen| {
        seen.missing_secrets = vec!["tls".into(), "users".into()];
    }),
    ("new", |seen| {
        seen.edge = TierSeen {
            wanted: 2,
            ..TierSeen::default()
        };
        (seen.clients, seen.gate) = (None, None);
    }),
    ("edge in trouble", |seen| {
        seen.edge.ready = 1;
        seen.troubles = vec!["pod 'a': ImagePullBackOff".into()];
    }),
    ("shard away", |seen| seen.shard.ready = 0),
    ("edges rolling", |seen| {
        (seen.edge.replicas, seen.edge.current) = (3, 1);
    }),
    ("edges stuck", |seen| {
        (seen.edge.replicas, seen.edge.current) = (3, 1);
        seen.troubles = vec!["pod 'a': ImagePullBackOff".into()];
    }),
    ("not observed", |seen| seen.edge.observed = false),
    ("no address", |seen| seen.address = pending(false)),
    ("no address for long", |seen| seen.address = pending(true)),
    ("reopening", |seen| seen.gate = Some(at_level(148))),
    ("limited", |seen| {
        seen.gate = Some(AdmissionStatus {
            limiting_signal: Some("queue_wait".into()),
            ..at_level(148)
        });
    }),
    ("open", |seen| {
        seen.gate = Some(AdmissionStatus {
            mode: "Open".into(),
            ..at_level(0)
        });
    }),
];

#[test]
fn conditions_of_each_state() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (name, change) in STATES {
        let mut seen = well();
        change(&mut seen);
        let status = compute(&seen, &MqttClusterStatus::default(), Timestamp::UNIX_EPOCH);
        writeln!(text, "{name}\n  {}", told(&status).join("\n  ")).unwrap();
    }
    insta::assert_snapshot!(text);
}

fn service(ingress: &serde_json::Value) -> Service {
    serde_json::from_value(serde_json::json!({
        "metadata": {"name": "field"}, "status": {"loadBalancer": {"ingress": ingress}},
    }))
    .unwrap()
}

#[test]
fn only_a_balancer_is_waited_for() {
    let look = |exposure: ExposureType, ingress: &serde_json::Value| {
        let before = MqttClusterStatus::default();
        let service = service(ingress);
        address(exposure, Some(&service), &before, Timestamp::UNIX_EPOCH)
    };
    let none = serde_json::json!([]);
    assert_eq!(look(ExposureType::LoadBalancer, &none), pending(false));
    for exposure in [ExposureType::ClusterIp, ExposureType::NodePort] {
        assert_eq!(look(exposure, &none), Address::Settled);
    }
    for given in [
        serde_json::json!([{"ip": "198.19.255.1"}]),
        serde_json::json!([{"hostname": "lb.example.com"}]),
    ] {
        assert_eq!(look(ExposureType::LoadBalancer, &given), Address::Settled);
    }
}

#[test]
fn a_long_wait_for_an_address_is_told_once() {
    let at = |second| Timestamp::from_second(second).unwrap();
    let none = service(&serde_json::json!([]));
    let mut status = compute(&well(), &MqttClusterStatus::default(), at(0));
    let mut messages = Vec::new();
    for second in (100..1000).step_by(10) {
        let seen = Seen {
            address: address(ExposureType::LoadBalancer, Some(&none), &status, at(second)),
            ..well()
        };
        status = compute(&seen, &status, at(second));
        messages.push(status.conditions[0].message.clone());
    }
    assert_eq!(status.conditions[0].reason, "AddressPending");
    messages.dedup();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[1].contains("still has no address"), "{messages:?}");
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
fn the_highest_level_of_the_highest_reopening_counts() {
    let shard = Reading {
        role: Role::Shard,
        settling: 9,
        level: 999,
        connected: 500,
        ..Reading::default()
    };
    let readings = [edge(1, 256, 10), edge(2, 3, 20), edge(2, 5, 30), shard];
    let seen = gate(&readings).unwrap();
    assert_eq!(
        (seen.reopening, seen.summary.as_str(), seen.settling),
        (2, "5/256", 9)
    );
    assert_eq!(clients(&readings), Some(60));
    assert_eq!(
        (gate(&readings[3..]), clients(&readings[3..])),
        (None, None)
    );
}

fn told_first(change: Change) -> MqttClusterStatus {
    let mut seen = well();
    change(&mut seen);
    compute(&seen, &MqttClusterStatus::default(), Timestamp::UNIX_EPOCH)
}

const fn after(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
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

#[test]
fn the_gate_says_why_it_is_not_open() {
    let admission = |change: fn(&mut Reading)| {
        let mut reading = edge(1, 148, 7000);
        change(&mut reading);
        let seen = Seen {
            gate: gate(&[reading]),
            ..well()
        };
        let status = compute(&seen, &MqttClusterStatus::default(), Timestamp::UNIX_EPOCH);
        let mut conditions = status.conditions.into_iter();
        let open = conditions.find(|condition| condition.type_ == conditions::ADMISSION_OPEN);
        let open = open.unwrap();
        (open.status, open.reason)
    };
    let of = |status: &str, reason: &str| (status.to_owned(), reason.to_owned());
    assert_eq!(admission(|_| ()), of("False", "Reopening"));
    assert_eq!(
        admission(|reading| reading.paused = true),
        of("False", "Paused")
    );
    assert_eq!(
        admission(|reading| reading.stalled = true),
        of("False", "Stalled")
    );
    let mode = |reading: &mut Reading| reading.mode = "Closed".into();
    assert_eq!(admission(mode), of("False", "GateClosed"));
    let mode = |reading: &mut Reading| reading.mode = "DryRun".into();
    assert_eq!(admission(mode), of("True", "DryRun"));
}

#[test]
fn hidden_addresses_are_told_with_what_hides_them() {
    let trusted = |trust: Option<AddressTrust>| {
        let seen = Seen {
            client_address: trust.map(|trust| ClientAddresses {
                trust,
                clients: 7_000,
                of_few_peers: 6_912,
                inside: 6_788,
            }),
            ..well()
        };
        let status = compute(&seen, &MqttClusterStatus::default(), Timestamp::UNIX_EPOCH);
        let mut conditions = status.conditions.into_iter();
        let trusted =
            conditions.find(|condition| condition.type_ == conditions::CLIENT_ADDRESS_TRUSTED);
        let trusted = trusted.unwrap();
        let figures = ["6912 of 7000", "6788 of 7000", "7000"];
        let figures = figures
            .into_iter()
            .find(|figures| trusted.message.contains(figures));
        (trusted.status, trusted.reason, figures)
    };
    let of = |status: &str, reason: &str, figures| (status.to_owned(), reason.to_owned(), figures);
    assert_eq!(trusted(None), of("Unknown", "NoEdgeHeard", None));
    assert_eq!(
        trusted(Some(AddressTrust::Unknown)),
        of("Unknown", "NotJudgedYet", Some("7000"))
    );
    assert_eq!(
        trusted(Some(AddressTrust::Trusted)),
        of("True", "AddressesDiffer", Some("6912 of 7000"))
    );
    assert_eq!(
        trusted(Some(AddressTrust::FewPeers)),
        of("False", "FewPeers", Some("6912 of 7000"))
    );
    assert_eq!(
        trusted(Some(AddressTrust::Inside)),
        of("False", "NodeOrPodAddresses", Some("6788 of 7000"))
    );
}
