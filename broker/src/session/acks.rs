//! PUBACKs and PUBRECs that wait for their message, in order [MQTT-4.6.0-2], [MQTT-4.6.0-3].

use std::collections::VecDeque;

use crate::codec::{PacketId, ReasonCode};

/// The n-th answer that a session owes, around again after four billion: far fewer wait at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckNumber(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckKind {
    /// QoS 1.
    PubAck,
    /// QoS 2.
    PubRec,
}

/// An answer that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) kind: AckKind,
    pub(super) packet_id: PacketId,
    pub(super) code: ReasonCode,
}

#[derive(Debug)]
struct Waiting {
    kind: AckKind,
    packet_id: PacketId,
    code: Option<ReasonCode>,
}

#[derive(Debug, Default)]
pub(super) struct Acks {
    /// The number of the front of `waiting`.
    first: u32,
    /// PUBACKs in `waiting`.
    pubacks: u32,
    /// Without memory while it is empty.
    waiting: VecDeque<Waiting>,
}

impl Acks {
    pub(super) fn begin(&mut self, kind: AckKind, packet_id: PacketId) -> AckNumber {
        self.pubacks += u32::from(kind == AckKind::PubAck);
        let number = self.first.wrapping_add(self.count());
        self.waiting.push_back(Waiting {
            kind,
            packet_id,
            code: None,
        });
        AckNumber(number)
    }

    pub(super) fn complete(&mut self, number: AckNumber, code: ReasonCode) {
        // one that is before the first is far behind the last
        let at = number.0.wrapping_sub(self.first) as usize;
        if let Some(waiting) = self.waiting.get_mut(at) {
            waiting.code = Some(code);
        }
    }

    /// The next that is complete and has none before it that is not.
    pub(super) fn next(&mut self) -> Option<Due> {
        let &Waiting {
            kind,
            packet_id,
            code,
        } = self.waiting.front()?;
        let code = code?;
        self.waiting.pop_front();
        self.first = self.first.wrapping_add(1);
        self.pubacks -= u32::from(kind == AckKind::PubAck);
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        Some(Due {
            kind,
            packet_id,
            code,
        })
    }

    /// The connection that they would have gone over is no more.
    pub(super) fn forget(&mut self) {
        self.first = self.first.wrapping_add(self.count());
        self.waiting = VecDeque::new();
        self.pubacks = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn pubacks(&self) -> usize {
        self.pubacks as usize
    }

    fn count(&self) -> u32 {
        // the window of the stream bounds it
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u16) -> PacketId {
        PacketId::new(id).unwrap()
    }

    #[test]
    fn acks_keep_their_order() {
        let mut acks = Acks::default();
        let (first, second) = (
            acks.begin(AckKind::PubAck, id(7)),
            acks.begin(AckKind::PubRec, id(3)),
        );
        assert_eq!((acks.len(), acks.pubacks()), (2, 1));
        acks.complete(second, ReasonCode::SUCCESS);
        assert_eq!(acks.next(), None);
        acks.complete(first, ReasonCode::NO_MATCHING_SUBSCRIBERS);
        let due = |kind, number, code| Due {
            kind,
            packet_id: id(number),
            code,
        };
        let code = ReasonCode::NO_MATCHING_SUBSCRIBERS;
        assert_eq!(acks.next(), Some(due(AckKind::PubAck, 7, code)));
        let code = ReasonCode::SUCCESS;
        assert_eq!(acks.next(), Some(due(AckKind::PubRec, 3, code)));
        // late and twice: nothing happens
        acks.complete(first, ReasonCode::SUCCESS);
        assert_eq!((acks.next(), acks.len(), acks.pubacks()), (None, 0, 0));
    }

    #[test]
    fn numbers_go_around() {
        let mut acks = Acks {
            first: u32::MAX,
            ..Acks::default()
        };
        let old = acks.begin(AckKind::PubAck, id(1));
        acks.forget();
        let [first, second] = [2, 3].map(|number| acks.begin(AckKind::PubAck, id(number)));
        for number in [old, second, first] {
            acks.complete(number, ReasonCode::SUCCESS);
        }
        let ids: Vec<_> = std::iter::from_fn(|| acks.next())
            .map(|due| due.packet_id)
            .collect();
        assert_eq!(ids, [id(2), id(3)]);
        assert_eq!(acks.waiting.capacity(), 0, "nothing waits");
    }

    #[test]
    fn an_answer_for_a_connection_that_is_gone_reaches_no_other() {
        let mut acks = Acks::default();
        let old = acks.begin(AckKind::PubAck, id(1));
        acks.forget();
        let new = acks.begin(AckKind::PubAck, id(2));
        acks.complete(old, ReasonCode::SUCCESS);
        assert_eq!(acks.next(), None);
        acks.complete(new, ReasonCode::SUCCESS);
        assert_eq!(acks.next().map(|due| due.packet_id), Some(id(2)));
    }
}
