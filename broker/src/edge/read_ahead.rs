//! Bytes that were read of clients and have to wait: those of a worker together.

use std::cell::Cell;
use std::rc::Rc;

use prometheus_client::metrics::gauge::Gauge;

/// Of one worker. Two thousand slowed clients with as much as each may have; beyond that they are not read ahead, so that
/// more of them cost no more.
const MOST: usize = 32 << 20;

#[derive(Clone, Debug)]
pub(super) struct ReadAhead {
    bytes: Rc<Cell<usize>>,
    gauge: Gauge,
}

impl ReadAhead {
    pub(super) fn new(gauge: Gauge) -> Self {
        Self {
            bytes: Rc::default(),
            gauge,
        }
    }

    fn is_full(&self) -> bool {
        self.bytes.get() >= MOST
    }
}

/// One client's part of them, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    all: ReadAhead,
    bytes: usize,
}

impl Share {
    pub(super) fn of(all: &ReadAhead) -> Self {
        Self {
            all: all.clone(),
            bytes: 0,
        }
    }

    pub(super) fn set(&mut self, bytes: usize) {
        let others = self.all.bytes.get() - self.bytes;
        self.all.bytes.set(others + bytes);
        self.all.gauge.inc_by(signed(bytes) - signed(self.bytes));
        self.bytes = bytes;
    }

    /// All clients of the worker together have as many as they may.
    pub(super) fn is_over(&self) -> bool {
        self.bytes > 0 && self.all.is_full()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_share_what_may_be_read_ahead() {
        let gauge = Gauge::default();
        let all = ReadAhead::new(gauge.clone());
        let (mut one, mut two) = (Share::of(&all), Share::of(&all));
        one.set(MOST - 1);
        assert!(!one.is_over());
        two.set(1);
        assert!(one.is_over() && two.is_over());
        assert_eq!(gauge.get(), signed(MOST));
        // who has none is read all the same: nobody is starved by others
        two.set(0);
        one.set(MOST);
        assert!(one.is_over() && !two.is_over());
        drop(one);
        assert_eq!((gauge.get(), all.bytes.get()), (0, 0));
    }
}
