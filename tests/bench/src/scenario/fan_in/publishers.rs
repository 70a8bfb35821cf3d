//! Many clients, each message a write of its own.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{OUTSTANDING, PUBLISHERS, TOPIC, Tally, subscriber};
use crate::load::connection::Connection;
use crate::load::dial::Target;
use crate::load::wire::{self, Frame};

const PAYLOAD: [u8; 256] = [b'x'; 256];
/// Unacknowledged messages of one publisher.
const IN_FLIGHT: u16 = 10;
/// As exact as the timer is.
const TICK: Duration = Duration::from_millis(1);
const READ: usize = 4096;

/// Messages a second, of all publishers together.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct Rate(pub(super) u32);

impl Rate {
    pub(in crate::scenario) fn per_second(messages: u32) -> Self {
        Self(messages)
    }

    pub(super) fn messages_in(self, time: Duration) -> u64 {
        (time * self.0).as_secs()
    }

    fn due(self, since: Instant) -> u64 {
        let nanos = since.elapsed().as_nanos() * u128::from(self.0);
        u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX)
    }
}

/// The publishers and their subscriber, connected.
pub(in crate::scenario) struct Publishers {
    all: Vec<Publisher>,
    tally: Rc<Tally>,
    next: usize,
    sent: u64,
    /// End with this.
    tasks: JoinSet<anyhow::Result<()>>,
}

struct Publisher {
    socket: Rc<TcpStream>,
    frame: Vec<u8>,
    /// Where the packet id stands; `None` at QoS 0.
    id_at: Option<usize>,
    id: u16,
    in_flight: Rc<Cell<u16>>,
}

impl Publishers {
    pub(in crate::scenario) async fn connect(target: &Target, qos: u8) -> anyhow::Result<Self> {
        let tally = Rc::new(Tally::default());
        let mut tasks = JoinSet::new();
        let mut connection = Connection::open(target, "fan-in-subscriber").await?;
        connection.subscribe(1, &format!("{TOPIC}/+"), qos).await?;
        tasks.spawn_local(subscriber::run(
            connection.into_socket()?,
            Rc::clone(&tally),
        ));
        let mut all = Vec::new();
        for number in 0..PUBLISHERS {
            let connection = Connection::open(target, &format!("fan-in-{number}")).await?;
            let publisher = Publisher::new(connection, number, qos)?;
            if qos > 0 {
                tasks.spawn_local(take_acks(
                    Rc::clone(&publisher.socket),
                    Rc::clone(&publisher.in_flight),
                ));
            }
            all.push(publisher);
        }
        Ok(Self {
            all,
            tally,
            next: 0,
            sent: 0,
            tasks,
        })
    }

    /// So many, paced; returns when the subscriber has them all.
    pub(in crate::scenario) async fn publish(
        &mut self,
        rate: Rate,
        messages: u64,
    ) -> anyhow::Result<()> {
        let since = Instant::now();
        let first = self.sent;
        let last = first + messages;
        while self.tally.received.get() < last {
            let due = last.min(first + rate.due(since));
            while self.sent < due && self.may_send() && self.send_one()? {}
            tokio::select! {
                () = sleep(TICK) => {}
                Some(ended) = self.tasks.join_next() => ended??,
            }
        }
        Ok(())
    }

    fn may_send(&self) -> bool {
        self.sent - self.tally.received.get() < OUTSTANDING
    }

    /// `false`: all of them wait for acks.
    fn send_one(&mut self) -> anyhow::Result<bool> {
        for _ in 0..self.all.len() {
            let publisher = &mut self.all[self.next];
            self.next = (self.next + 1) % PUBLISHERS;
            if publisher.in_flight.get() < IN_FLIGHT {
                publisher.send()?;
                self.sent += 1;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Publisher {
    fn new(connection: Connection, number: usize, qos: u8) -> anyhow::Result<Self> {
        let frame = wire::publish(&format!("{TOPIC}/{number}"), qos, 1, &PAYLOAD);
        Ok(Self {
            socket: Rc::new(connection.into_socket()?),
            id_at: (qos > 0).then_some(frame.len() - PAYLOAD.len() - 2),
            frame,
            id: 0,
            in_flight: Rc::default(),
        })
    }

    fn send(&mut self) -> anyhow::Result<()> {
        if let Some(at) = self.id_at {
            self.id = self.id.checked_add(1).unwrap_or(1);
            self.frame[at..at + 2].copy_from_slice(&self.id.to_be_bytes());
            self.in_flight.set(self.in_flight.get() + 1);
        }
        let written = self
            .socket
            .try_write(&self.frame)
            .context("failed to publish")?;
        if written < self.frame.len() {
            bail!("failed to publish: the socket is full with a few kilobytes");
        }
        Ok(())
    }
}

/// PUBACKs, or PUBRECs and PUBCOMPs.
async fn take_acks(socket: Rc<TcpStream>, in_flight: Rc<Cell<u16>>) -> anyhow::Result<()> {
    let mut kept = Vec::new();
    loop {
        socket.readable().await?;
        let mut buffer = [0; READ];
        match socket.try_read(&mut buffer) {
            Ok(0) => bail!("failed to publish: the broker has closed the connection"),
            Ok(read) => kept.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        }
        let (mut rest, mut releases) = (&kept[..], Vec::new());
        while let Some((frame, behind)) = Frame::split(rest) {
            rest = behind;
            match (frame.kind(), frame.id()) {
                (wire::PUBACK | wire::PUBCOMP, _) => in_flight.set(in_flight.get() - 1),
                (wire::PUBREC, Some(id)) => {
                    releases.extend_from_slice(&wire::ack(wire::PUBREL, id));
                }
                _ => bail!("failed to publish: the broker sent {:#x}", frame.first),
            }
        }
        kept = rest.to_vec();
        if !releases.is_empty() && socket.try_write(&releases)? < releases.len() {
            bail!("failed to release: the socket is full with a few bytes");
        }
    }
}
