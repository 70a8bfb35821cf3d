//! Messages on their way to the client: now, when its windows allow, or again.

use std::sync::Arc;
use std::time::Duration;

use super::{Delivered, Outbound, QueueLimits};
use crate::codec::{QoS, ReasonCode};
use crate::routing::Message;
use crate::session::queue::{Delivery, Queue};
use crate::session::{FrameCache, Shape};

/// Bytes under way to a client whose session may be kept. One message may overdraw. Without it, whoever reads and does
/// not acknowledge would keep its whole Receive Maximum of the largest messages in memory.
const MOST_INFLIGHT_BYTES: usize = 1 << 20;

impl Outbound {
    /// A message that the client subscribed to, now or when its windows allow.
    pub fn deliver(
        &mut self,
        message: &Arc<Message>,
        shape: Shape,
        limits: &QueueLimits,
        frames: &mut FrameCache,
        now: Duration,
    ) -> Delivered {
        if self.queue.is_none() && self.may_send(shape.qos) {
            return self.send(message, &shape, frames, now);
        }
        if let Some(nothing) = self.nobody_takes(shape.qos) {
            return nothing;
        }
        let over_inflight = self.is_attached && shape.qos > QoS::AtMostOnce && !self.has_quota();
        let delivery = Delivery {
            message: Arc::clone(message),
            shape,
            backlog: false,
        };
        let dropped = self.queue.get_or_insert_default().push(delivery, limits);
        self.with_queue(|_| ());
        Delivered {
            over_inflight: over_inflight.into(),
            ..dropped.into()
        }
    }

    /// The copy of a retained message that follows a SUBSCRIBE. Whoever calls waits while `backlog` is large.
    pub fn deliver_retained(
        &mut self,
        message: &Arc<Message>,
        shape: Shape,
        now: Duration,
    ) -> Delivered {
        if self.queue.is_none() && self.may_send(shape.qos) {
            return self.send(message, &shape, &mut FrameCache::default(), now);
        }
        if let Some(nothing) = self.nobody_takes(shape.qos) {
            return nothing;
        }
        let delivery = Delivery {
            message: Arc::clone(message),
            shape,
            backlog: true,
        };
        self.queue.get_or_insert_default().push_backlog(delivery);
        Delivered::default()
    }

    /// QoS 0 does not wait for a client that is away: it promises nothing, and would take the room of what does.
    fn nobody_takes(&self, qos: QoS) -> Option<Delivered> {
        (!self.is_attached && qos == QoS::AtMostOnce).then(|| Delivered {
            offline: 1,
            ..Delivered::default()
        })
    }

    /// What is sent again comes first, QoS 0 not excepted.
    pub(super) fn may_send(&self, qos: QoS) -> bool {
        self.is_attached
            && self.flow.is_open()
            && self.inflight.unsent().is_none()
            && (qos == QoS::AtMostOnce
                || (self.has_quota() && self.inflight.bytes() < MOST_INFLIGHT_BYTES))
    }

    fn has_quota(&self) -> bool {
        self.inflight.len() < usize::from(self.terms.max_inflight)
    }

    fn send(
        &mut self,
        message: &Arc<Message>,
        shape: &Shape,
        frames: &mut FrameCache,
        now: Duration,
    ) -> Delivered {
        let nothing = Delivered::default();
        if message.is_expired(now) {
            return Delivered {
                expired: 1,
                ..nothing
            };
        }
        // too large for the protocol is too large for the client
        let frame = frames
            .get(message, self.terms.protocol, shape, now)
            .ok()
            .filter(|it| it.len() <= self.terms.max_packet);
        let Some(frame) = frame else {
            return Delivered {
                too_large: 1,
                ..nothing
            };
        };
        self.flow.sent(frame.len());
        if shape.qos == QoS::AtMostOnce {
            self.buffer.push(frame.shared());
        } else {
            // of a group, another member may have to have it
            let keeps = self.terms.keeps || shape.group.is_some();
            let kept = keeps.then(|| Arc::clone(message));
            let id = self.inflight.begin(shape.clone(), kept);
            self.buffer.write(|out| frame.write(Some(id), out));
        }
        Delivered { sent: 1, ..nothing }
    }

    /// Sends what waits, as far as the windows allow: first what an earlier connection left unacknowledged.
    pub fn pump(&mut self, now: Duration) -> Delivered {
        let mut total = Delivered::default();
        if !self.is_attached {
            return total;
        }
        while self.flow.is_open() && self.has_quota() && self.resend(now, &mut total) {}
        while self
            .queue
            .as_ref()
            .and_then(|queue| queue.front())
            .is_some_and(|front| self.may_send(front.shape.qos))
        {
            let Some(delivery) = self.with_queue(Queue::pop).flatten() else {
                break;
            };
            let mut frames = FrameCache::default();
            total += self.send(&delivery.message, &delivery.shape, &mut frames, now);
        }
        total
    }

    /// One PUBLISH, with its id and DUP [MQTT-3.3.1-1]. `false`: there is none.
    ///
    /// Its expiry may have passed: its delivery has begun, and the client may be in the middle of it.
    fn resend(&mut self, now: Duration, total: &mut Delivered) -> bool {
        let Some(unsent) = self.inflight.unsent() else {
            return false;
        };
        let id = unsent.id;
        let mut frames = FrameCache::default();
        let frame = unsent.message.as_ref().and_then(|message| {
            let frame = frames.get(message, self.terms.protocol, &unsent.shape, now);
            frame
                .ok()
                .filter(|frame| frame.len() <= self.terms.max_packet)
        });
        if let Some(frame) = frame {
            self.flow.sent(frame.len());
            self.buffer.write(|out| frame.write_again(id, out));
            self.inflight.resent();
        } else {
            total.too_large += 1;
            if let Some(id) = self.inflight.skip_unsent() {
                self.pubrel(id, ReasonCode::SUCCESS);
            }
        }
        true
    }
}
