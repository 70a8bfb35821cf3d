//! QoS 2 messages that a client has sent and not yet released: whatever happens to its connections, each is routed
//! once [MQTT-4.3.3-10].

use std::collections::BTreeMap;

use super::acks::AckNumber;
use super::faults::{Fault, planted};
use crate::codec::{PacketId, ReasonCode};

/// Ids of one client that wait for their PUBREL. Receive Maximum bounds what one connection may send; only a client
/// that opens many and releases nothing gets near this, or one of 3.1.1 that waits for no PUBREC.
pub(super) const MOST_UNRELEASED: usize = 4_096;

/// `None` while there are none: most clients never send at QoS 2.
#[derive(Debug, Default)]
pub(super) struct ReceivedIds(Option<Box<Ids>>);

#[derive(Debug, Default)]
struct Ids {
    ids: BTreeMap<PacketId, Taken>,
    /// Those whose PUBLISH came over this connection.
    here: usize,
}

#[derive(Clone, Copy, Debug)]
struct Taken {
    stage: Stage,
    here: bool,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Not yet where it must be. `ack`: its PUBREC among this connection's answers.
    OnItsWay { ack: Option<AckNumber> },
    /// PUBREC says so, as often as it is asked.
    Routed(ReasonCode),
}

/// What to do with a PUBLISH.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    New,
    /// Its message is on its way already, and its PUBREC is among this connection's answers.
    Awaited,
    /// Its message is on its way already; `answered_by` wants to hear of a PUBREC.
    Unanswered,
    /// Its message is where it must be.
    Routed(ReasonCode),
}

/// What to do with a PUBREL.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Release {
    Done,
    Unknown,
    /// No PUBREC was sent: nothing may be released [MQTT-4.3.3-4].
    TooEarly,
}

impl ReceivedIds {
    pub(super) fn arrival(&self, packet_id: PacketId) -> Arrival {
        match self.stage(packet_id) {
            None => Arrival::New,
            Some(Stage::OnItsWay { .. }) if planted(Fault::RoutedTwice) => Arrival::New,
            Some(Stage::OnItsWay { ack: Some(_) }) => Arrival::Awaited,
            Some(Stage::OnItsWay { ack: None }) => Arrival::Unanswered,
            Some(Stage::Routed(code)) => Arrival::Routed(code),
        }
    }

    /// `ack` is the answer that its PUBREC will be.
    pub(super) fn answered_by(&mut self, packet_id: PacketId, ack: AckNumber) {
        let stage = Stage::OnItsWay { ack: Some(ack) };
        self.insert(packet_id, stage);
    }

    /// A routed message was sent again.
    pub(super) fn again(&mut self, packet_id: PacketId, code: ReasonCode) {
        self.insert(packet_id, Stage::Routed(code));
    }

    fn insert(&mut self, packet_id: PacketId, stage: Stage) {
        let (all, here) = (self.0.get_or_insert_default(), true);
        let before = all.ids.insert(packet_id, Taken { stage, here });
        all.here += usize::from(!before.is_some_and(|taken| taken.here));
    }

    /// The message is where it must be, or is refused. The answer that this completes, if its connection is there.
    pub(super) fn routed(&mut self, packet_id: PacketId, code: ReasonCode) -> Option<AckNumber> {
        let taken = self.0.as_mut()?.ids.get_mut(&packet_id)?;
        let Stage::OnItsWay { ack } = taken.stage else {
            return None;
        };
        taken.stage = Stage::Routed(code);
        if code.is_error() {
            // what the client sends next under this id is new [MQTT-4.3.3-9]
            self.remove(packet_id);
        }
        ack
    }

    pub(super) fn release(&mut self, packet_id: PacketId) -> Release {
        match self.stage(packet_id) {
            None => Release::Unknown,
            Some(Stage::OnItsWay { .. }) => Release::TooEarly,
            Some(Stage::Routed(_)) => {
                if !planted(Fault::KeptAfterRelease) {
                    self.remove(packet_id);
                }
                Release::Done
            }
        }
    }

    fn remove(&mut self, packet_id: PacketId) {
        let Some(all) = &mut self.0 else {
            return;
        };
        let taken = all.ids.remove(&packet_id);
        all.here -= usize::from(taken.is_some_and(|taken| taken.here));
        if all.ids.is_empty() {
            self.0 = None;
        }
    }

    /// The connection is gone; what it sent is not.
    pub(super) fn detach(&mut self) {
        if planted(Fault::ForgottenOnReconnect) {
            self.0 = None;
        }
        let Some(all) = &mut self.0 else {
            return;
        };
        all.here = 0;
        for taken in all.ids.values_mut() {
            taken.here = false;
            if let Stage::OnItsWay { ack } = &mut taken.stage {
                *ack = None;
            }
        }
    }

    fn stage(&self, packet_id: PacketId) -> Option<Stage> {
        let taken = self.0.as_ref()?.ids.get(&packet_id)?;
        Some(taken.stage)
    }

    pub(super) fn contains(&self, packet_id: PacketId) -> bool {
        self.stage(packet_id).is_some()
    }

    /// All of them.
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |all| all.ids.len())
    }

    /// Those whose PUBLISH came over this connection; Receive Maximum counts these.
    pub(super) fn here(&self) -> usize {
        self.0.as_ref().map_or(0, |all| all.here)
    }
}

#[cfg(test)]
mod tests {
    use super::super::acks::{AckKind, Acks};
    use super::*;

    fn id(id: u16) -> PacketId {
        PacketId::new(id).unwrap()
    }

    #[test]
    fn an_id_is_known_from_publish_to_pubrel() {
        let (mut ids, mut acks) = (ReceivedIds::default(), Acks::default());
        let code = ReasonCode::NO_MATCHING_SUBSCRIBERS;
        assert_eq!(ids.arrival(id(5)), Arrival::New);
        let ack = acks.begin(AckKind::PubRec, id(5));
        ids.answered_by(id(5), ack);
        assert_eq!(ids.arrival(id(5)), Arrival::Awaited);
        assert_eq!(ids.release(id(5)), Release::TooEarly);
        assert_eq!(ids.routed(id(5), code), Some(ack));
        // once
        assert_eq!(ids.routed(id(5), ReasonCode::SUCCESS), None);
        assert_eq!(ids.arrival(id(5)), Arrival::Routed(code));
        assert_eq!((ids.len(), ids.here()), (1, 1));
        assert_eq!(ids.release(id(5)), Release::Done);
        assert_eq!(ids.release(id(5)), Release::Unknown);
        assert_eq!((ids.len(), ids.here()), (0, 0));
    }

    #[test]
    fn an_id_outlives_its_connection() {
        let (mut ids, mut acks) = (ReceivedIds::default(), Acks::default());
        for number in [1, 2] {
            ids.answered_by(id(number), acks.begin(AckKind::PubRec, id(number)));
        }
        ids.routed(id(1), ReasonCode::SUCCESS);
        ids.detach();
        acks.forget();
        assert_eq!((ids.len(), ids.here()), (2, 0));
        assert_eq!(ids.arrival(id(1)), Arrival::Routed(ReasonCode::SUCCESS));
        assert_eq!(ids.arrival(id(2)), Arrival::Unanswered);
        let ack = acks.begin(AckKind::PubRec, id(2));
        ids.answered_by(id(2), ack);
        assert_eq!((ids.len(), ids.here()), (2, 1));
        assert_eq!(ids.routed(id(2), ReasonCode::SUCCESS), Some(ack));
    }

    #[test]
    fn a_refused_message_frees_its_id_at_once() {
        let (mut ids, mut acks) = (ReceivedIds::default(), Acks::default());
        let ack = acks.begin(AckKind::PubRec, id(1));
        ids.answered_by(id(1), ack);
        assert_eq!(ids.routed(id(1), ReasonCode::QUOTA_EXCEEDED), Some(ack));
        assert_eq!(ids.arrival(id(1)), Arrival::New);
        assert_eq!(ids.here(), 0);
    }
}
