//! A hundred publishers, one subscriber.

mod publishers;
mod subscriber;

use std::cell::Cell;

use tokio::sync::Notify;

use super::Scale;
use super::window::Window;
use crate::load::dial::Target;
use crate::outcome::Outcome;

pub(super) use publishers::{Publishers, Rate};

pub(super) const PUBLISHERS: usize = 100;
pub(super) const TOPIC: &str = "bench/in";

/// Messages between all publishers and the subscriber: what a queue of every peer holds.
const OUTSTANDING: u64 = 1_000;

/// What both ends know of each other.
#[derive(Debug, Default)]
pub(super) struct Tally {
    received: Cell<u64>,
    news: Notify,
}

impl Tally {
    fn received(&self, messages: u64) {
        self.received.set(self.received.get() + messages);
        self.news.notify_one();
    }
}

/// Offered to every broker alike, so that one which is done sooner is not given more: CPU per message depends on it.
/// All peers can follow, and the load generator has room.
fn rate(qos: u8) -> Rate {
    Rate(match qos {
        0 => 40_000,
        1 => 20_000,
        _ => 10_000,
    })
}

pub(super) async fn run(
    target: &Target,
    pids: &[u32],
    qos: u8,
    scale: &Scale,
) -> anyhow::Result<Outcome> {
    let mut publishers = Publishers::connect(target, qos).await?;
    let rate = rate(qos);
    let messages = rate.messages_in(scale.message_time);
    publishers.publish(rate, messages / 10).await?;
    let window = Window::begin(pids)?;
    publishers.publish(rate, messages).await?;
    let used = window.end().await?;
    // millions at most
    #[allow(clippy::cast_precision_loss)]
    let messages = messages as f64;
    Ok(used.outcome([
        ("CPU µs/message", used.broker * 1e6 / messages),
        ("messages/s", messages / used.wall),
        ("broker core", used.broker_core()),
    ]))
}
