//! The streams of each link.

use std::collections::HashMap;

use super::LinkId;
use super::sessions::SessionKey;
use crate::link::{StreamId, StreamMap};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// In the attach queue, under this number.
    Waiting(u64),
    Attached(SessionKey),
}

#[derive(Debug, Default)]
pub(super) struct Links {
    links: HashMap<LinkId, Streams>,
}

/// Of one link. Nearly all are attached, for long, and take no more room than that.
#[derive(Debug, Default)]
struct Streams {
    attached: StreamMap<SessionKey>,
    waiting: StreamMap<u64>,
}

impl Links {
    pub(super) fn get(&self, link: LinkId, stream: StreamId) -> Option<Stream> {
        let streams = self.links.get(&link)?;
        let attached = streams.attached.get(&stream).copied();
        attached
            .map(Stream::Attached)
            .or_else(|| streams.waiting.get(&stream).copied().map(Stream::Waiting))
    }

    /// In place of what it was.
    pub(super) fn insert(&mut self, (link, stream): (LinkId, StreamId), state: Stream) {
        self.remove(link, stream);
        let streams = self.links.entry(link).or_default();
        match state {
            Stream::Attached(key) => drop(streams.attached.insert(stream, key)),
            Stream::Waiting(number) => drop(streams.waiting.insert(stream, number)),
        }
    }

    pub(super) fn remove(&mut self, link: LinkId, stream: StreamId) -> Option<Stream> {
        let streams = self.links.get_mut(&link)?;
        let attached = streams.attached.remove(&stream);
        attached
            .map(Stream::Attached)
            .or_else(|| streams.waiting.remove(&stream).map(Stream::Waiting))
    }

    /// Some sessions with a connection, at most `count`.
    pub(super) fn some_attached(&self, count: usize) -> Vec<SessionKey> {
        let attached = self.links.values().flat_map(|link| link.attached.values());
        attached.copied().take(count).collect()
    }

    /// Forgets the link.
    pub(super) fn take(&mut self, link: LinkId) -> impl Iterator<Item = Stream> + use<> {
        let Streams { attached, waiting } = self.links.remove(&link).unwrap_or_default();
        let attached = attached.into_values().map(Stream::Attached);
        attached.chain(waiting.into_values().map(Stream::Waiting))
    }
}
