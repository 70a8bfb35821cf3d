//! How sessions end.

use std::time::Duration;

use super::kept::second_after;
use super::links::Stream;
use super::sessions::{Away, Presence, SessionKey};
use super::{LinkId, Outbox, WorkerCore};
use crate::codec::{Disconnect, Packet, Protocol, ReasonCode};
use crate::link::{CloseReason, StreamId, ToEdge};
use crate::routing::{Message, TopicName};
use crate::session::{self, Session, Waiting};

impl WorkerCore {
    /// The edge has let go of the stream: the client is lost, and its will is published.
    pub(super) fn detach(
        &mut self,
        now: Duration,
        link: LinkId,
        stream: StreamId,
        out: &mut Outbox,
    ) {
        // unknown: closed from here while the edge's word was on its way
        if let Some(state) = self.links.remove(link, stream) {
            self.lost(now, state, out);
        }
    }

    /// The client left while its CONNACK was on the way: it never had a connection whose end a will could tell.
    pub(super) fn cancel(
        &mut self,
        now: Duration,
        link: LinkId,
        stream: StreamId,
        out: &mut Outbox,
    ) {
        match self.links.remove(link, stream) {
            Some(Stream::Waiting(number)) => {
                self.queue.remove(number);
            }
            Some(Stream::Attached(key)) => self.leave(now, key, false, out),
            None => {}
        }
    }

    pub(super) fn link_lost(&mut self, now: Duration, link: LinkId, out: &mut Outbox) {
        for state in self.links.take(link) {
            self.lost(now, state, out);
        }
    }

    fn lost(&mut self, now: Duration, state: Stream, out: &mut Outbox) {
        match state {
            Stream::Waiting(number) => {
                self.queue.remove(number);
            }
            Stream::Attached(key) => self.leave(now, key, true, out),
        }
    }

    /// Ends the client's connection from this side. A v5 client is told why; its will is published [MQTT-3.1.2-8].
    pub(super) fn close(
        &mut self,
        now: Duration,
        key: SessionKey,
        code: ReasonCode,
        reason: CloseReason,
        out: &mut Outbox,
    ) {
        self.close_with(now, key, Disconnect::new(code), reason, out);
    }

    pub(super) fn close_with(
        &mut self,
        now: Duration,
        key: SessionKey,
        disconnect: Disconnect,
        reason: CloseReason,
        out: &mut Outbox,
    ) {
        if let Some(seat) = self.sessions.get_mut(key) {
            if seat.session.protocol() == Protocol::V5 {
                seat.session.reply(&Packet::Disconnect(disconnect));
            }
            self.close_stream(key, reason, out);
        }
        self.leave(now, key, true, out);
    }

    /// What is ready goes out, then the end.
    pub(super) fn close_stream(&mut self, key: SessionKey, reason: CloseReason, out: &mut Outbox) {
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        let Some((link, stream)) = seat.stream() else {
            return;
        };
        if let Some(packets) = seat.session.outbound.take() {
            self.stats.bytes_out_total += packets.len() as u64;
            out.to_links.push((link, ToEdge::Data { stream, packets }));
        }
        out.to_links.push((link, ToEdge::Close { stream, reason }));
        self.links.remove(link, stream);
    }

    /// The session has lost its connection: it is kept for a while, or ends. `will`: its will comes, after its delay or
    /// with the session's end, whichever is first [MQTT-3.1.3-9].
    pub(super) fn leave(&mut self, now: Duration, key: SessionKey, will: bool, out: &mut Outbox) {
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        if seat.settling.take().is_some() {
            self.settle.end();
        }
        if !will {
            seat.session.take_will();
        }
        let expiry = seat.session.expiry();
        if expiry == 0 {
            self.forget(now, key, out);
            return;
        }
        let before = seat.session.outbound.waiting();
        let delivered = seat.session.detach();
        self.stats.waits(before, seat.session.outbound.waiting());
        let delay = seat.session.will_delay();
        let away = Away {
            ends: second_after(now, expiry),
            will: delay
                .filter(|delay| *delay > 0 && *delay < expiry)
                .map(|delay| second_after(now, delay)),
        };
        seat.presence = Presence::Away(Box::new(away));
        self.kept.add(key, away);
        let will = (delay == Some(0))
            .then(|| will_message(&mut seat.session, now))
            .flatten();
        self.count(delivered);
        self.members_attached(key, false, out);
        if let Some(will) = will {
            self.publish_will(now, will, out);
        }
    }

    /// Ends the session. If it still has a will, this is when it comes.
    pub(super) fn forget(&mut self, now: Duration, key: SessionKey, out: &mut Outbox) {
        let Some(mut seat) = self.sessions.remove(key) else {
            return;
        };
        if let Presence::Away(away) = &seat.presence {
            self.kept.remove(key, **away);
        }
        self.kept.promise(seat.session.expiry(), 0);
        self.stats
            .waits(seat.session.outbound.waiting(), Waiting::default());
        self.end_replays(seat.replays.take(), out);
        self.forget_filters(key.index, seat.session.take_filters(), out);
        self.part(key.index, seat.session.memberships(), out);
        let copies = seat.session.outbound.take_shared();
        self.pass_on(now, copies, out);
        if let Some(will) = will_message(&mut seat.session, now) {
            self.publish_will(now, will, out);
        }
    }

    pub(super) fn publish_will(&mut self, now: Duration, will: Message, out: &mut Outbox) {
        self.stats.wills_total += 1;
        self.publish(now, will, None, out);
    }

    /// With its DISCONNECT the client changes for how long its session is kept (MQTT 5 section 3.14.2.2.2). One that
    /// was told 0 keeps that.
    pub(super) fn change_expiry(&mut self, key: SessionKey, asked: u32) {
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        let before = seat.session.expiry();
        if before > 0 {
            let seconds = asked.min(self.settings.max_session_expiry);
            self.kept.promise(before, seconds);
            seat.session.set_expiry(seconds);
        }
    }

    /// A will whose delay is not over when the process ends is lost with its session: both are in memory.
    pub(super) fn shut_down(&mut self, now: Duration, clients: usize, out: &mut Outbox) {
        self.ending = true;
        while let Some(waiting) = self.queue.pop() {
            self.links.remove(waiting.stream.0, waiting.stream.1);
            self.refuse(
                waiting.stream,
                session::refusal_shutting_down(waiting.attach.protocol),
                out,
            );
        }
        for key in self.links.some_attached(clients) {
            self.close(
                now,
                key,
                ReasonCode::SERVER_SHUTTING_DOWN,
                CloseReason::ShuttingDown,
                out,
            );
        }
    }
}

/// `None`, too, for a topic that is none: `session::open` refuses those.
pub(super) fn will_message(session: &mut Session, now: Duration) -> Option<Message> {
    let will = session.take_will()?;
    let topic = TopicName::new(will.topic).ok()?;
    let message = Message::new(topic, &will.payload, session.client_id().clone());
    Some(
        message
            .with(will.qos, will.retain)
            .with_properties(will.properties, now),
    )
}
