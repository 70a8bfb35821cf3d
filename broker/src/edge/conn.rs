//! A client that has a stream to a shard, as its worker knows it.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
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

/// Shared, within the thread, by the client's task and whoever brings frames from the shard. There is one for each
/// client, most of the time for nothing: see its size in the tests.
pub(super) struct Conn {
    pub(super) stream: StreamId,
    /// Index of the link to its shard.
    shard: u32,
    pub(super) protocol: Protocol,
    /// It wants Reason Strings, and takes ours.
    takes_reasons: bool,
    /// Milliseconds that it may be silent; 0: for ever.
    patience: u32,
    pub(super) outbox: RefCell<Outbox>,
    /// Where the client takes topic aliases.
    aliases: Cell<Option<Box<aliases::Outbound>>>,
    task: Cell<Option<Waker>>,
    attached: Cell<bool>,
    ending: Cell<Option<Ending>>,
    /// The address that it was counted with.
    counted: Cell<Option<IpAddr>>,
    /// The shard does not know the stream any more.
    freed: Cell<bool>,
    /// Bytes that may be sent to the shard; a large packet may take it below 0.
    credit: Cell<i32>,
    /// In nanoseconds.
    last_heard: Cell<u64>,
    keep_alive_due: Cell<bool>,
    /// The client has sent DISCONNECT.
    goodbye: Cell<bool>,
}

impl std::fmt::Debug for Conn {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Conn")
            .field("stream", &self.stream)
            .field("shard", &self.shard)
            .finish_non_exhaustive()
    }
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
        let patience = patience.map_or(0, |patience| patience.as_millis());
        Self {
            stream,
            // as many shards as there are addresses in a file
            shard: u32::try_from(shard).unwrap_or(u32::MAX),
            protocol: hearer.protocol,
            takes_reasons: hearer.takes_reasons,
            patience: u32::try_from(patience).unwrap_or(u32::MAX),
            outbox: RefCell::default(),
            aliases: Cell::default(),
            task: Cell::default(),
            attached: Cell::new(false),
            ending: Cell::new(None),
            counted: Cell::new(None),
            freed: Cell::new(false),
            credit: Cell::new(clamped(INITIAL_WINDOW)),
            last_heard: Cell::new(nanoseconds(now)),
            keep_alive_due: Cell::new(false),
            goodbye: Cell::new(false),
        }
    }

    pub(super) fn count(&self, address: IpAddr) {
        self.counted.set(Some(address));
    }

    /// Once, the address that it was counted with.
    pub(super) fn uncount(&self) -> Option<IpAddr> {
        self.counted.take()
    }

    /// For last words.
    pub(super) fn hearer(&self) -> Hearer {
        Hearer::attached(self.protocol, self.takes_reasons)
    }

    pub(super) fn shard(&self) -> usize {
        self.shard as usize
    }

    /// How long it may be silent; `None`: for ever.
    pub(super) fn patience(&self) -> Option<Duration> {
        (self.patience > 0).then(|| Duration::from_millis(self.patience.into()))
    }

    /// The task wants to run when anything changes.
    pub(super) fn wait_with(&self, waker: &Waker) {
        let known = self.task.take().filter(|known| known.will_wake(waker));
        self.task.set(known.or_else(|| Some(waker.clone())));
    }

    fn wake(&self) {
        let task = self.task.take();
        if let Some(task) = &task {
            task.wake_by_ref();
        }
        self.task.set(task);
    }

    pub(super) fn use_aliases(&self, aliases: Option<aliases::Outbound>) {
        self.aliases.set(aliases.map(Box::new));
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
        let mut aliases = self.aliases.take();
        let packets = match &mut aliases {
            None => packets,
            Some(aliases) => aliases.shorten(packets),
        };
        self.aliases.set(aliases);
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
        self.credit.set(before.saturating_add(clamped(bytes)));
        if before <= 0 {
            self.wake();
        }
    }

    pub(super) fn spend(&self, bytes: usize) {
        self.credit
            .set(self.credit.get().saturating_sub(clamped(bytes)));
    }

    pub(super) fn has_credit(&self) -> bool {
        self.credit.get() > 0
    }

    /// Bytes that the shard takes now; perhaps less than none.
    pub(super) fn credit_left(&self) -> i64 {
        self.credit.get().into()
    }

    /// Asks the task to look at its own times.
    pub(super) fn remind(&self) {
        self.wake();
    }

    pub(super) fn heard(&self, now: Duration) {
        self.last_heard.set(nanoseconds(now));
    }

    /// When it has been silent too long; `None`: never.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let heard = Duration::from_nanos(self.last_heard.get());
        self.patience()
            .map(|patience| heard.saturating_add(patience))
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

/// A window and the largest packet are far from the most.
fn clamped(bytes: impl TryInto<i32>) -> i32 {
    bytes.try_into().unwrap_or(i32::MAX)
}

/// For five hundred years.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the two counts of its `Rc` no more than 104 bytes: the allocator aligns the two blocks of 128 bytes and their
    /// multiples that tokio has for each client, and leaves a gap of that size behind each.
    #[test]
    fn it_fits_into_a_gap() {
        let size = size_of::<Conn>() + 2 * size_of::<usize>();
        assert!(size <= 104, "{size}");
    }

    #[test]
    fn a_wait_for_the_shard_is_no_silence() {
        const SECOND: Duration = Duration::from_secs(1);
        let (stream, hearer) = (StreamId(0), Hearer::unknown(Protocol::V5));
        let conn = Conn::new(stream, 0, hearer, Some(3 * SECOND), SECOND);
        assert_eq!(conn.deadline(), Some(4 * SECOND));
        conn.attach(Bytes::new(), 5 * SECOND);
        assert_eq!(conn.deadline(), Some(8 * SECOND));
        let forever = Conn::new(stream, 0, hearer, None, SECOND);
        assert_eq!((forever.patience(), forever.deadline()), (None, None));
    }

    #[test]
    fn a_large_packet_overdraws_and_is_paid_for() {
        let hearer = Hearer::unknown(Protocol::V5);
        let conn = Conn::new(StreamId(0), 0, hearer, None, Duration::ZERO);
        conn.spend(256 << 20);
        assert!(!conn.has_credit());
        conn.credit(256 << 20);
        assert_eq!(conn.credit_left(), i64::from(INITIAL_WINDOW));
    }
}
