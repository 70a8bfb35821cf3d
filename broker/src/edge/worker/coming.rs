//! What a worker keeps in mind of clients that come back: whether they settle, and which shard they wait for.

use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;

use herdgate_admission::edge::EdgeView;
use herdgate_admission::last_class::{Came, Comer};
use tokio::sync::watch;

use super::Worker;
use crate::edge::conn::Conn;
use crate::link::StreamId;

/// A client that has a session, or is about to know of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unsettled {
    /// Not yet done coming back; `None`: nobody wants to know what becomes of it.
    Client(Option<Comer>),
    /// The shard has said that it is done before the client's task knew of the session.
    NotAnyMore,
}

impl Worker {
    /// Until the shard says that it is done coming back; it may have said so already.
    pub(in crate::edge) fn settles(&self, conn: &Conn, comer: Option<Comer>) {
        let mut unsettled = self.unsettled.borrow_mut();
        let before = unsettled.insert(conn.stream, Unsettled::Client(comer));
        if matches!(before, Some(Unsettled::NotAnyMore)) {
            unsettled.remove(&conn.stream);
            self.entering.settled(comer);
        }
    }

    pub(super) fn has_settled(&self, shard: usize, stream: StreamId) {
        if self.conn(shard, stream).is_none() {
            return;
        }
        let mut unsettled = self.unsettled.borrow_mut();
        if let Some(Unsettled::Client(comer)) = unsettled.remove(&stream) {
            self.entering.settled(comer);
        } else {
            unsettled.insert(stream, Unsettled::NotAnyMore);
        }
    }

    /// Nothing came of its way in.
    pub(in crate::edge) fn came_to_nothing(&self, comer: Comer) {
        self.entering.came(Came::ToNothing(comer));
    }

    /// Waits until the shard may be asked to take one client more.
    pub(in crate::edge) async fn until_granted(&self, shard: usize) {
        let shard = u32::try_from(shard).unwrap_or(u32::MAX);
        loop {
            let mut granted = pin!(self.granted.notified());
            granted.as_mut().enable();
            if self.shared.attaches.try_take(shard) {
                return;
            }
            granted.await;
        }
    }

    /// A client was told to come again because its shard did not take it.
    pub(in crate::edge) fn waited_in_vain(&self, address: IpAddr, shard: usize) {
        let shard = u32::try_from(shard).unwrap_or(u32::MAX);
        if self.gate.tells(address) {
            self.refused.borrow_mut().push((address, shard));
        }
    }

    /// With each view, what may be asked of shards is another, and who waits too long for which.
    pub(super) async fn follow(self: Rc<Self>, mut views: watch::Receiver<EdgeView>) {
        while views.changed().await.is_ok() {
            self.granted.notify_waiters();
            let is_late = |shard| self.gate.is_late(shard);
            let (aim, now) = (self.gate.aim(), self.clock.now());
            let given_back = self.entering.give_back(is_late, aim, now);
            let metrics = &self.shared.metrics.edge;
            metrics.places_given_back.inc_by(given_back as u64);
        }
    }
}
