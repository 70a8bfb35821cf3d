use serde_json::Value;

use super::*;
use crate::name::Filling;

const FOUNDING: &str = include_str!("../../scenarios/founding.yaml");
const LAB: &str = include_str!("../../scenarios/lab-ranges.yaml");

fn parse(text: &str, assignments: &[&str]) -> Result<Scenario, ScenarioError> {
    let value: Value = serde_saphyr::from_str(text).unwrap();
    let assignments: Vec<_> = assignments
        .iter()
        .map(|&assignment| assignment.to_owned())
        .collect();
    parse::scenario(value, &assignments)
}

fn problems(text: &str, assignments: &[&str]) -> Vec<String> {
    match parse(text, assignments) {
        Err(ScenarioError::Invalid { problems }) => problems,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_scenarios_of_the_project_are_valid() {
    let founding = parse(FOUNDING, &[]).unwrap();
    assert_eq!(founding.gateways(), 7_000);
    assert_eq!(
        founding.habits,
        Habits {
            certificates: 3,
            ..Habits::default()
        }
    );
    assert_eq!(parse(LAB, &[]).unwrap().ranges.len(), 3);
}

#[test]
fn every_problem_is_named_with_its_path() {
    let text = "
target: {address: nowhere, protocol: mqtts, serverName: a.test}
ranges:
  - {name: north, gateways: 0, sources: [127.1.0.0/99]}
  - {name: north, gateways: 5, colour: red}
identity: {clientId: 'gw', password: x}
timing: {retrySeconds: -1}
gatways: 7
";
    let problems = problems(text, &[]);
    for path in [
        "target.address: nowhere is not host:port",
        "target.caFile: is missing",
        "ranges[0].gateways: 0 is not a whole number from 1",
        "ranges[0].sources[0]: \"127.1.0.0/99\" is not a network",
        "ranges[1].colour: is unknown",
        "ranges[1].name: north is the name of another range",
        "identity.password: needs identity.userName",
        "timing.retrySeconds: -1 is not a number of seconds",
        "gatways: is unknown",
    ] {
        assert!(
            problems.iter().any(|problem| problem.starts_with(path)),
            "{path} in {problems:#?}"
        );
    }
}

#[test]
fn a_password_may_come_from_a_file_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "a{n}b: c\n").unwrap();
    let from_file = format!("identity.passwordFile={}", file.display());
    let scenario = parse(LAB, &["identity.password=null", &from_file]).unwrap();
    assert_eq!(
        scenario.identity.password.unwrap().fill(Filling::default()),
        "a{n}b: c"
    );
    assert!(problems(LAB, &[&from_file])[0].contains("exclude each other"));
    let nowhere = problems(
        LAB,
        &[
            "identity.password=null",
            "identity.passwordFile=/nowhere/password",
        ],
    );
    assert!(
        nowhere[0].starts_with("identity.passwordFile: /nowhere/password: "),
        "{nowhere:?}"
    );
}

#[test]
fn what_only_the_whole_shows() {
    let found = problems(
        FOUNDING,
        &[
            "identity.clientId=gw",
            "topics.pattern=x",
            "target={address: 'a:1', protocol: mqtt}",
        ],
    );
    for path in [
        "identity.clientId",
        "topics.pattern",
        "identity.certificates",
    ] {
        assert!(
            found.iter().any(|problem| problem.starts_with(path)),
            "{path} in {found:#?}"
        );
    }
}

#[test]
fn assignments_reach_into_lists_and_absent_mappings() {
    let scenario = parse(
        FOUNDING,
        &[
            "ranges[0].gateways=12",
            "ranges.1.name=elsewhere",
            "bringUp.concurrent=3",
        ],
    )
    .unwrap();
    assert_eq!(scenario.ranges[0].gateways, 12);
    assert_eq!(scenario.ranges[1].name, "elsewhere");
    assert_eq!(scenario.bring_up.concurrent, 3);
}

#[test]
fn a_wrong_assignment_is_named() {
    for wrong in ["ranges[9].name=x", "name", "name.first=x"] {
        assert!(
            matches!(parse(FOUNDING, &[wrong]), Err(ScenarioError::Set { .. })),
            "{wrong}"
        );
    }
}

#[test]
fn clients_beside_the_fleet_and_expectations_are_read() {
    let more = [
        "telemetry={intervalSeconds: 10, qos: 1}",
        "probe={clientId: probe, source: 127.9.9.9}",
        "cloud={clientId: cloud, filter: 'gw/+/0', commands: 20}",
        "expect={seconds: 60, drops: 0, probeP99OverIdle: 2}",
        "ranges[3].flapsAfter=2",
        "timing.retryJitterSeconds=0.5",
    ];
    let scenario = parse(FOUNDING, &more).unwrap();
    assert!(scenario.habits.telemetry.unwrap().acknowledged);
    assert_eq!(scenario.habits.retry_jitter, Duration::from_millis(500));
    assert_eq!(scenario.cloud.unwrap().topics, 39);
    assert_eq!(scenario.expect.seconds, Some(60.0));
    assert_eq!(scenario.ranges[3].flaps_after, Some(2));
}

#[test]
fn their_problems_are_named_all_at_once() {
    let found = problems(
        FOUNDING,
        &[
            "telemetry={every: 1}",
            "probe={source: here, password: x}",
            "cloud={clientId: cloud, commands: 0}",
            "expect={drops: -1, seconds: soon, probeP99OverIdle: 2}",
            "target.proxyProtocol=v3",
            "restart={cut: true, command: [reboot]}",
            "ranges[0].flapsAfter=41",
        ],
    );
    for path in [
        "telemetry.every: is unknown",
        "probe.clientId: is missing",
        "probe.source: here is not an IP address",
        "probe.password: needs a userName",
        "cloud.filter: is missing",
        "cloud.commands: 0 is not a whole number from 1 to 1000",
        "expect.drops: -1 is not",
        "expect.seconds: \"soon\" is not a number",
        "expect: probeP99... needs a probe",
        "target.proxyProtocol: v3 is none of none, v1, v2",
        "restart.cut: and restart.command exclude each other",
        "ranges[0].flapsAfter: is more than topics.count",
    ] {
        assert!(
            found.iter().any(|problem| problem.starts_with(path)),
            "{path} in {found:#?}"
        );
    }
}
