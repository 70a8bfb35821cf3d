//! How a client gets its session.

use std::time::Duration;

use super::attach_queue::Waiting;
use super::links::Stream;
use super::sessions::Seat;
use super::{LinkId, Outbox, WorkerCore};
use crate::codec::ReasonCode;
use crate::link::{Attach, CloseReason, StreamId, ToEdge};
use crate::session;

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
        let opened = match session::open(&client.attach, self.settings.session) {
            Ok(opened) => opened,
            Err(connack) => {
                self.links.remove(link, stream);
                self.refuse(client.stream, connack, out);
                return;
            }
        };
        if let Some(old) = self.sessions.by_client(&client.attach.client_id) {
            self.stats.taken_over_total += 1;
            self.close(
                now,
                old,
                ReasonCode::SESSION_TAKEN_OVER,
                CloseReason::TakenOver,
                out,
            );
        }
        let seat = Seat {
            session: opened.session,
            stream: client.stream,
            settling: None,
            replays: None,
            dirty: false,
        };
        let key = self.sessions.insert(seat);
        let settling = self.settle.begin(key, now);
        if let Some(seat) = self.sessions.get_mut(key) {
            seat.settling = Some(settling);
        }
        self.links.insert(client.stream, Stream::Attached(key));
        self.stats.attached_total += 1;
        out.to_links.push((
            link,
            ToEdge::Attached {
                stream,
                connack: opened.connack,
            },
        ));
        for packets in client.data {
            self.data(now, client.stream, packets, Duration::ZERO, out);
        }
    }

    pub(super) fn refuse(
        &mut self,
        (link, stream): (LinkId, StreamId),
        connack: bytes::Bytes,
        out: &mut Outbox,
    ) {
        self.stats.refused_total += 1;
        out.to_links
            .push((link, ToEdge::Refused { stream, connack }));
    }
}
