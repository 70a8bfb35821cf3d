//! What comes from the client: read, taken apart, and answered where the edge answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};

use super::{End, Packets};
use crate::codec::ReasonCode;
use crate::codec::frame::{FrameError, PINGRESP};
use crate::edge::intake;
use crate::link::frame::INITIAL_WINDOW;
use crate::metrics::EdgeLimit;
use crate::process::brought;

/// A client that takes nothing is not read any more: the shard's window, and as much again for PINGRESPs and a packet
/// larger than the window.
const OUTBOX_PAUSE: usize = 2 * INITIAL_WINDOW as usize;

/// What a step came to.
pub(super) enum Step {
    Again,
    Wait,
    End(End),
}

impl Packets<'_> {
    pub(super) fn read(&mut self, cx: &mut Context<'_>) -> Step {
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

    /// The client's bytes are not wanted now: the shard has too many of them, or the client takes none of ours.
    pub(super) fn is_paused(&self) -> bool {
        let takes_none = match &self.regulator {
            None => !self.conn.has_credit(),
            Some(regulator) => regulator.is_full(),
        };
        takes_none || self.conn.outbox.borrow().len() > OUTBOX_PAUSE
    }

    /// Takes what the client sent apart.
    pub(super) fn digest(&mut self, bytes: &[u8]) -> Option<End> {
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

    fn no_packet(&self, error: FrameError) -> End {
        if matches!(error, FrameError::TooLarge { .. }) {
            let limits = &self.worker.shared.metrics.edge.limits;
            limits.inc(EdgeLimit::PacketSize);
        }
        End::ProtocolError(reason_of(error))
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

    fn answer_pings(&self, pings: usize) {
        let answers = match pings {
            0 => return,
            1 => Bytes::from_static(&PINGRESP),
            // One piece for all: a piece is many times a PINGRESP.
            pings => Bytes::from(PINGRESP.repeat(pings)),
        };
        self.conn.outbox.borrow_mut().push(answers, 0);
    }
}

fn reason_of(error: FrameError) -> ReasonCode {
    match error {
        FrameError::TooLarge { .. } => ReasonCode::PACKET_TOO_LARGE,
        FrameError::LengthTooLong | FrameError::LengthEncoding | FrameError::NotConnect => {
            ReasonCode::MALFORMED_PACKET
        }
    }
}
