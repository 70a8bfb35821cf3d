//! A queue between tasks of one thread: whoever takes gets all there is.

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// The taker runs after every task that was ready before it: what these push is one batch.
#[derive(Debug)]
pub struct LocalQueue<T> {
    items: RefCell<Vec<T>>,
    taker: RefCell<Option<Waker>>,
}

impl<T> Default for LocalQueue<T> {
    fn default() -> Self {
        Self {
            items: RefCell::new(Vec::new()),
            taker: RefCell::new(None),
        }
    }
}

impl<T> LocalQueue<T> {
    pub fn push(&self, item: T) {
        self.items.borrow_mut().push(item);
        if let Some(taker) = self.taker.take() {
            taker.wake();
        }
    }

    pub fn clear(&self) {
        self.items.borrow_mut().clear();
    }

    /// All items, at least one. Only one task may take.
    pub async fn take(&self) -> Vec<T> {
        poll_fn(|context| {
            let items = std::mem::take(&mut *self.items.borrow_mut());
            if items.is_empty() {
                *self.taker.borrow_mut() = Some(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(items)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[tokio::test]
    async fn what_ready_tasks_push_is_one_batch() {
        let local = tokio::task::LocalSet::new();
        let queue = Rc::new(LocalQueue::default());
        let taker = Rc::clone(&queue);
        let batch = local.spawn_local(async move { taker.take().await });
        for item in 0..3 {
            let queue = Rc::clone(&queue);
            local.spawn_local(async move { queue.push(item) });
        }
        assert_eq!(local.run_until(batch).await.unwrap(), [0, 1, 2]);
    }
}
