//! What workers of one shard tell each other.

use std::sync::Arc;
use std::time::Duration;

use super::publish::Outcome;
use super::{Outbox, WorkerCore, WorkerIndex};
use crate::routing::{Message, TopicFilter};

/// Opaque to the shell.
#[derive(Debug)]
pub struct PeerMessage(Body);

/// A filter that a worker has subscribers for.
#[derive(Debug)]
pub(super) struct RouteRequest {
    pub(super) filter: TopicFilter,
    /// And it wants what is retained.
    pub(super) retained: bool,
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
        ack: Option<(WorkerIndex, u64)>,
    },
    /// From the owner to the publisher's worker: so many others get it.
    Routed {
        token: u64,
        targets: usize,
        outcome: Outcome,
    },
    /// To the publisher's worker.
    Queued {
        token: u64,
        matched: bool,
    },
    /// To an owner.
    Subscribe {
        token: u64,
        requests: Vec<RouteRequest>,
    },
    /// From an owner, before `Subscribed`.
    Retained {
        token: u64,
        filter: TopicFilter,
        messages: Vec<Arc<Message>>,
    },
    Subscribed {
        token: u64,
    },
    /// To an owner: no subscriber is left.
    Unsubscribe {
        filters: Vec<TopicFilter>,
    },
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
                match ack {
                    Some((worker, token)) if worker == self.index => self.queued(token, matched),
                    Some((worker, token)) => out
                        .to_peers
                        .push((worker, Body::Queued { token, matched }.into())),
                    None => {}
                }
            }
            Body::Routed {
                token,
                targets,
                outcome,
            } => self.routed(token, targets, outcome),
            Body::Queued { token, matched } => self.queued(token, matched),
            Body::Subscribe { token, requests } => {
                self.subscribe_for(now, from, token, requests, out);
            }
            Body::Retained {
                token,
                filter,
                messages,
            } => self.retained_page(now, token, &filter, &messages),
            Body::Subscribed { token } => self.subscribed(now, token),
            Body::Unsubscribe { filters } => self.unsubscribe_for(from, &filters),
        }
    }
}
