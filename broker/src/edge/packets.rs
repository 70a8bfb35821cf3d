//! The packet loop of an attached client: what it spends most of its life in.
//!
//! Idle, it holds nothing but itself: it reads into the worker's buffer and keeps only a packet that is cut off.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::aliases;
use super::conn::{Conn, Ending};
use super::exchange::{AUTH, DISCONNECT};
use super::intake;
use super::outbox::PIECES;
use super::peer;
use super::reauthentication::Reauthentication;
use super::regulate::{Regulator, Stop};
use super::stream::Stream;
use super::worker::Worker;
use crate::codec::frame::{FrameError, PINGRESP};
use crate::codec::{Protocol, ReasonCode};
use crate::config::Listener;
use crate::link::ToShard;
use crate::link::frame::INITIAL_WINDOW;
use crate::metrics::EdgeLimit;
use crate::process::brought;

/// Written bytes are told to the shard when they are this many: it has three times as many left meanwhile.
const TELL_AFTER: u32 = INITIAL_WINDOW / 4;
/// A client that takes nothing is not read any more: the shard's window, and as much again for PINGRESPs and a packet
/// larger than the window.
const OUTBOX_PAUSE: usize = 2 * INITIAL_WINDOW as usize;

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

/// What a step came to.
enum Step {
    Again,
    Wait,
    End(End),
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

    fn write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut outbox = self.conn.outbox.borrow_mut();
        while !outbox.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let filled = outbox.slices(&mut slices);
            let stream = Pin::new(&mut *self.stream);
            let wrote = match &slices[..filled] {
                // the rule, and a shorter way through the kernel
                [only] => stream.poll_write(cx, only),
                several => stream.poll_write_vectored(cx, several),
            };
            match wrote {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    self.unflushed = true;
                    self.written = self.worker.clock.now();
                    self.blocked = None;
                    let told = outbox.written(written);
                    self.worker.traffic.sent(written);
                    self.untold += u32::try_from(told).unwrap_or(u32::MAX);
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.blocked.get_or_insert_with(|| self.worker.clock.now());
                    break;
                }
            }
        }
        drop(outbox);
        if self.untold >= TELL_AFTER {
            let bytes = std::mem::take(&mut self.untold);
            self.worker.send(
                self.conn,
                ToShard::Window {
                    stream: self.conn.stream,
                    bytes,
                },
            );
        }
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut *self.stream).poll_flush(cx)
        {
            self.unflushed = false;
            flushed?;
        }
        Ok(())
    }

    /// The client's bytes are not wanted now: the shard has too many of them, or the client takes none of ours.
    fn is_paused(&self) -> bool {
        let takes_none = match &self.regulator {
            None => !self.conn.has_credit(),
            Some(regulator) => regulator.is_full(),
        };
        takes_none || self.conn.outbox.borrow().len() > OUTBOX_PAUSE
    }

    /// The worker reminds us at `at`, or did before.
    fn remind(&mut self, at: Duration) {
        if self.alarm.is_none_or(|alarm| at < alarm) {
            self.alarm = Some(at);
            self.worker.remind(self.conn.stream, at);
        }
    }

    fn is_too_slow(&mut self) -> bool {
        let Some(since) = self.blocked else {
            return false;
        };
        let now = self.worker.clock.now();
        self.alarm = self.alarm.filter(|alarm| *alarm > now);
        let deadline = since + self.listener.unread_timeout;
        if now < deadline {
            self.remind(deadline);
        }
        now >= deadline
    }

    /// Sends on what the client may send by now.
    fn release(&mut self) -> Option<End> {
        let regulator = self.regulator.as_mut().filter(|held| !held.is_empty())?;
        let now = self.worker.clock.now();
        self.alarm = self.alarm.filter(|alarm| *alarm > now);
        let mut out = BytesMut::new();
        let stop = regulator.release(self.conn.credit_left(), now, &mut out);
        self.forward(out.freeze());
        match stop {
            Stop::Empty | Stop::NoCredit => None,
            Stop::TooFast(limit, at) => {
                // once for each time that it is made to wait
                if self.alarm.is_none() {
                    self.worker.shared.metrics.edge.limits.inc(limit);
                }
                self.remind(at);
                None
            }
            Stop::Refused(code) => {
                self.worker
                    .shared
                    .metrics
                    .edge
                    .limits
                    .inc(EdgeLimit::TopicAlias);
                Some(End::ProtocolError(code))
            }
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Step {
        if self.is_paused() {
            return Step::Wait;
        }
        let mut memory = self.worker.read_buffer.borrow_mut();
        let mut buffer = ReadBuf::new(&mut memory);
        match Pin::new(&mut *self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => Step::Wait,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                brought();
                self.digest(buffer.filled()).map_or(Step::Again, Step::End)
            }
            Poll::Ready(Ok(())) => Step::End(End::PeerGone),
            Poll::Ready(Err(error)) => Step::End(self.gone(&error)),
        }
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

    /// Takes what the client sent apart.
    fn digest(&mut self, bytes: &[u8]) -> Option<End> {
        if bytes.is_empty() {
            return None;
        }
        self.conn.heard(self.worker.clock.now());
        let answers_auth = self.reauthentication.is_some();
        let limit = self.listener.max_packet_bytes as usize;
        let intake = if self.partial.is_empty() {
            let intake = intake::take(bytes, limit, answers_auth);
            self.partial.extend_from_slice(&bytes[intake.used..]);
            intake
        } else {
            self.partial.extend_from_slice(bytes);
            let intake = intake::take(&self.partial, limit, answers_auth);
            self.partial.drain(..intake.used);
            intake
        };
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
        self.worker.traffic.received(bytes.len(), intake.count);
        if intake.has_disconnect {
            self.conn.says_goodbye();
        }
        self.answer_pings(intake.pings);
        let refused = self.pass_on(&intake.packets);
        let wrong = self.answer_auths(&intake.auths).err();
        refused
            .or(wrong.map(End::ProtocolError))
            .or_else(|| intake.error.map(|error| self.no_packet(error)))
    }

    /// To the shard, through what limits the client.
    fn pass_on(&mut self, packets: &Bytes) -> Option<End> {
        if self.regulator.is_none() && self.brings_aliases(packets) {
            self.regulator = Some(Box::new(regulator(self.worker, self.conn, self.listener)));
        }
        let Some(regulator) = &mut self.regulator else {
            self.forward(packets.clone());
            return None;
        };
        regulator.hold(packets);
        self.release()
    }

    fn no_packet(&self, error: FrameError) -> End {
        if matches!(error, FrameError::TooLarge { .. }) {
            let limits = &self.worker.shared.metrics.edge.limits;
            limits.inc(EdgeLimit::PacketSize);
        }
        End::ProtocolError(reason_of(error))
    }

    /// Where none are wanted, the shard refuses them.
    fn brings_aliases(&self, packets: &Bytes) -> bool {
        self.conn.protocol == Protocol::V5
            && self.listener.topic_alias_maximum > 0
            && aliases::Inbound::are_in(packets)
    }

    fn answer_auths(&mut self, auths: &[Bytes]) -> Result<(), ReasonCode> {
        if let Some(reauthentication) = &mut self.reauthentication {
            for auth in auths {
                let answer = reauthentication.take(auth, self.worker.clock.now())?;
                self.conn.outbox.borrow_mut().push(answer, 0);
            }
        }
        Ok(())
    }

    fn forward(&self, packets: Bytes) {
        if !packets.is_empty() {
            self.conn.spend(packets.len());
            self.worker.send(
                self.conn,
                ToShard::Data {
                    stream: self.conn.stream,
                    packets,
                },
            );
        }
    }

    fn answer_pings(&self, pings: usize) {
        let answers = match pings {
            0 => return,
            1 => Bytes::from_static(&PINGRESP),
            // One piece for all: a piece is many times a PINGRESP.
            pings => Bytes::from(PINGRESP.repeat(pings)),
        };
        self.conn.outbox.borrow_mut().push(answers, 0);
    }

    /// Nothing was heard for too long, and nothing lies unread. A client that we do not read is alive as long as it takes
    /// what we write.
    fn is_silent(&mut self) -> bool {
        let now = self.worker.clock.now();
        let too_long = |deadline: Duration| deadline <= now;
        let taken = self.conn.patience().map(|patience| self.written + patience);
        self.conn.deadline().is_some_and(too_long)
            && (!self.is_paused() || taken.is_some_and(too_long))
            && !self.stream.holds_unread()
            && !peer::has_unread(self.stream.socket())
    }
}

fn regulator(worker: &Worker, conn: &Conn, listener: &Listener) -> Regulator {
    Regulator::new(listener, conn.protocol, &worker.read_ahead)
}

/// Before its CONNACK a client in an exchange sends AUTH and DISCONNECT alone [MQTT-3.1.2-30].
fn speaks_too_early(early: &[u8]) -> bool {
    early
        .first()
        .is_some_and(|first| !matches!(first & 0xF0, AUTH | DISCONNECT))
}

fn reason_of(error: FrameError) -> ReasonCode {
    match error {
        FrameError::TooLarge { .. } => ReasonCode::PACKET_TOO_LARGE,
        FrameError::LengthTooLong | FrameError::LengthEncoding | FrameError::NotConnect => {
            ReasonCode::MALFORMED_PACKET
        }
    }
}

/// Reads what there is onto the end of `into`; 0 is the end.
pub(super) async fn read_some(
    worker: &Worker,
    stream: &mut Stream,
    into: &mut Vec<u8>,
) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut memory = worker.read_buffer.borrow_mut();
        let mut buffer = ReadBuf::new(&mut memory);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
        into.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}
