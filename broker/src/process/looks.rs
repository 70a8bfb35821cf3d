//! A worker thread's looks at its sockets: what they bring, and the pauses before them.

use std::cell::{Cell, RefCell};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::gather::{Gather, PAUSE};

thread_local! {
    static LOOKS: Looks = const { Looks::new() };
}

#[derive(Debug)]
struct Looks {
    brought: Cell<u32>,
    began: Cell<Option<Instant>>,
    /// How long the last look waited until there was anything.
    waited: Cell<Duration>,
    gather: RefCell<Gather>,
}

impl Looks {
    const fn new() -> Self {
        Self {
            brought: Cell::new(0),
            began: Cell::new(None),
            waited: Cell::new(Duration::ZERO),
            gather: RefCell::new(Gather::new()),
        }
    }
}

/// A socket of this thread had something to read.
pub fn brought() {
    LOOKS.with(|looks| looks.brought.set(looks.brought.get().saturating_add(1)));
}

/// The thread has nothing to do and is about to look. Returns whether it paused first.
pub(super) fn begin() -> bool {
    LOOKS.with(|looks| {
        let pauses = looks
            .gather
            .borrow_mut()
            .pauses(looks.brought.take(), looks.waited.get());
        if pauses {
            // Blocks the thread and is meant to: nobody on it has anything to do.
            sleep(PAUSE);
        }
        looks.began.set(Some(Instant::now()));
        pauses
    })
}

/// The look is over.
pub(super) fn end() {
    LOOKS.with(|looks| {
        let waited = looks.began.take().map(|began| began.elapsed());
        looks.waited.set(waited.unwrap_or_default());
    });
}
