//! The packet loop of an attached client: what it spends most of its life in.
//!
//! Idle, it holds nothing but itself: it reads into the worker's buffer and keeps only a packet that is cut off.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::conn::{Conn, Ending};
use super::exchange::{AUTH, DISCONNECT};
use super::intake;
use super::outbox::PIECES;
use super::peer;
use super::reauthentication::Reauthentication;
use super::stream::Stream;
use super::worker::Worker;
use crate::codec::ReasonCode;
use crate::codec::frame::{FrameError, PINGRESP};
use crate::link::ToShard;
use crate::link::frame::INITIAL_WINDOW;

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
    Ended(Ending),
}

pub(super) struct Packets<'a> {
    worker: &'a Worker,
    conn: &'a Conn,
    stream: &'a mut Stream,
    /// Bytes of the largest packet.
    limit: usize,
    /// For a client that came by enhanced authentication.
    reauthentication: Option<Box<Reauthentication>>,
    /// The beginning of a packet.
    partial: Vec<u8>,
    /// Written, and not yet told to the shard.
    untold: u32,
    unflushed: bool,
    /// When the client last took something.
    written: Duration,
}

/// What a step came to.
enum Step {
    Again,
    Wait,
    End(End),
}

impl<'a> Packets<'a> {
    /// `early`: what the client sent behind its CONNECT.
    pub(super) fn new(
        worker: &'a Worker,
        conn: &'a Conn,
        stream: &'a mut Stream,
        limit: usize,
        reauthentication: Option<Box<Reauthentication>>,
    ) -> Self {
        Self {
            worker,
            conn,
            stream,
            limit,
            reauthentication,
            partial: Vec::new(),
            untold: 0,
            unflushed: false,
            written: worker.clock.now(),
        }
    }

    pub(super) async fn run(mut self, early: Vec<u8>) -> End {
        if self.reauthentication.is_some() && speaks_too_early(&early) {
            return End::ProtocolError(ReasonCode::PROTOCOL_ERROR);
        }
        if let Some(end) = self.digest(&early) {
            return end;
        }
        drop(early);
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.conn.wait_with(cx.waker());
        loop {
            if self.write(cx).is_err() {
                return Poll::Ready(End::PeerGone);
            }
            if let Some(ending) = self.conn.ending() {
                return Poll::Ready(End::Ended(ending));
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
            match Pin::new(&mut *self.stream).poll_write_vectored(cx, &slices[..filled]) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => {
                    self.unflushed = true;
                    self.written = self.worker.clock.now();
                    let counted = outbox.written(written);
                    self.worker.traffic.sent(written);
                    self.untold += u32::try_from(counted).unwrap_or(u32::MAX);
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
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
        !self.conn.has_credit() || self.conn.outbox.borrow().len() > OUTBOX_PAUSE
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
                self.digest(buffer.filled()).map_or(Step::Again, Step::End)
            }
            Poll::Ready(_) => Step::End(End::PeerGone),
        }
    }

    /// Takes what the client sent apart.
    fn digest(&mut self, bytes: &[u8]) -> Option<End> {
        if bytes.is_empty() {
            return None;
        }
        self.conn.heard(self.worker.clock.now());
        let answers_auth = self.reauthentication.is_some();
        let intake = if self.partial.is_empty() {
            let intake = intake::take(bytes, self.limit, answers_auth);
            self.partial.extend_from_slice(&bytes[intake.used..]);
            intake
        } else {
            self.partial.extend_from_slice(bytes);
            let intake = intake::take(&self.partial, self.limit, answers_auth);
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
        self.forward(intake.packets);
        self.answer_pings(intake.pings);
        let wrong = self.answer_auths(&intake.auths).err();
        wrong
            .or(intake.error.map(reason_of))
            .map(End::ProtocolError)
    }

    fn answer_auths(&mut self, auths: &[Bytes]) -> Result<(), ReasonCode> {
        if let Some(reauthentication) = &mut self.reauthentication {
            for auth in auths {
                let answer = reauthentication.take(auth, self.worker.clock.now())?;
                self.conn.outbox.borrow_mut().push(answer, false);
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
        self.conn.outbox.borrow_mut().push(answers, false);
    }

    /// Nothing was heard for too long, and nothing lies unread. A client that we do not read is alive as long as it takes
    /// what we write.
    fn is_silent(&mut self) -> bool {
        let now = self.worker.clock.now();
        let too_long = |deadline: Duration| deadline <= now;
        let taken = self.conn.patience.map(|patience| self.written + patience);
        self.conn.deadline().is_some_and(too_long)
            && (!self.is_paused() || taken.is_some_and(too_long))
            && !self.stream.holds_plaintext()
            && !peer::has_unread(self.stream.socket())
    }
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
