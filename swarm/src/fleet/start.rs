//! What a fleet needs before it dials, and its tasks.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use tokio::task::JoinSet;

use super::agent::Agent;
use super::{FleetError, Shared};
use crate::dial::{self, Tls};
use crate::meter;
use crate::outside::{Door, Outside};
use crate::scenario::Scenario;

/// The clients beside the fleet, where the scenario wants any.
pub(super) fn outside(shared: &Shared) -> anyhow::Result<Option<Outside>> {
    let scenario = &shared.scenario;
    if scenario.probe.is_none() && scenario.cloud.is_none() {
        return Ok(None);
    }
    let door = Door {
        target: shared.target,
        tls: shared.tls.as_ref().map(Tls::connectors).unwrap_or_default(),
        protocol: scenario.protocol,
        proxy: scenario.target.proxy,
        patience: scenario.habits.patience,
    };
    Outside::start(door, scenario.probe.clone(), scenario.cloud.clone()).map(Some)
}

pub(super) async fn resolve(target: &str) -> Result<SocketAddr, FleetError> {
    let mut found =
        tokio::net::lookup_host(target)
            .await
            .map_err(|source| FleetError::Resolve {
                target: target.into(),
                source,
            })?;
    found.next().ok_or_else(|| FleetError::NoAddress {
        target: target.into(),
    })
}

/// Finds addresses that are not this machine's before thousands of gateways do.
pub(super) fn probe_sources(scenario: &Scenario) -> Result<(), FleetError> {
    if scenario.target.proxy.is_some() {
        return Ok(());
    }
    for range in &scenario.ranges {
        for index in [0, range.gateways - 1] {
            if let Some(address) = range.source(index) {
                dial::probe(address).map_err(|source| FleetError::Source {
                    range: range.name.clone(),
                    address,
                    source,
                })?;
            }
        }
    }
    Ok(())
}

/// The gateways of all ranges take turns, so that a bring-up reaches every range from its start.
pub(super) fn spawn_gateways(shared: &Rc<Shared>, tasks: &mut JoinSet<()>) {
    let mut first = 0;
    let mut all = Vec::new();
    for (range, described) in (0_u16..).zip(&shared.scenario.ranges) {
        all.extend((0..described.gateways).map(|index| (index, range, first + index)));
        first += described.gateways;
    }
    all.sort_unstable();
    for (index, range, number) in all {
        let agent = Agent::new(Rc::clone(shared), number, range, index);
        tasks.spawn_local(agent.live());
    }
}

pub(super) async fn measure(shared: Rc<Shared>) {
    loop {
        let asleep = Instant::now();
        tokio::time::sleep(meter::TICK).await;
        let now = shared.now();
        let mut meter = shared.meter.borrow_mut();
        // the timer itself counts in whole milliseconds
        meter.lag(asleep.elapsed().saturating_sub(meter::TICK));
        if meter.wants_reading(now) {
            meter.read(now, meter::read_self());
        }
    }
}
