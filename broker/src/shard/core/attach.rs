//! How a client gets its session.

use std::time::Duration;

use super::attach_queue::Waiting;
use super::links::Stream;
use super::sessions::{Presence, Seat, SessionKey};
use super::{LinkId, Outbox, WorkerCore};
use crate::codec::ReasonCode;
use crate::link::{Attach, CloseReason, StreamId, ToEdge};
use crate::session::{self, Opening};

impl WorkerCore {
    pub(super) fn attach(
        &mut self,
        now: Duration,
        stream: (LinkId, StreamId),
        attach: Box<Attach>,
        out: &mut Outbox,
    ) {
        // an edge that uses a stream twice has lost track of the first client
        self.detach(now, stream.0, stream.1, out);
        if self.ending {
            let connack = session::refusal_shutting_down(attach.protocol);
            self.refuse(stream, connack, out);
            return;
        }
        if self.is_anothers(&attach) {
            let connack = session::refusal_not_yours(&attach);
            self.refuse(stream, connack, out);
            return;
        }
        if let Some(earlier) = self.queue.take_client(&attach.client_id) {
            // its client has given up on it
            self.links.remove(earlier.stream.0, earlier.stream.1);
            self.refuse(
                earlier.stream,
                session::refusal_too_many(earlier.attach.protocol),
                out,
            );
        }
        match self.queue.push(Waiting {
            stream,
            attach,
            data: Vec::new(),
        }) {
            Ok(number) => self.links.insert(stream, Stream::Waiting(number)),
            Err(client) => self.refuse(
                stream,
                session::refusal_too_many(client.attach.protocol),
                out,
            ),
        }
    }

    /// A session or an earlier try with the same id is of somebody who does not give way.
    fn is_anothers(&self, attach: &Attach) -> bool {
        let principal = attach.principal.as_deref();
        let attached = self
            .sessions
            .by_client(&attach.client_id)
            .and_then(|key| self.sessions.at(key.index));
        let keeps_session = attached.is_some_and(|seat| !seat.session.gives_way_to(principal));
        let waiting = self.queue.by_client(&attach.client_id);
        let keeps_place = waiting.is_some_and(|earlier| {
            !session::gives_way(earlier.attach.principal.as_deref(), principal)
        });
        keeps_session || keeps_place
    }

    /// As many as may be settling.
    pub(super) fn let_in_waiting(&mut self, now: Duration, out: &mut Outbox) {
        while self.settle.has_place() {
            let Some(client) = self.queue.pop() else {
                return;
            };
            self.let_in(now, client, out);
        }
    }

    fn let_in(&mut self, now: Duration, client: Waiting, out: &mut Outbox) {
        let (link, stream) = client.stream;
        self.stats.bytes_in_total += client.attach.connect.len() as u64;
        let limits = self.limit_sets.of(&client.attach.limits);
        let opening = match session::open(&client.attach, limits) {
            Ok(opening) => opening,
            Err(no) => {
                self.stats.limits.topic += u64::from(no.is_over_topic_limit);
                self.links.remove(link, stream);
                self.refuse(client.stream, no.connack, out);
                return;
            }
        };
        let earlier = self.earlier_session(now, &client.attach, opening.is_clean_start(), out);
        let expiry = self.granted_expiry(earlier, opening.expiry());
        let connack = opening.connack(earlier.is_some(), expiry);
        let key = match earlier {
            Some(key) => self.resume(key, client.stream, opening, expiry, out),
            None => self.begin(client.stream, opening, expiry),
        };
        let settling = self.settle.begin(key, earlier.is_some(), now);
        if let Some(seat) = self.sessions.get_mut(key) {
            seat.settling = Some(Box::new(settling));
        }
        self.links.insert(client.stream, Stream::Attached(key));
        self.stats.attached_total += 1;
        self.stats.bytes_out_total += connack.len() as u64;
        out.to_links
            .push((link, ToEdge::Attached { stream, connack }));
        self.touch(key.index);
        for packets in client.data {
            self.data(now, client.stream, packets, Duration::ZERO, out);
        }
    }

    /// The session that the client goes on with. A connection that it still has ends [MQTT-3.1.4-3]; a session that it
    /// does not want, or that was prepared by somebody else, is forgotten.
    fn earlier_session(
        &mut self,
        now: Duration,
        attach: &Attach,
        clean_start: bool,
        out: &mut Outbox,
    ) -> Option<SessionKey> {
        let old = self.sessions.by_client(&attach.client_id)?;
        if self
            .sessions
            .get_mut(old)
            .is_some_and(|seat| seat.stream().is_some())
        {
            self.stats.taken_over_total += 1;
            self.close(
                now,
                old,
                ReasonCode::SESSION_TAKEN_OVER,
                CloseReason::TakenOver,
                out,
            );
        }
        // it may have ended with its connection
        let seat = self.sessions.get_mut(old)?;
        if !clean_start && seat.session.is_of(attach.principal.as_deref()) {
            return Some(old);
        }
        self.forget(now, old, out);
        None
    }

    /// Within what may be kept. A session that was promised to be kept needs no new room.
    fn granted_expiry(&mut self, earlier: Option<SessionKey>, asked: u32) -> u32 {
        if asked == 0 || self.settings.max_session_expiry == 0 {
            return 0;
        }
        if earlier.is_none() && !self.kept.has_room() {
            self.stats.not_kept_total += 1;
            return 0;
        }
        asked.min(self.settings.max_session_expiry)
    }

    fn begin(
        &mut self,
        (link, stream): (LinkId, StreamId),
        opening: Opening<'_>,
        expiry: u32,
    ) -> SessionKey {
        self.kept.promise(0, expiry);
        self.sessions.insert(Seat {
            session: opening.begin(expiry),
            presence: Presence::Attached(link, stream),
            connection: 0,
            resumed: false,
            settling: None,
            replays: None,
            dirty: false,
        })
    }

    fn resume(
        &mut self,
        key: SessionKey,
        (link, stream): (LinkId, StreamId),
        opening: Opening<'_>,
        expiry: u32,
        out: &mut Outbox,
    ) -> SessionKey {
        self.stats.resumed_total += 1;
        let Some(seat) = self.sessions.get_mut(key) else {
            return key;
        };
        if let Presence::Away(away) = &seat.presence {
            self.kept.remove(key, **away);
        }
        self.kept.promise(seat.session.expiry(), expiry);
        let before = seat.session.outbound.waiting();
        opening.resume(&mut seat.session, expiry);
        self.stats.waits(before, seat.session.outbound.waiting());
        seat.presence = Presence::Attached(link, stream);
        seat.connection = seat.connection.wrapping_add(1);
        seat.resumed = true;
        self.members_attached(key, true, out);
        key
    }

    pub(super) fn refuse(
        &mut self,
        (link, stream): (LinkId, StreamId),
        connack: bytes::Bytes,
        out: &mut Outbox,
    ) {
        self.stats.refused_total += 1;
        self.stats.bytes_out_total += connack.len() as u64;
        out.to_links
            .push((link, ToEdge::Refused { stream, connack }));
    }
}
