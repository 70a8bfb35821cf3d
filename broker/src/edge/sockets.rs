//! Files for clients' sockets: never all that the process may have, since links, admin port and reloads need some.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files that are no clients: listeners, links, logs, whatever a library opens.
const FILE_RESERVE: u64 = 512;

/// Counts the sockets of one process's clients. Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct ClientSockets {
    most: u64,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    open: AtomicU64,
    held: AtomicU64,
}

/// A client's socket, counted until it is dropped.
#[derive(Debug)]
pub(super) struct OpenSocket(Arc<Counts>);

/// One that is held before the gate.
#[derive(Debug)]
pub(super) struct HeldSocket(Arc<Counts>);

impl ClientSockets {
    /// `files`: what the process may have open; `None`: as many as it likes.
    pub fn new(files: Option<u64>) -> Self {
        Self {
            most: files.map_or(u64::MAX, |files| files.saturating_sub(FILE_RESERVE)),
            counts: Arc::default(),
        }
    }

    /// `None`: one more would take a file that others need.
    pub(super) fn try_open(&self) -> Option<OpenSocket> {
        let more = |open| (open < self.most).then_some(open + 1);
        take(&self.counts.open, more).then(|| OpenSocket(Arc::clone(&self.counts)))
    }

    /// `None`: half of what clients leave is held already; those who are let in need the rest.
    pub(super) fn try_hold(&self) -> Option<HeldSocket> {
        let open = self.counts.open.load(Ordering::Relaxed);
        let more = |held| {
            // Whoever asks is open already.
            let left = self.most.saturating_sub(open.saturating_sub(held + 1));
            (held < left / 2).then_some(held + 1)
        };
        take(&self.counts.held, more).then(|| HeldSocket(Arc::clone(&self.counts)))
    }
}

fn take(count: &AtomicU64, more: impl FnMut(u64) -> Option<u64>) -> bool {
    let taken = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    taken.is_ok()
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for HeldSocket {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_never_take_the_last_files() {
        let sockets = ClientSockets::new(Some(FILE_RESERVE + 3));
        let mut open: Vec<_> = std::iter::from_fn(|| sockets.try_open()).collect();
        assert_eq!(open.len(), 3);
        open.pop();
        assert!(sockets.try_open().is_some());
        assert!(ClientSockets::new(Some(100)).try_open().is_none());
        assert!(ClientSockets::new(None).try_open().is_some());
    }

    #[test]
    fn held_sockets_take_half_of_what_clients_leave() {
        let sockets = ClientSockets::new(Some(FILE_RESERVE + 100));
        let clients: Vec<_> = (0..60).filter_map(|_| sockets.try_open()).collect();
        let next = || Some((sockets.try_open()?, sockets.try_hold()?));
        let mut held: Vec<_> = std::iter::from_fn(next).collect();
        assert_eq!(held.len(), 20);
        held.pop();
        assert!(sockets.try_hold().is_some());
        drop(clients);
        held.extend(std::iter::from_fn(next));
        assert_eq!(held.len(), 50);
    }
}
