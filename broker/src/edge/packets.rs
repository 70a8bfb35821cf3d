//! The packet loop of an attached client: what it spends most of its life in.
//!
//! Idle, it holds nothing but itself: it reads into the worker's buffer and keeps only a packet that is cut off.

mod incoming;
mod outgoing;
mod regulated;
mod silence;

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use super::conn::{Conn, Ending};
use super::exchange::{AUTH, DISCONNECT};
use super::reauthentication::Reauthentication;
use super::regulate::Regulator;
use super::stream::Stream;
use super::worker::Worker;
use crate::codec::ReasonCode;
use crate::config::Listener;
use incoming::Step;
use regulated::regulator;

/// How the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    PeerGone,
    KeepAliveExpired,
    /// The client sent what is no MQTT, or too much of it.
    ProtocolError(ReasonCode),
    /// The client took nothing for too long while packets waited for it.
    TooSlow,
    Ended(Ending),
}

pub(super) struct Packets<'a> {
    worker: &'a Worker,
    conn: &'a Conn,
    stream: &'a mut Stream,
    listener: &'a Listener,
    /// For a client that came by enhanced authentication.
    reauthentication: Option<Box<Reauthentication>>,
    /// For a client with a rate, or with topic aliases.
    regulator: Option<Box<Regulator>>,
    /// The beginning of a packet.
    partial: Vec<u8>,
    /// Written, and not yet told to the shard.
    untold: u32,
    unflushed: bool,
    /// When the client last took something.
    written: Duration,
    /// Since when it takes nothing though something waits.
    blocked: Option<Duration>,
    /// When the worker will remind us.
    alarm: Option<Duration>,
}

impl<'a> Packets<'a> {
    pub(super) fn new(
        worker: &'a Worker,
        conn: &'a Conn,
        stream: &'a mut Stream,
        listener: &'a Listener,
        reauthentication: Option<Box<Reauthentication>>,
    ) -> Self {
        let has_rate = listener.publish_rate.is_some() || listener.subscribe_rate.is_some();
        Self {
            regulator: has_rate.then(|| Box::new(regulator(worker, conn, listener))),
            worker,
            conn,
            stream,
            listener,
            reauthentication,
            partial: Vec::new(),
            untold: 0,
            unflushed: false,
            written: worker.clock.now(),
            blocked: None,
            alarm: None,
        }
    }

    /// `early`: what the client sent behind its CONNECT.
    pub(super) fn begin(&mut self, early: &[u8]) -> Option<End> {
        if self.reauthentication.is_some() && speaks_too_early(early) {
            return Some(End::ProtocolError(ReasonCode::PROTOCOL_ERROR));
        }
        self.digest(early)
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.conn.wait_with(cx.waker());
        loop {
            if let Err(error) = self.write(cx) {
                return Poll::Ready(self.gone(&error));
            }
            if let Some(ending) = self.conn.ending() {
                return Poll::Ready(End::Ended(ending));
            }
            if self.is_too_slow() {
                return Poll::Ready(End::TooSlow);
            }
            if let Some(end) = self.release() {
                return Poll::Ready(end);
            }
            match self.read(cx) {
                Step::Again => {}
                Step::Wait => break,
                Step::End(end) => return Poll::Ready(end),
            }
        }
        if self.conn.take_keep_alive_due() && self.is_silent() {
            return Poll::Ready(End::KeepAliveExpired);
        }
        Poll::Pending
    }

    fn gone(&self, error: &io::Error) -> End {
        if error.kind() == io::ErrorKind::TimedOut {
            self.worker
                .shared
                .metrics
                .edge
                .transport
                .unacknowledged
                .inc();
        }
        End::PeerGone
    }
}

/// Before its CONNACK a client in an exchange sends AUTH and DISCONNECT alone [MQTT-3.1.2-30].
fn speaks_too_early(early: &[u8]) -> bool {
    early
        .first()
        .is_some_and(|first| !matches!(first & 0xF0, AUTH | DISCONNECT))
}
