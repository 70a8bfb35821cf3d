//! The streams of each link.

use std::collections::HashMap;

use super::LinkId;
use super::sessions::SessionKey;
use crate::link::StreamId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// In the attach queue, under this number.
    Waiting(u64),
    Attached(SessionKey),
}

#[derive(Debug, Default)]
pub(super) struct Links {
    links: HashMap<LinkId, HashMap<StreamId, Stream>>,
}

impl Links {
    pub(super) fn get(&self, link: LinkId, stream: StreamId) -> Option<Stream> {
        self.links.get(&link)?.get(&stream).copied()
    }

    pub(super) fn insert(&mut self, (link, stream): (LinkId, StreamId), state: Stream) {
        self.links.entry(link).or_default().insert(stream, state);
    }

    pub(super) fn remove(&mut self, link: LinkId, stream: StreamId) -> Option<Stream> {
        self.links.get_mut(&link)?.remove(&stream)
    }

    /// Some sessions with a connection, at most `count`.
    pub(super) fn some_attached(&self, count: usize) -> Vec<SessionKey> {
        let streams = self.links.values().flat_map(HashMap::values);
        let attached = streams.filter_map(|stream| match stream {
            Stream::Attached(key) => Some(*key),
            Stream::Waiting(_) => None,
        });
        attached.take(count).collect()
    }

    /// Forgets the link.
    pub(super) fn take(&mut self, link: LinkId) -> impl Iterator<Item = Stream> + use<> {
        self.links.remove(&link).unwrap_or_default().into_values()
    }
}
