//! Waiting for a condition, never for a time.

use std::thread;
use std::time::{Duration, Instant};

/// How long a thing may take that usually takes a moment: two cores may carry a build beside the test.
pub const PATIENT: Duration = Duration::from_secs(30);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until `look` finds something; panics with `what` when it has not within `within`.
pub fn until<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        thread::sleep(LOOK_EVERY);
    }
}

/// Looks for the whole of `window` and panics when `holds` is ever false: for things that must not happen.
pub fn throughout(what: &str, window: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + window;
    while Instant::now() < end {
        assert!(holds(), "did not hold throughout {window:?}: {what}");
        thread::sleep(LOOK_EVERY);
    }
}
