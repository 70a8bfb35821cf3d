//! The one lock that an edge's workers share.

use std::sync::{MutexGuard, PoisonError};

/// Once per login and per fast end, for the time of a look-up; never per packet. A thread that owned the tables would
/// make every login two messages longer.
#[allow(clippy::disallowed_types)]
#[derive(Debug)]
pub(super) struct Locked<T>(std::sync::Mutex<T>);

impl<T> Locked<T> {
    #[allow(clippy::disallowed_types)] // as above
    pub(super) fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    /// A panic elsewhere leaves counts that are a little wrong, which is no reason to let nobody in.
    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
