//! What workers of one shard tell each other.

use std::sync::Arc;
use std::time::Duration;

use super::group_members::Asked;
use super::group_routes::GroupCount;
use super::publish::{Ack, Outcome};
use super::shared::ForGroup;
use super::{Outbox, WorkerCore, WorkerIndex};
use crate::codec::QoS;
use crate::routing::retained::Cursor;
use crate::routing::{Message, TopicFilter};

/// Opaque to the shell.
#[derive(Debug)]
pub struct PeerMessage(Body);

/// A filter that a worker has subscribers for.
#[derive(Debug)]
pub(super) enum RouteRequest {
    Filter {
        filter: TopicFilter,
        /// And it wants what is retained.
        retained: bool,
    },
    Group(GroupCount),
}

#[derive(Debug)]
pub(super) enum Body {
    /// To the topic's owner. `token`: the publisher waits for its PUBACK.
    Publish {
        message: Arc<Message>,
        token: Option<u64>,
    },
    /// From the topic's owner. `ack`: who to tell that it is queued.
    Deliver {
        message: Arc<Message>,
        ack: Option<Ack>,
    },
    /// From the topic's owner.
    ForGroup { copy: ForGroup, asked: Asked },
    /// To the topic's owner: another member must have it.
    Declined { copy: ForGroup },
    /// From the owner to the publisher's worker: so many others get it.
    Routed {
        token: u64,
        targets: usize,
        outcome: Outcome,
    },
    /// To the publisher's worker.
    Queued { token: u64, matched: bool },
    /// To an owner.
    Subscribe {
        token: u64,
        requests: Vec<RouteRequest>,
    },
    /// From an owner: it knows the routes. `kept`: filters for which something may be kept, up to `cursor`.
    Subscribed {
        token: u64,
        kept: Vec<TopicFilter>,
        cursor: Cursor,
    },
    /// To an owner: the first page of what is kept is wanted. `number` is the subscriber's worker's.
    Replay {
        number: u64,
        filter: TopicFilter,
        cursor: Cursor,
    },
    /// From an owner.
    Retained {
        number: u64,
        messages: Vec<Arc<Message>>,
        done: bool,
    },
    /// To an owner: the next page is wanted.
    More { number: u64 },
    /// To an owner: no other page is wanted.
    Enough { number: u64 },
    /// To an owner.
    Members(GroupCount),
    /// To an owner: no subscriber is left.
    Unsubscribe { filters: Vec<TopicFilter> },
}

/// About what one takes beside what it carries.
const OVERHEAD: usize = size_of::<PeerMessage>();

impl PeerMessage {
    /// About the memory that it holds, in bytes.
    pub fn size(&self) -> usize {
        let carried = match &self.0 {
            Body::Publish { message, .. } | Body::Deliver { message, .. } => message.size(),
            Body::ForGroup { copy, .. } | Body::Declined { copy } => copy.message.size(),
            Body::Retained { messages, .. } => messages.iter().map(|message| message.size()).sum(),
            _ => 0,
        };
        OVERHEAD + carried
    }

    /// Nobody was promised anything.
    pub fn may_be_dropped(&self) -> bool {
        match &self.0 {
            Body::Publish { message, .. } | Body::Deliver { message, .. } => {
                message.qos == QoS::AtMostOnce
            }
            Body::ForGroup { copy, .. } | Body::Declined { copy } => {
                copy.message.qos == QoS::AtMostOnce
            }
            _ => false,
        }
    }

    #[cfg(test)]
    pub(in crate::shard) fn deliver(message: Arc<Message>) -> Self {
        Body::Deliver { message, ack: None }.into()
    }
}

impl From<Body> for PeerMessage {
    fn from(body: Body) -> Self {
        Self(body)
    }
}

impl WorkerCore {
    pub(super) fn peer(
        &mut self,
        now: Duration,
        from: WorkerIndex,
        message: PeerMessage,
        out: &mut Outbox,
    ) {
        match message.0 {
            Body::Publish { message, token } => self.publish_for(now, from, &message, token, out),
            Body::Deliver { message, ack } => {
                let matched = self.deliver(now, &message);
                self.answer(ack, matched, out);
            }
            Body::ForGroup { copy, asked } => self.for_group(now, from, copy, asked, out),
            Body::Declined { copy } => self.declined(now, copy, out),
            Body::Members(count) => self.group_routes.set(from, &count),
            Body::Routed {
                token,
                targets,
                outcome,
            } => self.routed(token, targets, outcome),
            Body::Queued { token, matched } => self.queued(token, matched),
            Body::Subscribe { token, requests } => {
                self.subscribe_for(from, token, requests, out);
            }
            Body::Subscribed {
                token,
                kept,
                cursor,
            } => self.subscribed(now, from, token, kept, &cursor, out),
            Body::Retained {
                number,
                messages,
                done,
            } => self.replayed(now, number, &messages, done, out),
            body @ (Body::Replay { .. } | Body::More { .. } | Body::Enough { .. }) => {
                self.serve(from, body);
                self.serve_replays(now, out);
            }
            Body::Unsubscribe { filters } => self.unsubscribe_for(from, &filters),
        }
    }
}
