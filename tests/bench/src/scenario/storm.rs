//! The herd comes back: connect, and one SUBSCRIBE packet per topic, each waiting for its SUBACK.

use std::rc::Rc;
use std::time::Instant;

use anyhow::Context as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::window::Window;
use crate::load::connection::Connection;
use crate::load::dial::Target;
use crate::outcome::Outcome;
use crate::statistics::quantile;

/// Of one client.
const EXACT: u16 = 8;
const WILDCARD: u16 = 2;
/// Clients that are on their way in at once.
const AT_ONCE: usize = 500;

pub(super) async fn run(target: &Target, pids: &[u32], clients: usize) -> anyhow::Result<Outcome> {
    let window = Window::begin(pids)?;
    let (connections, mut times) = come_in(target, clients, AT_ONCE).await?;
    let used = window.end().await?;
    drop(connections);
    Ok(used.outcome([
        ("CPU s", used.broker),
        ("wall s", used.wall),
        ("client p99 ms", quantile(&mut times, 0.99)),
    ]))
}

/// All clients with their subscriptions, and how long each took in milliseconds.
pub(super) async fn come_in(
    target: &Target,
    clients: usize,
    at_once: usize,
) -> anyhow::Result<(Vec<Connection>, Vec<f64>)> {
    let door = Rc::new(Semaphore::new(at_once));
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let (target, door) = (target.clone(), Rc::clone(&door));
        tasks.spawn_local(async move {
            let _place = door.acquire().await?;
            let since = Instant::now();
            let connection = gateway(&target, number).await?;
            anyhow::Ok((connection, since.elapsed().as_secs_f64() * 1000.0))
        });
    }
    let mut all = (Vec::new(), Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (connection, time) = done?.with_context(|| {
            format!(
                "failed to bring in all {clients} clients: {} are",
                all.0.len()
            )
        })?;
        all.0.push(connection);
        all.1.push(time);
    }
    Ok(all)
}

async fn gateway(target: &Target, number: usize) -> anyhow::Result<Connection> {
    let mut connection = Connection::open(target, &format!("gw-{number}")).await?;
    for topic in 0..EXACT {
        let filter = format!("gw/{number}/device/{topic}/set");
        connection.subscribe(topic + 1, &filter, 1).await?;
    }
    for group in 0..WILDCARD {
        let filter = format!("gw/{number}/group/{group}/#");
        connection.subscribe(EXACT + group + 1, &filter, 1).await?;
    }
    Ok(connection)
}
