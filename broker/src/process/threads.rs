//! Worker threads: each a runtime of its own, which owns what it owns without locks.

use std::future::Future;
use std::io;
use std::thread::{Builder, JoinHandle};

use prometheus_client::metrics::counter::Counter;
use tokio::runtime;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use super::looks;

#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    #[error("failed to start thread {name}")]
    Start { name: String, source: io::Error },
    #[error("failed to go on: thread {name} has ended")]
    Ended { name: String },
}

/// The threads of a process, and the news that one has ended before its time.
#[derive(Debug)]
pub struct Threads {
    running: Vec<JoinHandle<()>>,
    pauses: Counter,
    ended: (
        mpsc::UnboundedSender<String>,
        mpsc::UnboundedReceiver<String>,
    ),
}

impl Threads {
    /// `pauses` counts what is said in `gather`.
    pub fn new(pauses: Counter) -> Self {
        // One message per thread at most.
        Self {
            running: Vec::new(),
            pauses,
            ended: mpsc::unbounded_channel(),
        }
    }

    /// Runs the future that `work` makes, on a thread with a runtime and a `LocalSet`, until it ends.
    pub fn spawn<F: Future<Output = ()>>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> Result<(), ThreadError> {
        let start = |source| ThreadError::Start {
            name: name.to_owned(),
            source,
        };
        let pauses = self.pauses.clone();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || {
                if looks::begin() {
                    pauses.inc();
                }
            })
            .on_thread_unpark(looks::end)
            .build()
            .map_err(start)?;
        let notice = EndNotice {
            name: name.to_owned(),
            ended: self.ended.0.clone(),
        };
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            let _notice = notice;
            let local = LocalSet::new();
            local.block_on(&runtime, async move { work().await });
        });
        self.running.push(thread.map_err(start)?);
        Ok(())
    }

    /// Waits until a thread ends, by itself or by a panic. Workers never do in a healthy process.
    pub async fn one_ended(&mut self) -> ThreadError {
        let name = self.ended.1.recv().await.unwrap_or_default();
        ThreadError::Ended { name }
    }
}

/// Tells of the thread's end even when it unwinds.
struct EndNotice {
    name: String,
    ended: mpsc::UnboundedSender<String>,
}

impl Drop for EndNotice {
    fn drop(&mut self) {
        // Nobody listens when the process itself is ending.
        let _ = self.ended.send(std::mem::take(&mut self.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_thread_is_told() {
        let mut threads = Threads::new(Counter::default());
        threads.spawn("short-lived", || async {}).unwrap();
        assert_eq!(
            threads.one_ended().await.to_string(),
            "failed to go on: thread short-lived has ended"
        );
    }

    #[tokio::test]
    async fn a_panic_is_told_too() {
        let mut threads = Threads::new(Counter::default());
        threads
            .spawn("broken", || async { panic!("as meant") })
            .unwrap();
        assert_eq!(
            threads.one_ended().await.to_string(),
            "failed to go on: thread broken has ended"
        );
    }
}
