//! Tables by census, and numbers that are remembered.

use super::*;
use crate::census::Census;
use crate::slicing::TableFor;

fn table(reopening: u64, slices: u32) -> TableFor {
    let plan = SlicePlan::new(slices, &Slicing::PrefixHash(PrefixLengths::default())).unwrap();
    TableFor {
        reopening: ReopeningNumber(reopening),
        spec: plan.spec(Census::default(), true),
    }
}

#[test]
fn a_table_that_is_heard_before_its_reopening_waits_for_it() {
    let mut cluster = Cluster::new(1, 1);
    cluster.start_edge(0);
    let edge = cluster.edges[0].running.as_mut().unwrap();
    assert!(!edge.adopt_table(&table(1, 512)));
    assert_eq!(edge.view().slices(), 256);
    cluster.start_shard(0);
    cluster.step();
    assert_eq!((cluster.number(0), cluster.view(0).slices()), (1, 512));
}

#[test]
fn a_table_that_comes_late_leaves_as_much_open_as_was() {
    let mut cluster = Cluster::new(1, 1);
    cluster.start_edge(0);
    cluster.start_shard(0);
    cluster.run(2_000);
    let level = cluster.view(0).level;
    assert!(level > 0);
    let edge = cluster.edges[0].running.as_mut().unwrap();
    assert!(edge.adopt_table(&table(1, 1_024)));
    assert_eq!(edge.view().level, level * 4);
    assert!(!edge.adopt_table(&table(1, 1_024)), "it is known");
}

#[test]
fn a_shard_that_remembers_a_number_takes_a_higher_one() {
    let mut shard = ShardAdmission::new(0, 1, HearingTuning::default());
    shard.restore(ReopeningNumber(41), 0);
    let mut cluster = Cluster::new(1, 1);
    cluster.start_edge(0);
    let report = cluster.edges[0].running.as_ref().unwrap().report(NOBODY);
    assert!(shard.hear(report, Duration::ZERO));
    assert_eq!(shard.reopening(), ReopeningNumber(42));
}
