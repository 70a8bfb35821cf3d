//! What must not happen: restarts and writes that nobody asked for.

use std::time::{Duration, Instant};

use herdgate_tests::lab::audit::{Event, Follower};
use herdgate_tests::lab::edges::Pod;
use herdgate_tests::lab::kubernetes::ROLLOUT;
use herdgate_tests::wait::{throughout, until};

use crate::herd::herd_size;
use crate::world::{CLUSTER, World};

/// How long nothing may be written.
const QUIET: Duration = Duration::from_mins(1);
/// How often the operator is made to look again meanwhile.
const NUDGE_EVERY: Duration = Duration::from_secs(10);
/// A replaced Secret reaches a pod within a minute or two, wherever the kubelet has its usual settings.
const SECRET_SPREADS: Duration = Duration::from_mins(3);

pub(crate) fn brokers(world: &World<'_>) -> Vec<Pod> {
    let mut pods = world.edges().identities();
    pods.extend(world.shards().identities());
    pods
}

pub(crate) fn an_idle_upgrade_restarts_nothing(world: &World<'_>) {
    let before = brokers(world);
    let resource = world.resource().unwrap();
    world.upgrade_operator();
    world.upgrade_cluster();
    let after = world.resource().unwrap();
    assert_eq!(
        resource["metadata"]["generation"],
        after["metadata"]["generation"]
    );
    assert_eq!(before, brokers(world));
}

/// The herd is connected and the operator is made to look again and again: its writes are the Lease's alone.
pub(crate) fn a_pass_over_an_unchanged_world_writes_nothing(world: &World<'_>) {
    let before = brokers(world);
    the_whole_herd_is_connected(world);
    let Some(audit) = &world.lab.audit else {
        return herdgate_tests::lab::step(
            "without an audit log nobody can tell what the operator writes: left out",
        );
    };
    let mut requests = audit.follow();
    let mut last_write = Instant::now();
    until("the operator's last write is over", ROLLOUT, || {
        if !writes(world, &mut requests).is_empty() {
            last_write = Instant::now();
        }
        (last_write.elapsed() > NUDGE_EVERY).then_some(())
    });
    let began = Instant::now();
    let mut nudges = 0_u32;
    throughout("the operator writes nothing but its Lease", QUIET, || {
        if began.elapsed() >= NUDGE_EVERY * nudges {
            nudges += 1;
            nudge(world, nudges);
        }
        let writes = writes(world, &mut requests);
        assert!(writes.is_empty(), "{writes:#?}");
        true
    });
    assert_eq!(before, brokers(world));
}

/// Something changes that means nothing, on the resource and on a child: a pass follows each.
fn nudge(world: &World<'_>, number: u32) {
    let note = format!("test.herdgate.io/nudge={number}");
    for object in [
        format!("mqttcluster/{CLUSTER}"),
        format!("service/{CLUSTER}"),
    ] {
        world.lab.kubernetes.kubectl(&[
            "annotate",
            "--overwrite",
            "--namespace",
            &world.namespace,
            &object,
            &note,
        ]);
    }
}

/// The operator's writes since the last look, its Lease left out.
fn writes(world: &World<'_>, requests: &mut Follower) -> Vec<Event> {
    let account = operator_prefix(world);
    let mut events = requests.fresh();
    events.retain(|event| {
        event.user.username.starts_with(&account)
            && event.is_write()
            && event.resource() != "leases"
    });
    events
}

/// The operator is the only account of its namespace that asks anything.
pub(crate) fn operator_prefix(world: &World<'_>) -> String {
    format!("system:serviceaccount:{}:", world.operator_namespace)
}

pub(crate) fn a_new_certificate_needs_no_restart(world: &World<'_>) {
    let before = brokers(world);
    let balancer = world.balancer();
    // no CONNECT: who is attached and gone again, again and again, has to wait
    let seen = || {
        let stranger = world.stranger(None, balancer).ok()?;
        Some(stranger.server_certificate())
    };
    let old = until("the old certificate is seen", ROLLOUT, seen);
    world.install_certificate(&world.server_identity());
    // the balancer chooses edges at random: many in a row mean that all have it
    let mut in_a_row = 0;
    until(
        "every new connection gets the new certificate",
        SECRET_SPREADS,
        || {
            in_a_row = if seen()? == old { 0 } else { in_a_row + 1 };
            (in_a_row == 12).then_some(())
        },
    );
    assert_eq!(before, brokers(world));
    the_whole_herd_is_connected(world);
}

/// And nobody else; the status is a moment behind.
fn the_whole_herd_is_connected(world: &World<'_>) {
    until("the status has the whole herd", ROLLOUT, || {
        let clients = world.resource()?.pointer("/status/clients")?.as_u64()?;
        (clients == herd_size()).then_some(())
    });
}
