//! How the whole cluster stands, as one edge hears it.

use std::collections::BTreeMap;
use std::sync::Arc;

use herdgate_admission::progress::{ClientAddresses, Forecast};
use herdgate_admission::record::Sample;
use herdgate_admission::report::{EdgeReport, ShardReport};
use herdgate_admission::simulator::{self, Known};

use super::control::Snapshot;

/// Sums over all edges and shards heard at the present reopening.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) settled: u64,
    pub(super) settling: u64,
    pub(super) entering: u64,
    pub(super) held: u64,
    pub(super) door: u64,
}

/// `own`: this edge's name; of itself it knows better than shards tell it.
pub(super) fn totals(now: &Snapshot, own: &str) -> Totals {
    let mut totals = Totals {
        entering: now.counts.entering.into(),
        held: now.counts.held.into(),
        door: now.counts.door.into(),
        ..Totals::default()
    };
    for edge in others(now, own).values() {
        totals.entering += u64::from(edge.entering_limit.saturating_sub(edge.free_places));
        totals.held += u64::from(edge.held);
        totals.door += u64::from(edge.door);
    }
    for shard in shards(now) {
        totals.settling += u64::from(shard.settling);
        totals.settled += u64::from(shard.connected.saturating_sub(shard.settling));
    }
    totals
}

/// What the recorder is told. `handshakes`: begun since the process started.
pub(super) fn sample<'a>(
    now: &'a Snapshot,
    totals: Totals,
    handshakes: u64,
    entered: &'a [u32],
) -> Sample<'a> {
    Sample {
        reopening: now.view.reopening,
        level: now.view.level,
        slices: now.view.slices(),
        settled: totals.settled,
        entering: totals.entering,
        settling: totals.settling,
        held: totals.held,
        door: totals.door,
        limiting_signal: &now.view.limiting,
        handshakes,
        entered,
        trigger: now.view.trigger,
        paused: now.view.steering.paused,
        stopped: now.view.steering.stopped,
        expected: Some(now.view.table.clients()).filter(|clients| *clients > 0),
        forecast: forecast(now),
    }
}

/// How long the clients of the census would take at the pace of the last reopening that was good.
fn forecast(now: &Snapshot) -> Option<Forecast> {
    let clients = now.view.table.clients();
    let good = shards(now).map(|shard| shard.last_good.entering).max()?;
    let known = Known {
        clients: u32::try_from(clients).unwrap_or(u32::MAX),
        entering_limit: good,
        time_to_connack: None,
        settling: None,
        patience: now.view.patience,
        away: None,
    };
    let foreseen = simulator::forecast(known).filter(|_| clients > 0)?;
    Some(Forecast {
        clients,
        seconds: foreseen.takes.as_secs(),
    })
}

/// As the shard with the largest census tells it.
pub(super) fn addresses(now: &Snapshot) -> ClientAddresses {
    let told = now.shards.iter().flatten().map(|shard| shard.addresses);
    told.max_by_key(|addresses| addresses.clients)
        .unwrap_or_default()
}

/// The shard that tells of the signal that limits, the worst of several.
pub(super) fn limiting_shard(now: &Snapshot, signal: Option<&str>) -> Option<u32> {
    let telling = shards(now).filter(|shard| signal.is_some() && shard.signal.as_deref() == signal);
    telling
        .max_by_key(|shard| shard.verdict)
        .map(|shard| shard.shard)
}

fn shards(now: &Snapshot) -> impl Iterator<Item = &Arc<ShardReport>> {
    let heard = now.shards.iter().flatten();
    heard.filter(|shard| shard.reopening == now.view.reopening)
}

/// The freshest report of each other edge.
fn others<'a>(now: &'a Snapshot, own: &str) -> BTreeMap<&'a str, &'a EdgeReport> {
    let mut freshest: BTreeMap<&str, &EdgeReport> = BTreeMap::new();
    for edge in shards(now).flat_map(|shard| &shard.edges) {
        if edge.edge.0 == own || edge.reopening != now.view.reopening {
            continue;
        }
        let known = freshest.get(edge.edge.0.as_str());
        if known.is_none_or(|known| edge.age_ms < known.age_ms) {
            freshest.insert(&edge.edge.0, edge);
        }
    }
    freshest
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use herdgate_admission::census::Census;
    use herdgate_admission::edge::{EdgeAdmission, EdgeCounts, EdgeSettings, Mode};
    use herdgate_admission::report::{
        EdgeId, LastGood, ReopeningNumber, Steering, Trigger, Verdict,
    };
    use herdgate_admission::slicing::{PrefixLengths, SlicePlan, Slicing, TableFor};
    use herdgate_admission::tuning::Tuning;

    use super::*;

    fn edge(name: &str, reopening: u64, held: u32, age_ms: u32) -> EdgeReport {
        EdgeReport {
            edge: EdgeId(name.to_owned()),
            reopening: ReopeningNumber(reopening),
            level: 0,
            door: 1,
            free_places: 60,
            entering_limit: 64,
            held,
            lowest_held: u32::MAX,
            age_ms,
            joined: Vec::new(),
            trigger: Trigger::None,
            steering: Steering::default(),
            patience_ms: 0,
            backend: Verdict::Good,
            arrivals: 0,
        }
    }

    fn shard(number: u32, reopening: u64, edges: Vec<EdgeReport>) -> Arc<ShardReport> {
        Arc::new(ShardReport {
            shard: number,
            boot_epoch: 7,
            reopening: ReopeningNumber(reopening),
            level: 0,
            trigger: Trigger::None,
            steering: Steering::default(),
            patience_ms: 0,
            verdict: Verdict::Bad,
            signal: Some("queue_wait".to_owned()),
            connected: 100,
            settling: 10,
            settle_limit: 1000,
            attaching: 0,
            last_good: LastGood {
                entering: 80,
                settling: 0,
            },
            addresses: ClientAddresses::default(),
            edges,
        })
    }

    /// Edge `a` at reopening 1, with its own counts.
    fn heard(shards: Vec<Option<Arc<ShardReport>>>) -> Snapshot {
        heard_with(0, shards)
    }

    /// With so many clients in the census.
    fn heard_with(clients: u32, shards: Vec<Option<Arc<ShardReport>>>) -> Snapshot {
        let mut admission = EdgeAdmission::new(EdgeSettings {
            edge: EdgeId("a".to_owned()),
            mode: Mode::Staged,
            cluster: "test".to_owned(),
            plan: SlicePlan::new(16, &Slicing::PrefixHash(PrefixLengths::default())).unwrap(),
            patience: Duration::from_secs(5),
            learns_patience: false,
            entering_cap: None,
            tuning: Tuning::default(),
        });
        for report in shards.iter().flatten() {
            admission.hear((**report).clone(), Duration::ZERO);
        }
        let mut census = Census::default();
        census.add("198.18.0.1".parse().unwrap(), clients);
        admission.adopt_table(&TableFor {
            reopening: ReopeningNumber(1),
            spec: admission.plan().spec(census, true),
        });
        Snapshot {
            table: None,
            view: admission.view(),
            counts: EdgeCounts {
                door: 2,
                held: 30,
                entering: 3,
                ..EdgeCounts::default()
            },
            shards,
            record: Arc::default(),
        }
    }

    #[test]
    fn edges_are_counted_once_by_their_freshest_report_and_this_one_by_itself() {
        let first = shard(
            0,
            1,
            vec![
                edge("a", 1, 900, 0),
                edge("b", 1, 40, 200),
                edge("c", 0, 70, 0),
            ],
        );
        let second = shard(1, 1, vec![edge("b", 1, 50, 100)]);
        let totals = totals(&heard(vec![Some(first), None, Some(second)]), "a");
        let wanted = Totals {
            settled: 180,
            settling: 20,
            entering: 3 + 4,
            held: 30 + 50,
            door: 2 + 1,
        };
        assert_eq!(totals, wanted);
    }

    #[test]
    fn the_census_at_the_last_good_pace_is_the_forecast() {
        let shards = || vec![Some(shard(0, 1, Vec::new()))];
        let foreseen = Forecast {
            clients: 7_000,
            // 7,000 clients, 80 of them in a fifth of 5 s, and what a beginning and an end take
            seconds: 91,
        };
        assert_eq!(forecast(&heard_with(7_000, shards())), Some(foreseen));
        assert_eq!(forecast(&heard_with(0, shards())), None, "no census");
        assert_eq!(forecast(&heard_with(7_000, Vec::new())), None, "no pace");
    }

    #[test]
    fn a_shard_of_an_earlier_reopening_does_not_count() {
        let now = heard(vec![
            Some(shard(0, 1, Vec::new())),
            Some(shard(1, 2, Vec::new())),
        ]);
        assert_eq!(now.view.reopening, ReopeningNumber(2));
        assert_eq!(totals(&now, "a").settled, 90);
        assert_eq!(limiting_shard(&now, Some("queue_wait")), Some(1));
        assert_eq!(limiting_shard(&now, Some("level")), None);
        assert_eq!(limiting_shard(&now, None), None);
    }

    #[test]
    fn a_shard_that_is_well_and_slow_is_named_too() {
        let slow = ShardReport {
            verdict: Verdict::Good,
            signal: Some("cpu_throttling".to_owned()),
            ..(*shard(1, 2, Vec::new())).clone()
        };
        let now = heard(vec![Some(shard(0, 2, Vec::new())), Some(Arc::new(slow))]);
        assert_eq!(limiting_shard(&now, Some("cpu_throttling")), Some(1));
    }
}
