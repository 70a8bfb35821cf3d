//! A probe client that hears itself, alone and beside a fan-in.

use std::time::{Duration, Instant};

use tokio::task;
use tokio::time::sleep;

use super::Scale;
use super::fan_in::{Publishers, Rate};
use super::window::Window;
use crate::load::connection::Connection;
use crate::load::dial::Target;
use crate::load::wire;
use crate::outcome::Outcome;
use crate::statistics::quantile;

const TOPIC: &str = "bench/probe";
const BETWEEN: Duration = Duration::from_millis(10);
/// Beside the probe, at QoS 0.
const LOAD: u32 = 20_000;

pub(super) async fn run(target: &Target, pids: &[u32], scale: &Scale) -> anyhow::Result<Outcome> {
    let mut probe = Connection::open(target, "probe").await?;
    probe.subscribe(1, TOPIC, 0).await?;
    let mut idle = times(&mut probe, scale.probes).await?;
    let mut publishers = Publishers::connect(target, 0).await?;
    let load = task::spawn_local(async move {
        // Longer than the probes take; ends with the scenario.
        publishers
            .publish(Rate::per_second(LOAD), u64::MAX / 2)
            .await
    });
    sleep(50 * BETWEEN).await;
    let window = Window::begin(pids)?;
    let under_load = times(&mut probe, scale.probes).await;
    let used = window.end().await?;
    load.abort();
    if let Ok(ended) = load.await {
        ended?;
    }
    let mut under_load = under_load?;
    Ok(used.outcome([
        ("p99 ms under load", quantile(&mut under_load, 0.99)),
        ("p50 ms under load", quantile(&mut under_load, 0.5)),
        ("p99 ms idle", quantile(&mut idle, 0.99)),
    ]))
}

/// From publish to receipt, in milliseconds.
async fn times(probe: &mut Connection, probes: usize) -> anyhow::Result<Vec<f64>> {
    let frame = wire::publish(TOPIC, 0, 0, &[b'x'; 64]);
    let mut times = Vec::with_capacity(probes);
    for _ in 0..probes {
        let since = Instant::now();
        probe.send(&frame).await?;
        probe.expect(wire::PUBLISH).await?;
        times.push(since.elapsed().as_secs_f64() * 1000.0);
        sleep(BETWEEN).await;
    }
    Ok(times)
}
