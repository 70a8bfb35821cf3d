//! One publisher, a thousand subscribers.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::{Scale, window::Window};
use crate::load::connection::Connection;
use crate::load::dial::Target;
use crate::load::wire;
use crate::outcome::Outcome;

const SUBSCRIBERS: u32 = 1_000;
const TOPIC: &str = "bench/out";
const PAYLOAD: [u8; 256] = [b'x'; 256];
/// Messages a second when they go one at a time: every peer can follow, and the load generator is half idle.
const RATE: u32 = 40;
/// And when several are on their way, as a measure of how many to send: then nothing but their number holds them back.
const UNPACED: u32 = 200;
const READ: usize = 16 * 1024;

/// What subscribers have received.
#[derive(Debug, Default)]
struct Tally {
    bytes: Cell<usize>,
    news: Notify,
}

pub(super) async fn run(
    target: &Target,
    pids: &[u32],
    outstanding: u32,
    scale: &Scale,
) -> anyhow::Result<Outcome> {
    let tally = Rc::new(Tally::default());
    // ends with the scenario
    let mut readers = JoinSet::new();
    for number in 0..SUBSCRIBERS {
        let mut connection = Connection::open(target, &format!("sub-{number}")).await?;
        connection.subscribe(1, TOPIC, 0).await?;
        readers.spawn_local(read(connection.into_socket()?, Rc::clone(&tally)));
    }
    let mut publisher = Connection::open(target, "pub").await?.into_socket()?;
    let rate = if outstanding == 1 { RATE } else { UNPACED };
    let messages = (scale.message_time * rate).as_secs();
    let messages = u32::try_from(messages).unwrap_or(u32::MAX);
    let mut run = Run {
        tally: &tally,
        outstanding,
        sent: 0,
    };
    run.send(&mut publisher, messages / 10 + 1).await?;
    let window = Window::begin(pids)?;
    run.send(&mut publisher, messages).await?;
    let used = window.end().await?;
    let deliveries = f64::from(messages) * f64::from(SUBSCRIBERS);
    Ok(used.outcome([
        ("CPU µs/message", used.broker * 1e6 / deliveries),
        ("messages/s", deliveries / used.wall),
        ("broker core", used.broker_core()),
    ]))
}

struct Run<'a> {
    tally: &'a Tally,
    outstanding: u32,
    sent: u32,
}

impl Run<'_> {
    /// Returns when everybody has everything.
    async fn send(&mut self, publisher: &mut TcpStream, messages: u32) -> anyhow::Result<()> {
        let frame = wire::publish(TOPIC, 0, 0, &PAYLOAD);
        let mut ticks = interval(Duration::from_secs(1) / RATE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        for _ in 0..messages {
            if self.outstanding == 1 {
                ticks.tick().await;
            }
            publisher
                .write_all(&frame)
                .await
                .context("failed to publish")?;
            self.sent += 1;
            self.until(self.sent.saturating_sub(self.outstanding - 1), frame.len())
                .await;
        }
        self.until(self.sent, frame.len()).await;
        Ok(())
    }

    /// Everybody has this many messages.
    async fn until(&self, messages: u32, len: usize) {
        let bytes = messages as usize * SUBSCRIBERS as usize * len;
        while self.tally.bytes.get() < bytes {
            self.tally.news.notified().await;
        }
    }
}

async fn read(socket: TcpStream, tally: Rc<Tally>) -> anyhow::Result<()> {
    loop {
        socket.readable().await?;
        // On the stack of the one thread: a thousand readers share it.
        let mut buffer = [0; READ];
        match socket.try_read(&mut buffer) {
            Ok(0) => anyhow::bail!("failed to read: the broker has closed the connection"),
            Ok(read) => {
                tally.bytes.set(tally.bytes.get() + read);
                tally.news.notify_one();
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
    }
}
