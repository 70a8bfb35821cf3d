//! PUBACKs that wait for their message, in order [MQTT-4.6.0-2].

use std::collections::VecDeque;

use crate::codec::{PacketId, ReasonCode};

/// The n-th QoS 1 PUBLISH of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AckNumber(u64);

#[derive(Debug, Default)]
pub(super) struct Acks {
    /// The number of the front of `waiting`.
    first: u64,
    waiting: VecDeque<(PacketId, Option<ReasonCode>)>,
}

impl Acks {
    pub(super) fn begin(&mut self, packet_id: PacketId) -> AckNumber {
        self.waiting.push_back((packet_id, None));
        AckNumber(self.first + self.waiting.len() as u64 - 1)
    }

    pub(super) fn complete(&mut self, number: AckNumber, code: ReasonCode) {
        let at = number
            .0
            .checked_sub(self.first)
            .and_then(|at| usize::try_from(at).ok());
        if let Some((_, done)) = at.and_then(|at| self.waiting.get_mut(at)) {
            *done = Some(code);
        }
    }

    /// The next that is complete and has none before it that is not.
    pub(super) fn next(&mut self) -> Option<(PacketId, ReasonCode)> {
        let (packet_id, code) = *self.waiting.front()?;
        let code = code?;
        self.waiting.pop_front();
        self.first += 1;
        Some((packet_id, code))
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acks_keep_their_order() {
        let id = |id| PacketId::new(id).unwrap();
        let mut acks = Acks::default();
        let (first, second) = (acks.begin(id(7)), acks.begin(id(3)));
        acks.complete(second, ReasonCode::SUCCESS);
        assert_eq!(acks.next(), None);
        acks.complete(first, ReasonCode::NO_MATCHING_SUBSCRIBERS);
        assert_eq!(
            acks.next(),
            Some((id(7), ReasonCode::NO_MATCHING_SUBSCRIBERS))
        );
        assert_eq!(acks.next(), Some((id(3), ReasonCode::SUCCESS)));
        // late and twice: nothing happens
        acks.complete(first, ReasonCode::SUCCESS);
        assert_eq!((acks.next(), acks.len()), (None, 0));
    }
}
