//! Reopenings as objects: how one goes is seen while it goes, and its record stays.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use herdgate_tests::lab::kubernetes::ROLLOUT;
use herdgate_tests::lab::step;
use herdgate_tests::process::Process;
use herdgate_tests::skip;
use herdgate_tests::wait::until;
use serde_json::Value;

use crate::world::{CLUSTER, SLICES, World};

/// Nobody knocks: the level moves after half a minute of silence.
const SILENT_RAMP: Duration = Duration::from_mins(3);

/// Prints a line for each change of any reopening: name, phase, level.
pub(crate) fn watch_reopenings(world: &World<'_>) -> Process {
    world.lab.kubernetes.start(
        "reopenings",
        &[
            "get",
            "reopenings",
            "--namespace",
            &world.namespace,
            "--watch",
            "--output=jsonpath={.metadata.name} {.status.phase} {.status.level}{\"\\n\"}",
        ],
    )
}

/// `kubectl herdgate watch`, once an edge can be asked. `name`: of its output.
pub(crate) fn watch_as_a_person(world: &World<'_>, name: &str) -> Option<Process> {
    let binary = skip::binary("kubectl-herdgate")?;
    until("an edge can be asked", ROLLOUT, || {
        (!world.edges().statuses().is_empty()).then_some(())
    });
    let mut command = Command::new(binary);
    command
        .args([
            "watch",
            "--cluster",
            CLUSTER,
            "--namespace",
            &world.namespace,
        ])
        .arg("--kubeconfig")
        .arg(std::env::var_os("HERDGATE_LAB_KUBECONFIG")?);
    let folder = world.lab.folder.path();
    Some(Process::spawn(&format!("watch-{name}"), command, folder))
}

/// It ends with the reopening.
pub(crate) fn a_person_saw_it(mut watch: Process) {
    let status = watch.wait(ROLLOUT);
    let log = watch.log();
    step(&format!("kubectl herdgate watch:\n{log}"));
    assert!(status.success(), "{log}");
    let on_the_way = log.lines().filter(|line| line.contains(" ramping "));
    assert!(on_the_way.count() >= 3, "{log}");
    let all = format!("open {SLICES}/{SLICES}");
    assert!(log.lines().last().unwrap().contains(&all), "{log}");
}

/// After the herd has returned: it was seen on its way, and the record tells of it.
pub(crate) fn the_return_was_seen_and_is_on_record(world: &World<'_>, watch: &Process) {
    let newest = until("the newest reopening is complete", ROLLOUT, || {
        newest(world).filter(|newest| newest.pointer("/status/result").is_some())
    });
    let log = watch.log();
    let levels: BTreeSet<u64> = log
        .lines()
        .filter_map(|line| line.strip_prefix(name(&newest))?.strip_prefix(" Ramping "))
        .filter_map(|level| level.parse().ok())
        .collect();
    step(&format!("levels seen on the reopening: {levels:?}"));
    let on_the_way = levels.iter().filter(|level| (1..SLICES).contains(*level));
    assert!(on_the_way.count() >= 2, "it was seen on its way: {log}");
    let status = &newest["status"];
    assert_eq!(status["phase"], "Open", "{status:#}");
    assert_eq!(status["result"]["outcome"], "Open", "{status:#}");
    assert_eq!(status["conditions"][0]["type"], "Complete", "{status:#}");
    assert_eq!(status["conditions"][0]["status"], "True", "{status:#}");
    let timeline = status["timeline"].as_array().unwrap();
    let levels: Vec<u64> = timeline
        .iter()
        .map(|point| point["level"].as_u64().unwrap())
        .collect();
    assert!(levels.len() > 3 && levels.is_sorted(), "{levels:?}");
    show(world);
}

/// As people see all of them.
pub(crate) fn show(world: &World<'_>) {
    let words = ["get", "reopenings", "--namespace", &world.namespace];
    step(&format!("\n{}", world.lab.kubernetes.kubectl(&words)));
}

/// A shard goes alone: another reopening, whose record takes the place of the one before.
pub(crate) fn a_deleted_shard_makes_another_record(world: &World<'_>) {
    let before = newest(world).unwrap();
    let selector = format!("herdgate.io/cluster={CLUSTER},app.kubernetes.io/component=shard");
    let namespace = ["--namespace", &world.namespace];
    let delete = ["delete", "pods", "--selector", &selector, "--wait=false"];
    world
        .lab
        .kubernetes
        .kubectl(&[&delete[..], &namespace].concat());
    let object = until("another reopening appears", ROLLOUT, || {
        newest(world).filter(|newest| number(newest) > number(&before))
    });
    steer(world, name(&object), "dance");
    event(
        world,
        name(&object),
        "SteeringRefused",
        "allowed: pause, resume",
    );
    steer(world, name(&object), "pause");
    until("it is paused", ROLLOUT, || {
        let newest = newest(world)?;
        let status = &newest["status"];
        (status["paused"] == true && status["phase"] == "Holding").then_some(())
    });
    event(world, name(&object), "Steered", "pause");
    steer(world, name(&object), "resume");
    until("it goes on", ROLLOUT, || {
        (newest(world)?["status"]["paused"] == false).then_some(())
    });
    let ended = until("it ends as a record", SILENT_RAMP, || {
        newest(world).filter(|newest| newest.pointer("/status/result").is_some())
    });
    assert_eq!(name(&ended), name(&object), "one record for one reopening");
    // the cluster keeps one
    until("the older record is pruned", ROLLOUT, || {
        (reopenings(world).len() == 1).then_some(())
    });
}

/// Annotates it, and waits until the operator has taken the annotation off.
pub(crate) fn steer(world: &World<'_>, name: &str, wish: &str) {
    let annotation = format!("herdgate.io/reopening={wish}");
    let namespace = ["--namespace", &world.namespace];
    let annotate = ["annotate", "--overwrite", "reopening", name, &annotation];
    world
        .lab
        .kubernetes
        .kubectl(&[&annotate[..], &namespace].concat());
    until(&format!("the operator acts on {wish}"), ROLLOUT, || {
        let object = newest(world)?;
        let annotations = object.pointer("/metadata/annotations");
        let there = annotations.is_some_and(|all| all.get("herdgate.io/reopening").is_some());
        (!there).then_some(())
    });
}

pub(crate) fn event(world: &World<'_>, name: &str, reason: &str, text: &str) {
    let path = format!(
        "/apis/events.k8s.io/v1/namespaces/{}/events",
        world.namespace
    );
    until(&format!("an event {reason} on {name}"), ROLLOUT, || {
        let events = world.lab.kubernetes.list(&path);
        let told = events.iter().any(|event| {
            event["regarding"]["name"] == name
                && event["reason"] == reason
                && event["note"]
                    .as_str()
                    .is_some_and(|note| note.contains(text))
        });
        told.then_some(())
    });
}

fn reopenings(world: &World<'_>) -> Vec<Value> {
    known(world).expect("the API server has reopenings")
}

/// Nothing while the API server does not answer.
pub(crate) fn known(world: &World<'_>) -> Option<Vec<Value>> {
    let list = world.lab.kubernetes.get(&format!(
        "/apis/herdgate.io/v1alpha1/namespaces/{}/reopenings",
        world.namespace
    ))?;
    list["items"].as_array().cloned()
}

pub(crate) fn newest(world: &World<'_>) -> Option<Value> {
    known(world)?.into_iter().max_by_key(number)
}

pub(crate) fn number(reopening: &Value) -> u64 {
    reopening["spec"]["number"].as_u64().unwrap()
}

pub(crate) fn name(reopening: &Value) -> &str {
    reopening["metadata"]["name"].as_str().unwrap()
}
