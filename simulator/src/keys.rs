//! Every key of a scenario file: where its value goes, and what it means.

use std::time::Duration;

use herdgate_admission::simulator::{Backend, Scenario};

/// Where a value goes, and so what it may be.
#[derive(Clone, Copy)]
pub(crate) enum Into {
    Long(fn(&mut Scenario) -> &mut u32),
    Short(fn(&mut Scenario) -> &mut u16),
    Byte(fn(&mut Scenario) -> &mut u8),
    Flag(fn(&mut Scenario) -> &mut bool),
    Seconds(fn(&mut Scenario) -> &mut Duration),
}

pub(crate) struct Key {
    pub(crate) path: &'static str,
    pub(crate) into: Into,
    pub(crate) meaning: &'static str,
}

const fn key(path: &'static str, into: Into, meaning: &'static str) -> Key {
    Key {
        path,
        into,
        meaning,
    }
}

/// A backend that answers at once, until the file says more.
pub(crate) const BACKEND: Backend = Backend {
    latency: Duration::from_millis(20),
    concurrent: 64,
    failing_percent: 0,
};

fn backend(scenario: &mut Scenario) -> &mut Backend {
    scenario.capacity.backend.get_or_insert(BACKEND)
}

fn entering_cap(scenario: &mut Scenario) -> &mut u32 {
    scenario.capacity.entering_cap.get_or_insert(u32::MAX)
}

fn first_patience(scenario: &mut Scenario) -> &mut Duration {
    let patience = scenario.herd.patience;
    scenario.capacity.first_patience.get_or_insert(patience)
}

/// In the order of the reference page.
pub(crate) const KEYS: &[Key] = &[
    key(
        "atMostSeconds",
        Into::Seconds(|it| &mut it.at_most),
        "The run ends after this even when clients are missing.",
    ),
    key(
        "herd.clients",
        Into::Long(|it| &mut it.herd.clients),
        "Clients of the fleet, 1,000,000 at most.",
    ),
    key(
        "herd.neverReturnPercent",
        Into::Byte(|it| &mut it.herd.never_return_percent),
        "Of 100 clients, so many have gone for good.",
    ),
    key(
        "herd.flapping",
        Into::Long(|it| &mut it.herd.flapping),
        "Beside the others: clients that leave soon after each CONNACK and come again, for ever.",
    ),
    key(
        "herd.flappingStaysSeconds",
        Into::Seconds(|it| &mut it.herd.flapping_stays),
        "How long a flapping client stays.",
    ),
    key(
        "herd.behindCarriers",
        Into::Long(|it| &mut it.herd.behind_carriers),
        "Of the clients, so many dial through carriers' addresses.",
    ),
    key(
        "herd.clientsPerCarrier",
        Into::Long(|it| &mut it.herd.clients_per_carrier),
        "So many of them share one address.",
    ),
    key(
        "herd.censusPercent",
        Into::Byte(|it| &mut it.herd.census_percent),
        "Of 100 clients, the census has so many; 0: there was none. Of the others every second one is in the prefix of one that it has.",
    ),
    key(
        "herd.dialsWithinSeconds",
        Into::Seconds(|it| &mut it.herd.dials_within),
        "First tries are spread over this; 0: all at once.",
    ),
    key(
        "herd.patienceSeconds",
        Into::Seconds(|it| &mut it.herd.patience),
        "How long a client waits for its CONNACK.",
    ),
    key(
        "herd.otherPatiencePercent",
        Into::Byte(|it| &mut it.herd.other_patience_percent),
        "Of 100 clients, so many wait for another time.",
    ),
    key(
        "herd.otherPatienceSeconds",
        Into::Seconds(|it| &mut it.herd.other_patience),
        "For how long.",
    ),
    key(
        "herd.stepTimeoutSeconds",
        Into::Seconds(|it| &mut it.herd.step_timeout),
        "How long it waits for a SUBACK.",
    ),
    key(
        "herd.retrySeconds",
        Into::Seconds(|it| &mut it.herd.retry),
        "From a failure until the next try.",
    ),
    key(
        "herd.jitterPercent",
        Into::Byte(|it| &mut it.herd.jitter_percent),
        "A wait is longer or shorter by a random part of so many percent.",
    ),
    key(
        "herd.backOffPercent",
        Into::Short(|it| &mut it.herd.back_off_percent),
        "Each wait is so many percent of the one before; 100: all are the same.",
    ),
    key(
        "herd.longestRetrySeconds",
        Into::Seconds(|it| &mut it.herd.longest_retry),
        "But no longer than this.",
    ),
    key(
        "herd.givesUpAfter",
        Into::Short(|it| &mut it.herd.gives_up_after),
        "After so many failures in a row a client gives up for a while; 0: never.",
    ),
    key(
        "herd.givesUpForSeconds",
        Into::Seconds(|it| &mut it.herd.gives_up_for),
        "How long.",
    ),
    key(
        "herd.certificates",
        Into::Byte(|it| &mut it.herd.certificates),
        "Carried by each client; of several the first is expired, and the next is tried after any failure.",
    ),
    key(
        "herd.subscribes",
        Into::Short(|it| &mut it.herd.subscribes),
        "SUBSCRIBE packets of each client, one after the other.",
    ),
    key(
        "herd.subscribeGapSeconds",
        Into::Seconds(|it| &mut it.herd.subscribe_gap),
        "From a SUBACK until the next SUBSCRIBE, beside the round trip.",
    ),
    key(
        "herd.roundTripSeconds",
        Into::Seconds(|it| &mut it.herd.round_trip),
        "Between clients and edges.",
    ),
    key(
        "herd.keepAliveSeconds",
        Into::Seconds(|it| &mut it.herd.keep_alive),
        "A client that is back is heard of this often, and leaves when it is not answered within half of it; 0: never.",
    ),
    key(
        "capacity.edges",
        Into::Short(|it| &mut it.capacity.edges),
        "Edge processes.",
    ),
    key(
        "capacity.shards",
        Into::Short(|it| &mut it.capacity.shards),
        "Shard processes.",
    ),
    key(
        "capacity.oneMachine",
        Into::Flag(|it| &mut it.capacity.one_machine),
        "All processes share `edgeCores` cores.",
    ),
    key(
        "capacity.edgeCores",
        Into::Short(|it| &mut it.capacity.edge_cores),
        "Cores of each edge, or of the one machine.",
    ),
    key(
        "capacity.shardCores",
        Into::Short(|it| &mut it.capacity.shard_cores),
        "Cores of each shard.",
    ),
    key(
        "capacity.priorities",
        Into::Flag(|it| &mut it.capacity.priorities),
        "Off: a core takes its work in the order of its coming, as brokers that know no priorities do.",
    ),
    key(
        "capacity.handshakeSeconds",
        Into::Seconds(|it| &mut it.capacity.handshake),
        "Core time of one TLS handshake.",
    ),
    key(
        "capacity.loginSeconds",
        Into::Seconds(|it| &mut it.capacity.login),
        "Core time of one login.",
    ),
    key(
        "capacity.sessionSeconds",
        Into::Seconds(|it| &mut it.capacity.session),
        "Core time of opening one session, at its shard.",
    ),
    key(
        "capacity.subscribeSeconds",
        Into::Seconds(|it| &mut it.capacity.subscribe),
        "Core time of one SUBSCRIBE, at its shard.",
    ),
    key(
        "capacity.settleLimit",
        Into::Long(|it| &mut it.capacity.settle_limit),
        "Clients of one shard that may be settling at once.",
    ),
    key(
        "capacity.holdBudget",
        Into::Long(|it| &mut it.capacity.hold_budget),
        "Sockets that one edge may hold.",
    ),
    key(
        "capacity.clientHoldBudget",
        Into::Long(|it| &mut it.capacity.client_hold_budget),
        "Clients that one edge may hold after CONNECT: those whose address has more than 32 in the census, or all of them (`ClientIdHash`).",
    ),
    key(
        "capacity.firstPatienceSeconds",
        Into::Seconds(first_patience),
        "How patient edges take the fleet to be at first; absent: as it is.",
    ),
    key(
        "capacity.learnsPatience",
        Into::Flag(|it| &mut it.capacity.learns_patience),
        "Edges learn how patient the fleet is, from a sample of held clients that give up.",
    ),
    key(
        "capacity.enteringCap",
        Into::Long(entering_cap),
        "Never more than so many entering at one edge; absent: as the law finds.",
    ),
    key(
        "capacity.backend.latencySeconds",
        Into::Seconds(|it| &mut backend(it).latency),
        "An authentication backend, asked once for each login, answers after this.",
    ),
    key(
        "capacity.backend.concurrent",
        Into::Long(|it| &mut backend(it).concurrent),
        "Requests that one edge has under way at most.",
    ),
    key(
        "capacity.backend.failingPercent",
        Into::Byte(|it| &mut backend(it).failing_percent),
        "Of 100 requests, so many fail.",
    ),
];
