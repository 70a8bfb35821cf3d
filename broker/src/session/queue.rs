//! Messages that wait for one client.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{QueueLimits, Shape};
use crate::codec::QoS;
use crate::routing::{Group, Message};

/// One message for one client.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) message: Arc<Message>,
    pub(super) shape: Shape,
    /// A copy of a retained message after a SUBSCRIBE. These come in pages, and only when the client takes them; the
    /// queue's bounds are for what comes unasked.
    pub(super) backlog: bool,
}

/// A message that was not queued, or made room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    Nothing,
    QoS0(usize),
    /// And as many QoS 0 before.
    QoS1(usize),
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Delivery>,
    live: usize,
    live_qos0: usize,
    live_bytes: usize,
}

impl Queue {
    /// On overflow the oldest QoS 0 messages go first; if none are left, the new message is dropped: what was promised
    /// earlier is kept before what comes later.
    pub(super) fn push(&mut self, delivery: Delivery, limits: &QueueLimits) -> Dropped {
        let (qos, size) = (delivery.shape.qos, delivery.message.size());
        let mut shed = 0;
        while !Self::has_room(Some(self), size, limits) {
            if !self.shed_oldest_qos0() {
                return if qos == QoS::AtMostOnce {
                    Dropped::QoS0(shed + 1)
                } else {
                    Dropped::QoS1(shed)
                };
            }
            shed += 1;
        }
        self.live += 1;
        self.live_qos0 += usize::from(qos == QoS::AtMostOnce);
        self.live_bytes += size;
        self.waiting.push_back(delivery);
        if shed > 0 {
            Dropped::QoS0(shed)
        } else {
            Dropped::Nothing
        }
    }

    /// Of a queue, or of one that would begin.
    pub(super) fn has_room(queue: Option<&Self>, size: usize, limits: &QueueLimits) -> bool {
        let (live, bytes) = queue.map_or((0, 0), |queue| (queue.live, queue.live_bytes));
        live < limits.messages && bytes + size <= limits.bytes
    }

    /// Takes out what waits for a member of a group.
    pub(super) fn take_shared(&mut self) -> Vec<(Arc<Group>, Arc<Message>)> {
        let waiting = std::mem::take(&mut self.waiting);
        let (shared, rest): (VecDeque<_>, VecDeque<_>) = waiting
            .into_iter()
            .partition(|delivery| delivery.shape.group.is_some());
        self.waiting = rest;
        for delivery in &shared {
            self.forget(delivery);
        }
        let group = |delivery: Delivery| Some((delivery.shape.group?, delivery.message));
        shared.into_iter().filter_map(group).collect()
    }

    /// A copy of a retained message.
    pub(super) fn push_backlog(&mut self, delivery: Delivery) {
        self.waiting.push_back(delivery);
    }

    pub(super) fn backlog(&self) -> usize {
        self.waiting.len() - self.live
    }

    fn shed_oldest_qos0(&mut self) -> bool {
        if self.live_qos0 == 0 {
            return false;
        }
        let oldest = self
            .waiting
            .iter()
            .position(|waiting| !waiting.backlog && waiting.shape.qos == QoS::AtMostOnce);
        oldest
            .and_then(|at| self.waiting.remove(at))
            .inspect(|shed| self.forget(shed))
            .is_some()
    }

    pub(super) fn front(&self) -> Option<&Delivery> {
        self.waiting.front()
    }

    pub(super) fn pop(&mut self) -> Option<Delivery> {
        let delivery = self.waiting.pop_front()?;
        self.forget(&delivery);
        Some(delivery)
    }

    /// Messages at QoS 0, live ones and copies of retained ones; returns how many.
    pub(super) fn drop_qos0(&mut self) -> usize {
        let before = self.waiting.len();
        self.waiting
            .retain(|waiting| waiting.shape.qos > QoS::AtMostOnce);
        self.waiting.shrink_to_fit();
        self.live = 0;
        self.live_qos0 = 0;
        self.live_bytes = 0;
        for waiting in self.waiting.iter().filter(|waiting| !waiting.backlog) {
            self.live += 1;
            self.live_bytes += waiting.message.size();
        }
        before - self.waiting.len()
    }

    fn forget(&mut self, delivery: &Delivery) {
        if !delivery.backlog {
            self.live -= 1;
            self.live_qos0 -= usize::from(delivery.shape.qos == QoS::AtMostOnce);
            self.live_bytes -= delivery.message.size();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Bytes that its bounds count.
    pub(super) fn bytes(&self) -> usize {
        self.live_bytes
    }

    /// For tests that look where a message is.
    #[cfg(test)]
    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.waiting.iter().map(|waiting| &*waiting.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::TopicName;

    fn delivery(name: &str, qos: QoS, backlog: bool) -> Delivery {
        let message = Arc::new(Message::new(
            TopicName::new(name.into()).unwrap(),
            &[0; 9],
            "c".into(),
        ));
        Delivery {
            message,
            shape: Shape {
                qos,
                ..Shape::default()
            },
            backlog,
        }
    }

    fn limits(messages: usize, bytes: usize) -> QueueLimits {
        QueueLimits { messages, bytes }
    }

    fn names(queue: &Queue) -> String {
        queue
            .waiting
            .iter()
            .map(|waiting| waiting.message.topic.as_str())
            .collect()
    }

    use QoS::{AtLeastOnce as ONE, AtMostOnce as ZERO};

    #[test]
    fn the_oldest_qos0_goes_first_and_then_the_newest_is_dropped() {
        let limits = limits(3, 1_000);
        let mut queue = Queue::default();
        for (name, qos, dropped, after) in [
            ("a", ONE, Dropped::Nothing, "a"),
            ("b", ZERO, Dropped::Nothing, "ab"),
            ("c", ZERO, Dropped::Nothing, "abc"),
            ("d", ZERO, Dropped::QoS0(1), "acd"),
            ("e", ONE, Dropped::QoS0(1), "ade"),
            ("f", ONE, Dropped::QoS0(1), "aef"),
            ("g", ONE, Dropped::QoS1(0), "aef"),
            ("h", ZERO, Dropped::QoS0(1), "aef"),
        ] {
            assert_eq!(
                queue.push(delivery(name, qos, false), &limits),
                dropped,
                "{name}"
            );
            assert_eq!(names(&queue), after);
        }
    }

    #[test]
    fn bytes_are_bounded() {
        let limits = limits(1_000, 25);
        let mut queue = Queue::default();
        assert_eq!(
            queue.push(delivery("a", ZERO, false), &limits),
            Dropped::Nothing
        );
        assert_eq!(
            queue.push(delivery("b", ZERO, false), &limits),
            Dropped::Nothing
        );
        assert_eq!(
            queue.push(delivery("c", ONE, false), &limits),
            Dropped::QoS0(1)
        );
        queue.pop();
        assert_eq!(
            queue.push(delivery("d", ONE, false), &limits),
            Dropped::Nothing
        );
        assert_eq!(names(&queue), "cd");
    }

    #[test]
    fn retained_copies_do_not_count() {
        let limits = limits(1, 1_000);
        let mut queue = Queue::default();
        for name in ["a", "b"] {
            queue.push_backlog(delivery(name, ZERO, true));
        }
        assert_eq!(
            queue.push(delivery("d", ONE, false), &limits),
            Dropped::Nothing
        );
        assert_eq!(
            queue.push(delivery("e", ONE, false), &limits),
            Dropped::QoS1(0)
        );
        assert_eq!((names(&queue).as_str(), queue.backlog()), ("abd", 2));
        while queue.pop().is_some() {}
        assert_eq!((queue.live, queue.live_bytes, queue.len()), (0, 0, 0));
    }

    #[test]
    fn without_qos0_the_counts_are_right() {
        let limits = limits(10, 1_000);
        let mut queue = Queue::default();
        for (name, qos, backlog) in [
            ("a", ZERO, false),
            ("b", ONE, false),
            ("c", ZERO, true),
            ("d", ONE, true),
            ("e", ZERO, false),
        ] {
            if backlog {
                queue.push_backlog(delivery(name, qos, backlog));
            } else {
                queue.push(delivery(name, qos, backlog), &limits);
            }
        }
        assert_eq!(queue.drop_qos0(), 3);
        assert_eq!(names(&queue), "bd");
        assert_eq!((queue.live, queue.live_qos0, queue.live_bytes), (1, 0, 10));
        while queue.pop().is_some() {}
        assert_eq!((queue.live, queue.live_bytes), (0, 0));
    }
}
