//! Whether a scenario can be run.

use std::time::Duration;

use super::scenario::{Fault, Law, Mishap, Scenario, When, Whose};

/// More than any fleet this is planned for.
const MOST_CLIENTS: u32 = 1_000_000;
/// A reopening of a day is no reopening.
const DAY: Duration = Duration::from_hours(24);

/// One thing wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {found} is not {allowed}")]
pub struct Problem {
    /// As a scenario file names it.
    pub field: String,
    pub found: String,
    pub allowed: String,
}

/// Everything wrong with a scenario, at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to run the scenario: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Problems(pub Vec<Problem>);

impl Scenario {
    /// Everything that [`Scenario::run`] refuses.
    pub fn check(&self) -> Result<(), Problems> {
        let mut found = Vec::new();
        self.check_herd(&mut found);
        self.check_times_of_herd(&mut found);
        self.check_capacity(&mut found);
        for (index, fault) in self.faults.iter().enumerate() {
            self.check_fault(&format!("faults[{index}]"), *fault, &mut found);
        }
        if let Some(When::After(_)) = self.faults.first().map(|fault| fault.when) {
            found.push(problem(
                "faults[0].afterSeconds",
                "the first fault",
                "one that has another before it",
            ));
        }
        match self.law {
            Law::Constant(0) => found.push(problem("law.limit", "0", "at least 1")),
            Law::Aimd(queue) => time("law.queueSeconds", queue, (1, 60_000_000), &mut found),
            Law::Staged | Law::Open | Law::Constant(_) => {}
        }
        time(
            "atMostSeconds",
            self.at_most,
            (1, DAY.as_micros()),
            &mut found,
        );
        if found.is_empty() && self.ideal().is_zero() {
            found.push(problem("capacity", "work that takes no time", "work to do"));
        }
        if found.is_empty() {
            Ok(())
        } else {
            Err(Problems(found))
        }
    }

    fn check_herd(&self, found: &mut Vec<Problem>) {
        let herd = &self.herd;
        for (field, number, (least, most)) in [
            ("clients", herd.clients, (1, MOST_CLIENTS)),
            (
                "neverReturnPercent",
                u32::from(herd.never_return_percent),
                (0, 99),
            ),
            ("flapping", herd.flapping, (0, MOST_CLIENTS)),
            ("behindCarriers", herd.behind_carriers, (0, herd.clients)),
            (
                "clientsPerCarrier",
                herd.clients_per_carrier,
                (1, MOST_CLIENTS),
            ),
            ("censusPercent", u32::from(herd.census_percent), (0, 100)),
            ("jitterPercent", u32::from(herd.jitter_percent), (0, 100)),
            (
                "backOffPercent",
                u32::from(herd.back_off_percent),
                (100, 1_000),
            ),
            (
                "otherPatiencePercent",
                u32::from(herd.other_patience_percent),
                (0, 100),
            ),
            ("certificates", u32::from(herd.certificates), (1, 16)),
            ("subscribes", u32::from(herd.subscribes), (0, 10_000)),
        ] {
            whole(&format!("herd.{field}"), number, (least, most), found);
        }
    }

    fn check_times_of_herd(&self, found: &mut Vec<Problem>) {
        let herd = &self.herd;
        let day = DAY.as_micros();
        for (field, length, least) in [
            ("flappingStaysSeconds", herd.flapping_stays, 0),
            ("dialsWithinSeconds", herd.dials_within, 0),
            // a client that gives up before the network has answered cannot come in at all
            (
                "patienceSeconds",
                herd.patience,
                (herd.round_trip * 4).as_micros().max(100_000),
            ),
            (
                "otherPatienceSeconds",
                herd.other_patience,
                if herd.other_patience_percent == 0 {
                    0
                } else {
                    (herd.round_trip * 4).as_micros().max(100_000)
                },
            ),
            (
                "stepTimeoutSeconds",
                herd.step_timeout,
                (herd.round_trip * 2).as_micros().max(100_000),
            ),
            ("retrySeconds", herd.retry, 1_000),
            ("longestRetrySeconds", herd.longest_retry, 1_000),
            ("givesUpForSeconds", herd.gives_up_for, 0),
            ("subscribeGapSeconds", herd.subscribe_gap, 0),
            ("roundTripSeconds", herd.round_trip, 0),
            ("keepAliveSeconds", herd.keep_alive, 0),
        ] {
            time(&format!("herd.{field}"), length, (least, day), found);
        }
    }

    fn check_capacity(&self, found: &mut Vec<Problem>) {
        let capacity = &self.capacity;
        for (field, number, (least, most)) in [
            ("edges", u32::from(capacity.edges), (1, 100)),
            ("shards", u32::from(capacity.shards), (1, 100)),
            ("edgeCores", u32::from(capacity.edge_cores), (1, 256)),
            ("shardCores", u32::from(capacity.shard_cores), (1, 256)),
            ("settleLimit", capacity.settle_limit, (1, u32::MAX)),
            ("holdBudget", capacity.hold_budget, (0, u32::MAX)),
            (
                "clientHoldBudget",
                capacity.client_hold_budget,
                (1, u32::MAX),
            ),
            (
                "enteringCap",
                capacity.entering_cap.unwrap_or(1),
                (1, u32::MAX),
            ),
        ] {
            whole(&format!("capacity.{field}"), number, (least, most), found);
        }
        for (field, length) in [
            ("handshakeSeconds", capacity.handshake),
            ("loginSeconds", capacity.login),
            ("sessionSeconds", capacity.session),
            ("subscribeSeconds", capacity.subscribe),
        ] {
            time(&format!("capacity.{field}"), length, (0, 60_000_000), found);
        }
        if let Some(patience) = capacity.first_patience {
            let most = DAY.as_micros();
            time(
                "capacity.firstPatienceSeconds",
                patience,
                (100_000, most),
                found,
            );
        }
        if let Some(backend) = capacity.backend {
            time(
                "capacity.backend.latencySeconds",
                backend.latency,
                (1, 60_000_000),
                found,
            );
            whole(
                "capacity.backend.concurrent",
                backend.concurrent,
                (1, u32::MAX),
                found,
            );
            whole(
                "capacity.backend.failingPercent",
                u32::from(backend.failing_percent),
                (0, 100),
                found,
            );
        }
    }

    fn check_fault(&self, path: &str, fault: Fault, found: &mut Vec<Problem>) {
        check_when(path, fault.when, found);
        time(
            &format!("{path}.lastingSeconds"),
            fault.lasting,
            (0, DAY.as_micros()),
            found,
        );
        match fault.mishap {
            Mishap::EdgeKilled { edge } => self.check_whose(path, Whose::Edge(edge), found),
            Mishap::ShardKilled { shard } => self.check_whose(path, Whose::Shard(shard), found),
            Mishap::Slow { whose, percent } => {
                self.check_whose(path, whose, found);
                whole(&format!("{path}.percent"), percent, (100, 100_000), found);
            }
            Mishap::Hog { whose, processes } => {
                self.check_whose(path, whose, found);
                whole(
                    &format!("{path}.processes"),
                    u32::from(processes),
                    (1, 1_000),
                    found,
                );
            }
            Mishap::Stall { whose } => self.check_whose(path, whose, found),
            Mishap::Backend {
                latency,
                failing_percent,
            } => {
                time(
                    &format!("{path}.latencySeconds"),
                    latency,
                    (1, 60_000_000),
                    found,
                );
                whole(
                    &format!("{path}.failingPercent"),
                    u32::from(failing_percent),
                    (0, 100),
                    found,
                );
                if self.capacity.backend.is_none() {
                    found.push(problem(
                        "capacity.backend",
                        "absent",
                        "what a fault of the backend can change",
                    ));
                }
            }
        }
    }

    fn check_whose(&self, path: &str, whose: Whose, found: &mut Vec<Problem>) {
        let (name, number, count) = match whose {
            Whose::All => return,
            Whose::Edge(edge) => ("edge", edge, self.capacity.edges),
            Whose::Shard(shard) => ("shard", shard, self.capacity.shards),
        };
        let most = u32::from(count.saturating_sub(1));
        whole(
            &format!("{path}.{name}"),
            u32::from(number),
            (0, most),
            found,
        );
    }
}

fn check_when(path: &str, when: When, found: &mut Vec<Problem>) {
    match when {
        When::At(_) => (),
        When::Level(percent) => {
            let field = format!("{path}.atLevelPercent");
            whole(&field, u32::from(percent), (1, 100), found);
        }
        When::After(wait) => {
            let field = format!("{path}.afterSeconds");
            time(&field, wait, (0, DAY.as_micros()), found);
        }
    }
}

fn problem(field: &str, found: &str, allowed: &str) -> Problem {
    Problem {
        field: field.to_owned(),
        found: found.to_owned(),
        allowed: allowed.to_owned(),
    }
}

fn whole(field: &str, number: u32, (least, most): (u32, u32), found: &mut Vec<Problem>) {
    if !(least..=most).contains(&number) {
        found.push(problem(
            field,
            &number.to_string(),
            &format!("from {least} to {most}"),
        ));
    }
}

/// `least` and `most` are in microseconds.
fn time(field: &str, length: Duration, (least, most): (u128, u128), found: &mut Vec<Problem>) {
    if !(least..=most).contains(&length.as_micros()) {
        let time = |micros: u128| Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        let allowed = format!("from {:?} to {:?}", time(least), time(most));
        found.push(problem(field, &format!("{length:?}"), &allowed));
    }
}
