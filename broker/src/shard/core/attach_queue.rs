//! Clients that wait until fewer are settling, first in, first out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use super::LinkId;
use crate::link::{Attach, StreamId};

/// Edges keep far fewer waiting by their entering limits; one that does not may take no more memory than this
/// (about 1 KB each).
const MOST_WAITING: usize = 65_536;

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) stream: (LinkId, StreamId),
    pub(super) attach: Box<Attach>,
    /// What the client sent without waiting for its CONNACK; the stream's window bounds it.
    pub(super) data: Vec<Bytes>,
}

#[derive(Debug, Default)]
pub(super) struct AttachQueue {
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    by_client: HashMap<Arc<str>, u64>,
}

impl AttachQueue {
    /// The place in the queue, or the client again if the queue is full.
    pub(super) fn push(&mut self, waiting: Waiting) -> Result<u64, Waiting> {
        if self.waiting.len() >= MOST_WAITING {
            return Err(waiting);
        }
        let number = self.next;
        self.next += 1;
        self.by_client
            .insert(Arc::clone(&waiting.attach.client_id), number);
        self.waiting.insert(number, waiting);
        Ok(number)
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let number = *self.waiting.first_key_value()?.0;
        self.remove(number)
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&number)?;
        if self.by_client.get(&waiting.attach.client_id) == Some(&number) {
            self.by_client.remove(&waiting.attach.client_id);
        }
        Some(waiting)
    }

    pub(super) fn holds(&self, client_id: &str) -> bool {
        self.by_client.contains_key(client_id)
    }

    /// The client's earlier try, if it waits.
    pub(super) fn take_client(&mut self, client_id: &str) -> Option<Waiting> {
        let number = *self.by_client.get(client_id)?;
        self.remove(number)
    }

    /// Who waits under this id, if anybody does.
    pub(super) fn by_client(&self, client_id: &str) -> Option<&Waiting> {
        self.waiting.get(self.by_client.get(client_id)?)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Waiting> {
        self.waiting.get_mut(&number)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}
