//! What the server says to a client, against what it may say.

use std::time::Duration;

use herdgate::codec::{Ack, ConnAck, PacketId, Publish, QoS, ReasonCode};

use super::super::ledger::{Number, number_of};
use super::super::step::TOPICS;
use super::{Kept, Peer, Request, matches};

impl Peer {
    /// For certain.
    pub(in super::super) fn has_session(&self, now: Duration) -> bool {
        matches!(self.kept, Kept::Attached(_)) || self.finds_session(now) == Some(true)
    }

    /// What the standard says of *session present*; `None`: its time is just over, and the server may say either.
    pub(in super::super) fn finds_session(&self, now: Duration) -> Option<bool> {
        match self.kept {
            Kept::None => Some(false),
            Kept::Attached(expiry) => Some(expiry > 0),
            Kept::Until(until) if now < until => Some(true),
            Kept::Until(until) => (now > until + Duration::from_secs(1)).then_some(false),
        }
    }

    /// The QoS of this topic's messages for it, as far as its subscriptions are in force.
    pub(in super::super) fn wants(&self, topic: usize) -> Option<QoS> {
        let all = self.in_force.iter();
        all.filter(|(filter, _)| matches(**filter, TOPICS[topic]))
            .map(|(_, qos)| *qos)
            .max()
    }

    /// The server sends a message: its id must be free, and there may not be too many.
    pub(in super::super) fn is_sent(&mut self, publish: &Publish) {
        if number_of(publish).is_some() {
            let mut ever = self.ever.iter();
            let wanted = ever.any(|filter| matches(*filter, &publish.topic));
            assert!(
                wanted,
                "{} never subscribed to {}",
                self.client_id, publish.topic
            );
        }
        let Some(id) = publish.packet_id.map(PacketId::get) else {
            return;
        };
        let may_be_free = self.perhaps_free.remove(&id);
        if publish.dup {
            assert!(
                self.in_use.contains(&id),
                "{publish:?} is sent again and was not"
            );
        } else {
            assert!(
                self.in_use.insert(id) || may_be_free,
                "id {id} of {} is in use",
                self.client_id
            );
        }
        self.under_way.insert(id);
        let (under_way, most) = (self.under_way.len(), self.most_under_way);
        assert!(
            under_way <= most,
            "{under_way} of {most} are under way to {}",
            self.client_id
        );
    }

    /// The message that the server acknowledges to it, once it has come to where it must be.
    pub(in super::super) fn is_acknowledged(&self, ack: &Ack, qos: QoS) -> Option<Number> {
        let id = ack.packet_id.get();
        let mut all = self.outgoing.iter();
        let outgoing = all.find(|outgoing| outgoing.id == id && outgoing.qos == qos);
        assert!(
            outgoing.is_some(),
            "{} has sent no {id} at {qos:?}",
            self.client_id
        );
        outgoing
            .filter(|_| !ack.code.is_error())
            .map(|it| it.number)
    }

    /// The server answers a SUBSCRIBE.
    pub(in super::super) fn is_subscribed(&mut self, id: u16, code: ReasonCode) {
        let request = self.requests.remove(&id);
        let Some(Request::Subscribe(filter, qos)) = request else {
            unreachable!("SUBACK {id} for {request:?}")
        };
        assert_eq!(code, ReasonCode(qos as u8));
        if self.newest.get(&filter) == Some(&id) {
            self.in_force.insert(filter, qos);
        }
    }

    pub(in super::super) fn is_unsubscribed(&mut self, id: u16) {
        let request = self.requests.remove(&id);
        assert!(
            matches!(request, Some(Request::Unsubscribe)),
            "UNSUBACK {id} for {request:?}"
        );
    }

    pub(in super::super) fn is_connected(&mut self, ack: &ConnAck, expected: Option<bool>) {
        assert_eq!(ack.code, ReasonCode::SUCCESS);
        let present = ack.session_present;
        assert!(
            expected.is_none_or(|expected| expected == present),
            "session present: {present} for {} with {:?}",
            self.client_id,
            self.kept
        );
    }
}
