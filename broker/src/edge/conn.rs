//! A client that has a stream to a shard, as its worker knows it.

use std::cell::{Cell, RefCell};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;

use super::aliases;
use super::outbox::Outbox;
use super::replies::Hearer;
use crate::link::frame::INITIAL_WINDOW;
use crate::link::{CloseReason, Protocol, StreamId};

/// Smaller packets are copied rather than shared when they wait.
const SMALL: usize = 4096;

/// Shared, within the thread, by the client's task and whoever brings frames from the shard.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) stream: StreamId,
    /// Index of the link to its shard.
    pub(super) shard: usize,
    pub(super) protocol: Protocol,
    /// It wants Reason Strings, and takes ours.
    takes_reasons: bool,
    /// How long it may be silent; `None`: for ever.
    pub(super) patience: Option<Duration>,
    pub(super) outbox: RefCell<Outbox>,
    /// Where the client takes topic aliases.
    aliases: RefCell<Option<Box<aliases::Outbound>>>,
    task: RefCell<Option<Waker>>,
    attached: Cell<bool>,
    ending: Cell<Option<Ending>>,
    /// The shard does not know the stream any more.
    freed: Cell<bool>,
    /// Bytes that may be sent to the shard; a large packet may take it below 0.
    credit: Cell<i64>,
    last_heard: Cell<Duration>,
    keep_alive_due: Cell<bool>,
    /// The client has sent DISCONNECT.
    goodbye: Cell<bool>,
}

/// Why a client's connection ends though the client did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// CONNACK says so and lies in the outbox.
    Refused,
    Closed(CloseReason),
    LinkLost,
    /// This edge goes away.
    Drained,
}

impl Conn {
    pub(super) fn new(
        stream: StreamId,
        shard: usize,
        hearer: Hearer,
        patience: Option<Duration>,
        now: Duration,
    ) -> Self {
        Self {
            stream,
            shard,
            protocol: hearer.protocol,
            takes_reasons: hearer.takes_reasons,
            patience,
            outbox: RefCell::default(),
            aliases: RefCell::default(),
            task: RefCell::default(),
            attached: Cell::new(false),
            ending: Cell::new(None),
            freed: Cell::new(false),
            credit: Cell::new(INITIAL_WINDOW.into()),
            last_heard: Cell::new(now),
            keep_alive_due: Cell::new(false),
            goodbye: Cell::new(false),
        }
    }

    /// For last words.
    pub(super) fn hearer(&self) -> Hearer {
        Hearer::attached(self.protocol, self.takes_reasons)
    }

    /// The task wants to run when anything changes.
    pub(super) fn wait_with(&self, waker: &Waker) {
        let mut task = self.task.borrow_mut();
        if !task.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *task = Some(waker.clone());
        }
    }

    fn wake(&self) {
        if let Some(task) = &*self.task.borrow() {
            task.wake_by_ref();
        }
    }

    pub(super) fn use_aliases(&self, aliases: Option<aliases::Outbound>) {
        self.aliases.replace(aliases.map(Box::new));
    }

    /// The client has waited for us: its keep-alive begins now.
    pub(super) fn attach(&self, connack: Bytes, now: Duration) {
        self.heard(now);
        self.outbox.borrow_mut().push(connack, 0);
        self.attached.set(true);
        self.wake();
    }

    pub(super) fn refuse(&self, connack: Bytes) {
        self.outbox.borrow_mut().push(connack, 0);
        self.end(Ending::Refused);
    }

    pub(super) fn deliver(&self, packets: Bytes) {
        let owed = packets.len();
        let packets = match &mut *self.aliases.borrow_mut() {
            None => packets,
            Some(aliases) => aliases.shorten(packets),
        };
        let mut outbox = self.outbox.borrow_mut();
        // What waits here may wait long, and must not keep the link's whole read buffer with it.
        let waits = !outbox.is_empty() && packets.len() < SMALL;
        outbox.push(
            if waits {
                Bytes::copy_from_slice(&packets)
            } else {
                packets
            },
            owed,
        );
        drop(outbox);
        self.wake();
    }

    /// The first reason stays.
    pub(super) fn end(&self, ending: Ending) {
        if matches!(
            ending,
            Ending::Refused | Ending::Closed(_) | Ending::LinkLost
        ) {
            self.freed.set(true);
        }
        if self.ending.get().is_none() {
            self.ending.set(Some(ending));
        }
        self.wake();
    }

    pub(super) fn says_goodbye(&self) {
        self.goodbye.set(true);
    }

    pub(super) fn said_goodbye(&self) -> bool {
        self.goodbye.get()
    }

    pub(super) fn is_attached(&self) -> bool {
        self.attached.get()
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending.get()
    }

    /// Nothing may be sent on the stream any more.
    pub(super) fn is_freed(&self) -> bool {
        self.freed.get()
    }

    /// The shard takes this many more bytes.
    pub(super) fn credit(&self, bytes: u32) {
        let before = self.credit.get();
        self.credit.set(before.saturating_add(bytes.into()));
        if before <= 0 {
            self.wake();
        }
    }

    pub(super) fn spend(&self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.credit.set(self.credit.get().saturating_sub(bytes));
    }

    pub(super) fn has_credit(&self) -> bool {
        self.credit.get() > 0
    }

    /// Bytes that the shard takes now; perhaps less than none.
    pub(super) fn credit_left(&self) -> i64 {
        self.credit.get()
    }

    /// Asks the task to look at its own times.
    pub(super) fn remind(&self) {
        self.wake();
    }

    pub(super) fn heard(&self, now: Duration) {
        self.last_heard.set(now);
    }

    /// When it has been silent too long; `None`: never.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.patience
            .map(|patience| self.last_heard.get().saturating_add(patience))
    }

    /// Asks the task to see whether the client has really said nothing.
    pub(super) fn look_for_life(&self) {
        self.keep_alive_due.set(true);
        self.wake();
    }

    pub(super) fn take_keep_alive_due(&self) -> bool {
        self.keep_alive_due.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_for_the_shard_is_no_silence() {
        const SECOND: Duration = Duration::from_secs(1);
        let (stream, hearer) = (StreamId(0), Hearer::unknown(Protocol::V5));
        let conn = Conn::new(stream, 0, hearer, Some(3 * SECOND), SECOND);
        assert_eq!(conn.deadline(), Some(4 * SECOND));
        conn.attach(Bytes::new(), 5 * SECOND);
        assert_eq!(conn.deadline(), Some(8 * SECOND));
    }
}
