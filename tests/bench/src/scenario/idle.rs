//! What a client costs that has said what it had to say.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::sleep;

use super::{Scale, Scenario, storm};
use crate::load::connection::Connection;
use crate::load::wire;
use crate::outcome::Outcome;
use crate::procfs;
use crate::subject::Running;

/// Coming in gently, so that what is measured is the client and not the crowd.
const AT_ONCE: usize = 100;
const PAYLOAD: [u8; 1024] = [b'x'; 1024];
/// Before the first client: a process that has just started is still touching its memory.
const WARM: Duration = Duration::from_secs(1);

/// All of them at once; the outcomes in their order.
pub(crate) async fn run(
    scenario: Scenario,
    all: &[Running],
    scale: &Scale,
    clients: usize,
) -> Vec<Outcome> {
    sleep(WARM).await;
    let mut herds = Vec::new();
    for running in all {
        herds.push(Herd::bring_in(scenario, running, clients).await);
    }
    sleep(scale.idle_time).await;
    let measure = |(herd, running): (anyhow::Result<Herd>, &Running)| {
        herd.and_then(|herd| herd.measure(running))
            .unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")))
    };
    herds.into_iter().zip(all).map(measure).collect()
}

struct Herd {
    before: f64,
    connections: Vec<Connection>,
}

impl Herd {
    async fn bring_in(
        scenario: Scenario,
        running: &Running,
        clients: usize,
    ) -> anyhow::Result<Self> {
        let before = procfs::user_memory(&running.pids())?;
        let target = scenario.target(running);
        let (mut connections, _) = storm::come_in(&target, clients, AT_ONCE).await?;
        for (number, connection) in connections.iter_mut().enumerate() {
            let publish = wire::publish(&format!("gw/{number}/event"), 1, 1, &PAYLOAD);
            connection.send(&publish).await?;
            connection
                .expect(wire::PUBACK)
                .await
                .context("failed to publish")?;
        }
        Ok(Self {
            before,
            connections,
        })
    }

    fn measure(&self, running: &Running) -> anyhow::Result<Outcome> {
        let grown = procfs::user_memory(&running.pids())? - self.before;
        // a few thousand
        #[allow(clippy::cast_precision_loss)]
        let each = grown / self.connections.len() as f64;
        Ok(Outcome::Measured(BTreeMap::from([(
            "bytes/connection".to_owned(),
            each,
        )])))
    }
}
