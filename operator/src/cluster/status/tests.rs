mod address;
mod telling;

use herdgate_admission::progress::{AddressTrust, ClientAddresses};
use herdgate_crds::AdmissionStatus;

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
