use std::path::PathBuf;
use std::time::Duration;

use herdgate_admission::simulator::{Mishap, When, Whose};

use super::*;

fn yaml(text: &str) -> Result<Scenario, ScenarioError> {
    parse(serde_saphyr::from_str(text).unwrap(), &[])
}

fn problems(text: &str) -> Vec<String> {
    match yaml(text) {
        Err(ScenarioError::Invalid { problems }) => problems,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_said_is_the_founding_herd() {
    assert_eq!(yaml("{}").unwrap(), Scenario::founding());
}

#[test]
fn values_go_where_they_belong() {
    let scenario = yaml(
        "{name: herd, seed: 7, slicing: CIDRList, law: {type: Constant, limit: 9}, atMostSeconds: 9.5, herd: {clients: 5, patienceSeconds: 2},
          capacity: {oneMachine: false, shards: 3, backend: {concurrent: 2}},
          faults: [{type: Slow, shard: 2, percent: 300, atSeconds: 3, lastingSeconds: 1},
                   {type: Backend, latencySeconds: 2, failingPercent: 50, atLevelPercent: 40, lastingSeconds: 1},
                   {type: Stall, afterSeconds: 15, lastingSeconds: 1}]}",
    )
    .unwrap();
    assert_eq!(
        (scenario.name.as_str(), scenario.seed, scenario.law),
        ("herd", 7, Law::Constant(9))
    );
    assert_eq!(
        (scenario.herd.clients, scenario.herd.patience),
        (5, Duration::from_secs(2))
    );
    assert_eq!(scenario.at_most, Duration::from_millis(9_500));
    assert_eq!(
        (
            scenario.capacity.shards,
            scenario.capacity.backend.unwrap().concurrent
        ),
        (3, 2)
    );
    assert_eq!(
        scenario.faults[0].mishap,
        Mishap::Slow {
            whose: Whose::Shard(2),
            percent: 300
        }
    );
    assert_eq!(scenario.faults[0].when, When::At(Duration::from_secs(3)));
    assert_eq!(scenario.faults[1].when, When::Level(40));
    assert_eq!(
        scenario.faults[2].when,
        When::After(Duration::from_secs(15))
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let found = problems(
        "{nme: x, slicing: Cidr, herd: {clients: 0, certificates: -1, foo: {bar: 1}}, capacity: 3, law: {type: Aimd, limit: 3},
          faults: [{type: Slow, edge: 0, shard: 0, percent: 200, atSeconds: 1, lastingSeconds: 1}, {type: Fire}, 7,
                   {type: Stall, atSeconds: 1, atLevelPercent: 2, lastingSeconds: 1, percent: 3}]}",
    );
    for part in [
        "nme: there is no such key",
        "slicing: \"Cidr\" is none of PrefixHash, Ranges, CIDRList, ClientIdHash",
        "herd.clients: 0 is not from 1",
        "herd.certificates: -1 is not a whole number",
        "herd.foo: there is no such key",
        "capacity: a number instead of a mapping",
        "law.queueSeconds: Aimd needs a number",
        "law.limit: there is no such key",
        "faults[0].edge: either this or shard",
        "faults[1].type: \"Fire\" is none of Slow",
        "faults[2]: a number instead of a mapping",
        "faults[3].atSeconds: one of this, atLevelPercent and afterSeconds",
        "faults[3].percent: Stall has no such key",
    ] {
        assert!(
            found.iter().any(|problem| problem.contains(part)),
            "{part} is not in {found:#?}"
        );
    }
    assert_eq!(found.len(), 13, "{found:#?}");
}

#[test]
fn a_first_fault_is_after_none() {
    let found = problems("{faults: [{type: Stall, afterSeconds: 1, lastingSeconds: 1}]}");
    assert!(found[0].contains("faults[0].afterSeconds"), "{found:#?}");
}

#[test]
fn assignments_win() {
    let value = serde_saphyr::from_str("{herd: {clients: 5}}").unwrap();
    let scenario = parse(value, &["herd.clients=6".to_owned(), "law=Open".to_owned()]).unwrap();
    assert_eq!((scenario.herd.clients, scenario.law), (6, Law::Open));
    let refused = parse(Value::Null, &["herd".to_owned()]);
    assert!(matches!(refused, Err(ScenarioError::Set { .. })));
}

#[test]
fn the_examples_are_fine() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        load(&path, None, &[]).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        count += 1;
    }
    assert!(count >= 10);
}
