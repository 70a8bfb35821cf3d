//! Faults that tests plant, one at a time and in their own thread, to see that they would be found. Nothing of this is
//! in a build without tests.

/// What could be wrong with QoS 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), allow(dead_code))] // named, never planted
pub(crate) enum Fault {
    /// Ids of messages from the client are lost with its connection.
    ForgottenOnReconnect,
    /// PUBREC does not wait for other workers.
    AnsweredBeforeRouted,
    /// A resumed session sends no PUBREL again.
    ReleaseNotResent,
    /// A PUBLISH that comes again while the first is on its way counts as new.
    RoutedTwice,
    /// An id is free again before its PUBCOMP.
    ReusedBeforeComplete,
    /// An id of a message from the client stays known after its PUBREL.
    KeptAfterRelease,
}

#[cfg(not(test))]
pub(crate) const fn planted(_: Fault) -> bool {
    false
}

/// The largest packet id that we give to messages.
#[cfg(not(test))]
pub(crate) const fn largest_id() -> u16 {
    u16::MAX
}

#[cfg(test)]
pub(crate) use planting::{largest_id, plant, planted, with_largest_id};

#[cfg(test)]
mod planting {
    use std::cell::Cell;

    use super::Fault;

    thread_local! {
        static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
        static LARGEST_ID: Cell<u16> = const { Cell::new(u16::MAX) };
    }

    pub(crate) fn planted(fault: Fault) -> bool {
        FAULT.get() == Some(fault)
    }

    /// In this thread, until another call.
    pub(crate) fn plant(fault: Option<Fault>) {
        FAULT.set(fault);
    }

    pub(crate) fn largest_id() -> u16 {
        LARGEST_ID.get()
    }

    /// In this thread: few ids are used again soon.
    pub(crate) fn with_largest_id(id: u16) {
        LARGEST_ID.set(id);
    }
}
