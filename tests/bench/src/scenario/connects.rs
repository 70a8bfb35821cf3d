//! Full TLS handshakes, each with a CONNECT behind it.

use std::rc::Rc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::window::Window;
use crate::load::connection::Connection;
use crate::load::dial::Target;
use crate::load::wire;
use crate::outcome::Outcome;

const AT_ONCE: usize = 60;

pub(super) async fn run(target: &Target, pids: &[u32], connects: usize) -> anyhow::Result<Outcome> {
    let door = Rc::new(Semaphore::new(AT_ONCE));
    let window = Window::begin(pids)?;
    let mut tasks = JoinSet::new();
    for number in 0..connects {
        let (target, door) = (target.clone(), Rc::clone(&door));
        tasks.spawn_local(async move {
            let _place = door.acquire().await?;
            let mut connection = Connection::open(&target, &format!("c-{number}")).await?;
            connection.send(&wire::DISCONNECT).await
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let used = window.end().await?;
    // a few thousand
    #[allow(clippy::cast_precision_loss)]
    let connects = connects as f64;
    Ok(used.outcome([
        ("CPU µs/connect", used.broker * 1e6 / connects),
        ("connects/core-second", connects / used.broker),
    ]))
}
