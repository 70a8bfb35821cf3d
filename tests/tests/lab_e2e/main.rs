//! The main job end to end, on a real Kubernetes: from `helm install` to a herd that comes back slice by slice.
//!
//! One story, because a cluster is dear: each chapter begins where the one before ended.

// A test stops at the first surprise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod budget;
mod calm;
mod cpu_limit;
mod faults;
mod herd;
mod leaving;
mod reopening;
mod restart;
mod serving;
mod world;

use herdgate_tests::lab::{Lab, step};

use world::World;

#[test]
fn a_restarted_cluster_lets_its_herd_back_in() {
    let Some(lab) = Lab::find() else { return };
    let world = World::new(&lab);

    step("helm installs the charts");
    world.prepare_cluster_namespace();
    world.install_operator();
    serving::a_bad_range_is_refused(&world);
    serving::bad_limits_and_waits_are_refused(&world);
    world.install_cluster();

    step("clients meet over one hostname");
    serving::helm_test_passes(&world);
    serving::clients_of_both_edges_hear_each_other(&world);
    let mut herd = world.bring_up_herd();

    step("nothing changes, so nothing is written");
    calm::an_idle_upgrade_restarts_nothing(&world);
    calm::a_pass_over_an_unchanged_world_writes_nothing(&world);

    step("a new certificate is taken up");
    calm::a_new_certificate_needs_no_restart(&world);

    step("all brokers are killed");
    let reopenings = reopening::watch_reopenings(&world);
    restart::the_herd_returns_range_by_range(&world, &mut herd);
    reopening::the_return_was_seen_and_is_on_record(&world, &reopenings);
    drop(herd);

    step("a shard is deleted");
    reopening::a_deleted_shard_makes_another_record(&world);

    step("a second node comes and goes");
    budget::a_budget_stands_over_edges_on_two_nodes_alone(&world);

    herd_and_faults_at_the_cpu_limit(&world);

    step("uninstall");
    leaving::uninstalling_leaves_only_volumes(&world);
    leaving::a_cluster_goes_without_its_operator(&world);
    leaving::every_right_was_used(&world);
}

fn herd_and_faults_at_the_cpu_limit(world: &World<'_>) {
    if !world.lab.is_our_own() || !world.lab.fleet {
        return step("a CPU limit, a herd of many addresses, a dying API server: left out");
    }
    step("pods at their CPU limit are deleted");
    cpu_limit::logins_become_dear_and_cpu_scarce(world);
    let mut herd = cpu_limit::a_herd_comes_and_is_counted(world);
    cpu_limit::it_returns_as_fast_as_the_limit_permits(world, &mut herd);
    drop(herd);

    step("operator, edge, shard and API server are killed in mid-ramp");
    faults::a_reopening_finishes_without_anybody(world);

    step("the API server is away for a moment");
    faults::the_operator_mends_what_is_missing(world);
}
