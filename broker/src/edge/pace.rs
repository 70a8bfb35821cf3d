//! Heavy work in turns: one step of it, then whatever else is ready, then the next step.
//!
//! A handshake's step takes a third of a millisecond. Tens of them in a row would keep the packets of everybody who is
//! already in waiting for as many milliseconds.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::local_queue::LocalQueue;

/// The heavy work of one worker. Cheap to clone within its thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace(Rc<Turns>);

#[derive(Debug, Default)]
struct Turns {
    /// Somebody has had this turn.
    taken: Cell<bool>,
    /// Whose turn it is, if somebody waited for it.
    next: Cell<Option<u64>>,
    waiting: RefCell<VecDeque<(u64, Waker)>>,
    tickets: Cell<u64>,
    /// Asks for another turn.
    over: LocalQueue<()>,
}

/// A place in the line; gives it up when it is dropped.
struct Ticket<'a> {
    turns: &'a Turns,
    number: u64,
}

impl Pace {
    /// Polls `work` in turns with all other heavy work.
    pub(super) async fn paced<F: Future>(&self, work: F) -> F::Output {
        let ticket = self.0.ticket();
        let mut work = pin!(work);
        poll_fn(|cx| {
            if !ticket.may_go(cx) {
                return Poll::Pending;
            }
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Deals out turns as long as the worker runs.
    pub(super) async fn run(&self) {
        loop {
            self.0.over.take().await;
            // Comes back after the sockets were looked at, behind every task that they woke.
            tokio::task::yield_now().await;
            self.0.taken.set(false);
            self.0.pass_on();
        }
    }
}

impl Turns {
    fn ticket(&self) -> Ticket<'_> {
        let number = self.tickets.get();
        self.tickets.set(number + 1);
        Ticket {
            turns: self,
            number,
        }
    }

    /// The turn goes to whoever has waited longest.
    fn pass_on(&self) {
        let next = self.waiting.borrow_mut().pop_front();
        self.next.set(next.as_ref().map(|(number, _)| *number));
        if let Some((_, waker)) = next {
            waker.wake();
        }
    }
}

impl Ticket<'_> {
    fn may_go(&self, cx: &Context<'_>) -> bool {
        let turns = self.turns;
        let is_mine = match turns.next.get() {
            Some(number) => number == self.number,
            None => turns.waiting.borrow().is_empty(),
        };
        if turns.taken.get() || !is_mine {
            let mut waiting = turns.waiting.borrow_mut();
            if !waiting.iter().any(|(number, _)| *number == self.number) {
                waiting.push_back((self.number, cx.waker().clone()));
            }
            return false;
        }
        turns.taken.set(true);
        turns.next.set(None);
        turns.over.push(());
        true
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.turns
            .waiting
            .borrow_mut()
            .retain(|(number, _)| *number != self.number);
        if self.turns.next.get() == Some(self.number) {
            self.turns.pass_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::{LocalSet, spawn_local, yield_now};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn others_run_between_two_steps() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let pace = Pace::default();
        let local = LocalSet::new();
        let turns = pace.clone();
        local.spawn_local(async move { turns.run().await });
        let all: Vec<_> = (0..3)
            .map(|_| {
                let (pace, log) = (pace.clone(), Rc::clone(&log));
                local.spawn_local(async move {
                    pace.paced(async { log.borrow_mut().push("heavy") }).await;
                })
            })
            .collect();
        let light = Rc::clone(&log);
        local.spawn_local(async move {
            for _ in 0..20 {
                light.borrow_mut().push("light");
                yield_now().await;
            }
        });
        let done = async {
            for heavy in all {
                heavy.await.unwrap();
            }
        };
        timeout(Duration::from_secs(10), local.run_until(done))
            .await
            .unwrap();
        let log = log.borrow();
        assert_eq!(log.iter().filter(|what| **what == "heavy").count(), 3);
        assert!(
            !log.windows(2).any(|pair| pair == ["heavy", "heavy"]),
            "{log:?}"
        );
    }

    #[tokio::test]
    async fn whoever_gives_up_holds_nobody_up() {
        let pace = Pace::default();
        let local = LocalSet::new();
        let turns = pace.clone();
        local.spawn_local(async move { turns.run().await });
        let test = async {
            let all: Vec<_> = (0..10)
                .map(|_| {
                    let pace = pace.clone();
                    spawn_local(async move { pace.paced(yield_now()).await })
                })
                .collect();
            yield_now().await;
            for (number, task) in all.iter().enumerate() {
                if number % 2 == 0 {
                    task.abort();
                }
            }
            for task in all {
                let _ = task.await;
            }
            pace.paced(async {}).await;
        };
        timeout(Duration::from_secs(10), local.run_until(test))
            .await
            .unwrap();
    }
}
