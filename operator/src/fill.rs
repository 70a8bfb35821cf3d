//! When all caches of a scope hold what there is.
//!
//! Not by the stores' own `wait_until_ready`: it wakes only whoever asked last, and the controller asks, too.

use tokio::sync::watch;

/// How many caches are still empty.
#[derive(Clone)]
pub(crate) struct Filling(watch::Sender<usize>);

/// One cache's part; gives it back when it is listed for the first time.
pub(crate) struct Part(Option<watch::Sender<usize>>);

impl Filling {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(crate) fn part(&self) -> Part {
        self.0.send_modify(|left| *left += 1);
        Part(Some(self.0.clone()))
    }

    /// Returns at once when there is no part left.
    pub(crate) async fn done(&self) {
        // fails only without senders, and we hold one
        let _ = self.0.subscribe().wait_for(|left| *left == 0).await;
    }
}

impl Part {
    pub(crate) fn listed(&mut self) {
        if let Some(filling) = self.0.take() {
            filling.send_modify(|left| *left = left.saturating_sub(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn all_who_wait_are_woken_by_the_last_part() {
        let filling = Filling::new();
        let (mut first, mut second) = (filling.part(), filling.part());
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let filling = filling.clone();
                tokio::spawn(async move { filling.done().await })
            })
            .collect();
        first.listed();
        first.listed();
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|task| !task.is_finished()));
        second.listed();
        for task in waiting {
            timeout(Duration::from_secs(5), task)
                .await
                .unwrap()
                .unwrap();
        }
    }
}
