//! QoS 1 and 2 messages that a client was sent and has not done with.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Shape;
use super::faults::{Fault, largest_id, planted};
use crate::codec::{PacketId, QoS};
use crate::routing::{Group, Message};

/// A PUBLISH without PUBACK or PUBREC.
#[derive(Debug)]
pub(super) struct Unacked {
    pub(super) id: PacketId,
    pub(super) shape: Shape,
    /// To send it again; `None` where the session ends with its connection, so that nothing is kept for nobody.
    pub(super) message: Option<Arc<Message>>,
}

#[derive(Debug, Default)]
pub(super) struct InFlight {
    last_id: u16,
    /// `None` while nothing is.
    under_way: Option<Box<UnderWay>>,
}

#[derive(Debug, Default)]
struct UnderWay {
    /// In the order in which they were first sent.
    unacked: VecDeque<Unacked>,
    /// So many of them, from the front, went over this connection. The rest are of an earlier one and wait for their
    /// turn to be sent again.
    sent: usize,
    /// PUBREL sent, PUBCOMP awaited; in the order of their PUBRECs [MQTT-4.6.0-4].
    releasing: VecDeque<PacketId>,
    /// Of the messages that are kept.
    bytes: usize,
}

const NOTHING: &UnderWay = &UnderWay {
    unacked: VecDeque::new(),
    sent: 0,
    releasing: VecDeque::new(),
    bytes: 0,
};

impl UnderWay {
    fn take(&mut self, at: usize) -> Option<PacketId> {
        let taken = self.unacked.remove(at)?;
        self.sent -= usize::from(at < self.sent);
        self.bytes -= taken.message.map_or(0, |message| message.size());
        Some(taken.id)
    }
}

/// What became of an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acked {
    Done,
    /// Nothing with this id is under way.
    Unknown,
    /// What is under way with this id is not to be acknowledged so.
    Mismatch,
}

impl InFlight {
    /// A new message goes out under this id; all earlier ones have.
    pub(super) fn begin(&mut self, shape: Shape, message: Option<Arc<Message>>) -> PacketId {
        let id = self.next_id();
        let all = self.under_way.get_or_insert_default();
        all.bytes += message.as_ref().map_or(0, |message| message.size());
        all.unacked.push_back(Unacked { id, shape, message });
        all.sent += 1;
        id
    }

    fn all(&self) -> &UnderWay {
        self.under_way.as_deref().unwrap_or(NOTHING)
    }

    /// Does something with what is under way, and lets go of it when nothing is any more.
    fn change<R>(&mut self, change: impl FnOnce(&mut UnderWay) -> R) -> Option<R> {
        let all = self.under_way.as_deref_mut()?;
        let result = change(all);
        if all.unacked.is_empty() && all.releasing.is_empty() {
            self.under_way = None;
        }
        Some(result)
    }

    /// The next id that is not in use; there is one, as far fewer may be under way.
    fn next_id(&mut self) -> PacketId {
        loop {
            self.last_id = if self.last_id >= largest_id() {
                1
            } else {
                self.last_id + 1
            };
            match PacketId::new(self.last_id) {
                Some(id) if !self.is_in_use(id) => return id,
                _ => {}
            }
        }
    }

    fn is_in_use(&self, id: PacketId) -> bool {
        self.all().unacked.iter().any(|unacked| unacked.id == id)
            || (self.all().releasing.contains(&id) && !planted(Fault::ReusedBeforeComplete))
    }

    pub(super) fn puback(&mut self, id: PacketId) -> Acked {
        match self.position(id) {
            Some(at) if self.all().unacked[at].shape.qos == QoS::AtLeastOnce => {
                self.take(at);
                Acked::Done
            }
            Some(_) => Acked::Mismatch,
            None if self.all().releasing.contains(&id) => Acked::Mismatch,
            None => Acked::Unknown,
        }
    }

    /// `Done`: a PUBREL is due.
    pub(super) fn pubrec(&mut self, id: PacketId) -> Acked {
        match self.position(id) {
            Some(at) if self.all().unacked[at].shape.qos == QoS::ExactlyOnce => {
                self.release(at);
                Acked::Done
            }
            Some(_) => Acked::Mismatch,
            None if self.all().releasing.contains(&id) => Acked::Done,
            None => Acked::Unknown,
        }
    }

    /// PUBREC refused the message: its id is free.
    pub(super) fn refused(&mut self, id: PacketId) -> Acked {
        match self.position(id) {
            Some(at) if self.all().unacked[at].shape.qos == QoS::ExactlyOnce => {
                self.take(at);
                Acked::Done
            }
            Some(_) => Acked::Mismatch,
            None => Acked::Unknown,
        }
    }

    pub(super) fn pubcomp(&mut self, id: PacketId) -> Acked {
        // nearly always the first
        let releasing = self.all().releasing.iter();
        if let Some(at) = releasing.into_iter().position(|it| *it == id) {
            self.change(|all| all.releasing.remove(at));
            return Acked::Done;
        }
        match self.position(id) {
            Some(_) => Acked::Mismatch,
            None => Acked::Unknown,
        }
    }

    fn position(&self, id: PacketId) -> Option<usize> {
        // nearly always the first
        self.all()
            .unacked
            .iter()
            .position(|unacked| unacked.id == id)
    }

    fn take(&mut self, at: usize) {
        self.change(|all| all.take(at));
    }

    fn release(&mut self, at: usize) {
        let id = self.change(|all| {
            let id = all.take(at)?;
            all.releasing.push_back(id);
            Some(id)
        });
        if planted(Fault::ReusedBeforeComplete)
            && let Some(id) = id.flatten()
        {
            self.last_id = id.get() - 1;
        }
    }

    /// The next to be sent again over this connection.
    pub(super) fn unsent(&self) -> Option<&Unacked> {
        self.all().unacked.get(self.all().sent)
    }

    /// `unsent` went out.
    pub(super) fn resent(&mut self) {
        self.change(|all| all.sent += 1);
    }

    /// `unsent` cannot be sent over this connection. Of QoS 2 the client may have it all the same, and forgets its id
    /// with a PUBREL, which is then due.
    pub(super) fn skip_unsent(&mut self) -> Option<PacketId> {
        let unsent = self.unsent()?;
        let (id, qos) = (unsent.id, unsent.shape.qos);
        if qos == QoS::ExactlyOnce {
            self.release(self.all().sent);
            Some(id)
        } else {
            self.take(self.all().sent);
            None
        }
    }

    /// Takes all away, and returns what another member of a group may have. Of QoS 2 the client may have done its part,
    /// so that nobody else gets it [MQTT-4.8.2-5].
    pub(super) fn take_shared(&mut self) -> Vec<(Arc<Group>, Arc<Message>)> {
        let all = self.under_way.take().unwrap_or_default();
        let unacked = all.unacked.into_iter();
        let shared = unacked.filter(|unacked| unacked.shape.qos == QoS::AtLeastOnce);
        shared
            .filter_map(|unacked| Some((unacked.shape.group?, unacked.message?)))
            .collect()
    }

    /// The connection is gone: all must be sent again.
    pub(super) fn detach(&mut self) {
        self.change(|all| all.sent = 0);
    }

    pub(super) fn releasing(&self) -> impl Iterator<Item = PacketId> + '_ {
        let releasing = self.all().releasing.iter().copied();
        releasing.filter(|_| !planted(Fault::ReleaseNotResent))
    }

    /// What the client's Receive Maximum counts. It may leave out PUBRELs of an earlier connection; that would be one
    /// more number to keep.
    pub(super) fn len(&self) -> usize {
        self.all().sent + self.all().releasing.len()
    }

    /// Bytes of the messages that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.all().bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_none()
    }

    /// Messages that it keeps, for tests that look where a message is.
    #[cfg(test)]
    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        let unacked = self.all().unacked.iter();
        unacked.filter_map(|unacked| unacked.message.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use QoS::{AtLeastOnce as ONE, ExactlyOnce as TWO};

    fn id(id: u16) -> PacketId {
        PacketId::new(id).unwrap()
    }

    fn begin(inflight: &mut InFlight, qos: QoS) -> u16 {
        let shape = Shape {
            qos,
            ..Shape::default()
        };
        inflight.begin(shape, None).get()
    }

    #[test]
    fn ids_go_around_without_0_and_without_those_in_use() {
        let mut inflight = InFlight::default();
        for number in [u16::MAX, 2, 3] {
            inflight.last_id = number - 1;
            assert_eq!(begin(&mut inflight, TWO), number);
        }
        assert_eq!(inflight.pubrec(id(3)), Acked::Done);
        inflight.last_id = u16::MAX - 2;
        let next = [0; 4].map(|_| begin(&mut inflight, ONE));
        assert_eq!(next, [u16::MAX - 1, 1, 4, 5]);
        // PUBCOMP frees it
        assert_eq!(inflight.pubcomp(id(3)), Acked::Done);
        inflight.last_id = 2;
        assert_eq!(begin(&mut inflight, ONE), 3);
    }

    #[test]
    fn each_acknowledgement_has_its_time() {
        let mut inflight = InFlight::default();
        let (one, two) = (id(begin(&mut inflight, ONE)), id(begin(&mut inflight, TWO)));
        assert_eq!(inflight.pubrec(one), Acked::Mismatch);
        assert_eq!(inflight.refused(one), Acked::Mismatch);
        assert_eq!(inflight.pubcomp(one), Acked::Mismatch);
        assert_eq!(inflight.puback(two), Acked::Mismatch);
        assert_eq!(inflight.pubcomp(two), Acked::Mismatch);
        assert_eq!(inflight.len(), 2);
        assert_eq!(inflight.puback(one), Acked::Done);
        assert_eq!(inflight.puback(one), Acked::Unknown);
        assert_eq!(inflight.pubrec(two), Acked::Done);
        assert_eq!(inflight.pubrec(two), Acked::Done);
        assert_eq!(inflight.puback(two), Acked::Mismatch);
        assert_eq!(inflight.len(), 1);
        assert_eq!(inflight.pubcomp(two), Acked::Done);
        assert_eq!(inflight.pubcomp(two), Acked::Unknown);
        assert_eq!(inflight.pubrec(two), Acked::Unknown);
        assert!(inflight.is_empty());
    }

    #[test]
    fn what_is_of_an_earlier_connection_is_sent_again_in_order() {
        let mut inflight = InFlight::default();
        let ids: Vec<_> = [ONE, TWO, TWO, ONE]
            .map(|qos| begin(&mut inflight, qos))
            .to_vec();
        inflight.pubrec(id(ids[1]));
        inflight.detach();
        assert_eq!(inflight.len(), 1);
        assert_eq!(inflight.releasing().collect::<Vec<_>>(), [id(ids[1])]);
        let unsent = |inflight: &InFlight| inflight.unsent().map(|unacked| unacked.id.get());
        assert_eq!(unsent(&inflight), Some(ids[0]));
        inflight.resent();
        // one that was sent again, and one that was not yet
        assert_eq!(inflight.puback(id(ids[0])), Acked::Done);
        assert_eq!(inflight.puback(id(ids[3])), Acked::Done);
        assert_eq!(unsent(&inflight), Some(ids[2]));
        assert_eq!(inflight.skip_unsent(), Some(id(ids[2])));
        assert_eq!(unsent(&inflight), None);
        let releasing: Vec<_> = inflight.releasing().map(PacketId::get).collect();
        assert_eq!(releasing, ids[1..3]);
    }
}
