//! How sessions end.

use std::time::Duration;

use super::links::Stream;
use super::sessions::{Seat, SessionKey};
use super::{LinkId, Outbox, WorkerCore};
use crate::codec::{Disconnect, Packet, Protocol, ReasonCode, Will};
use crate::link::{CloseReason, StreamId, ToEdge};
use crate::routing::{Message, TopicName};
use crate::session;

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
            Some(Stream::Attached(key)) => self.end(now, key, false, out),
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
            Stream::Attached(key) => self.end(now, key, true, out),
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
        self.end(now, key, true, out);
    }

    /// What is ready goes out, then the end.
    pub(super) fn close_stream(&mut self, key: SessionKey, reason: CloseReason, out: &mut Outbox) {
        let Some(seat) = self.sessions.get_mut(key) else {
            return;
        };
        let (link, stream) = seat.stream;
        if let Some(packets) = seat.session.outbound.take() {
            out.to_links.push((link, ToEdge::Data { stream, packets }));
        }
        out.to_links.push((link, ToEdge::Close { stream, reason }));
        self.links.remove(link, stream);
    }

    /// Forgets the session, and publishes its will if `will`.
    pub(super) fn end(&mut self, now: Duration, key: SessionKey, will: bool, out: &mut Outbox) {
        let Some(mut seat) = self.sessions.remove(key) else {
            return;
        };
        if seat.settling.is_some() {
            self.settle.end();
        }
        self.stats.queued -= seat.session.outbound.queued() as u64;
        self.end_replays(seat.replays.take(), out);
        let filters: Vec<_> = seat.session.take_subscriptions().collect();
        self.forget_filters(key.index, filters, out);
        self.part(key.index, seat.session.memberships(), out);
        let copies = seat.session.outbound.take_shared();
        self.pass_on(now, copies, out);
        if let Some(message) = seat
            .session
            .take_will()
            .filter(|_| will)
            .and_then(|will| will_message(&seat, will, now))
        {
            self.stats.wills_total += 1;
            self.publish(now, message, None, out);
        }
    }

    /// Sessions end with their connection in this version, so that a will's delay never outlasts one [MQTT-3.1.2-10].
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
        for key in self.sessions.some(clients) {
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

/// `None` for a topic that is none: `session::open` refuses those.
fn will_message(seat: &Seat, will: Will, now: Duration) -> Option<Message> {
    let topic = TopicName::new(will.topic).ok()?;
    let message = Message::new(topic, &will.payload, seat.session.client_id().clone());
    Some(
        message
            .with(will.qos, will.retain)
            .with_properties(will.properties, now),
    )
}
