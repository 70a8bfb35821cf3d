use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::codec::{Packet, PacketId, decode, frame};
use crate::link::frame::INITIAL_WINDOW;
use crate::routing::TopicName;
use crate::session::{FrameCache, Shape};

const LIMITS: QueueLimits = QueueLimits {
    messages: usize::MAX,
    bytes: usize::MAX,
};

/// What may happen to a client that gets messages.
#[derive(Clone, Debug)]
enum Step {
    /// A message of this size arrives for it.
    Message(bool, usize),
    /// It acknowledges one of the messages under way.
    Ack(prop::sample::Index),
    /// It reads this part, in 256ths, of what is unread.
    Read(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), 0..20_000_usize).prop_map(|(qos1, size)| Step::Message(qos1, size)),
        2 => any::<prop::sample::Index>().prop_map(Step::Ack),
        2 => any::<u8>().prop_map(Step::Read),
    ]
}

/// The client's end.
struct Client {
    outbound: Outbound,
    under_way: Vec<PacketId>,
    unread: usize,
    got: Vec<String>,
    max_inflight: usize,
}

impl Client {
    fn new(max_inflight: usize) -> Self {
        let terms = Terms {
            protocol: Protocol::V311,
            max_packet: usize::MAX,
            max_inflight: u16::try_from(max_inflight).unwrap(),
            keeps: false,
            wants_reasons: false,
        };
        Self {
            outbound: Outbound::new(terms),
            under_way: Vec::new(),
            unread: 0,
            got: Vec::new(),
            max_inflight,
        }
    }

    fn apply(&mut self, step: &Step, name: &str) {
        match step {
            Step::Message(qos1, size) => {
                let qos = if *qos1 {
                    QoS::AtLeastOnce
                } else {
                    QoS::AtMostOnce
                };
                let topic = TopicName::new(name.into()).unwrap();
                let message = Arc::new(Message::new(topic, &vec![0; *size], "p".into()));
                let mut frames = FrameCache::default();
                let shape = Shape {
                    qos,
                    ..Shape::default()
                };
                self.outbound
                    .deliver(&message, shape, &LIMITS, &mut frames, Duration::ZERO);
            }
            Step::Ack(index) if !self.under_way.is_empty() => {
                let id = self.under_way.remove(index.index(self.under_way.len()));
                self.outbound.puback(id).unwrap();
            }
            Step::Ack(_) => {}
            Step::Read(part) => self.read(self.unread * (usize::from(*part) + 1) / 256),
        }
        self.outbound.pump(Duration::ZERO);
        self.take();
    }

    fn read(&mut self, bytes: usize) {
        self.unread -= bytes;
        self.outbound.window(u32::try_from(bytes).unwrap());
    }

    fn take(&mut self) {
        let Some(bytes) = self.outbound.take() else {
            return;
        };
        let before = self.unread;
        let mut last = 0;
        for packet in frame::packets(bytes) {
            let packet = packet.unwrap();
            last = packet.len();
            self.unread += last;
            let Ok(Packet::Publish(publish)) = decode(Protocol::V311, &packet) else {
                panic!("no PUBLISH")
            };
            self.got.push(publish.topic.to_string());
            if let Some(id) = publish.packet_id {
                assert!(!self.under_way.contains(&id), "an id in use");
                self.under_way.push(id);
            }
        }
        assert!(self.under_way.len() <= self.max_inflight);
        // the last packet alone may overdraw
        assert!(before < INITIAL_WINDOW as usize && self.unread - last < INITIAL_WINDOW as usize);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_windows_all_comes_in_order(
        steps in prop::collection::vec(step(), 1..80),
        max_inflight in 1..5_usize,
    ) {
        let mut client = Client::new(max_inflight);
        let mut sent = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let name = number.to_string();
            client.apply(step, &name);
            if matches!(step, Step::Message(..)) {
                sent.push(name);
            }
        }
        for _ in 0..=sent.len() {
            client.apply(&Step::Read(255), "");
            while !client.under_way.is_empty() {
                client.apply(&Step::Ack(any_index()), "");
            }
        }
        prop_assert_eq!(&client.got, &sent);
        prop_assert!(client.outbound.is_idle());
    }
}

/// The first, always.
fn any_index() -> prop::sample::Index {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    any::<prop::sample::Index>()
        .new_tree(&mut TestRunner::deterministic())
        .unwrap()
        .current()
}
