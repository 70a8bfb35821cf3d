//! What the control thread runs and relies on, without which the process only seems to serve.

use std::collections::HashMap;
use std::error::Error;
use std::future::{Future, pending};

use tokio::task::{Id, JoinError, JoinSet};

use super::Life;

/// What a task ends with when it knows why.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a process cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error("failed to go on: task {name} has ended")]
    Ended { name: &'static str },
    #[error("failed to go on: task {name} has failed")]
    Failed { name: &'static str, source: Cause },
    #[error("failed to go on: task {name} has panicked")]
    Panicked {
        name: &'static str,
        source: JoinError,
    },
    #[error("failed to go on: thread {name} has ended")]
    Thread { name: String },
}

/// The tasks, and the news that one has ended before its time.
#[derive(Debug, Default)]
pub struct Tasks {
    running: JoinSet<TaskError>,
    /// A panic does not tell whose it is.
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// Runs what never ends in a healthy process. Must be called in a runtime.
    pub fn spawn(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.add(name, async move {
            work.await;
            TaskError::Ended { name }
        });
    }

    /// The same for what can tell why it ended.
    pub fn try_spawn<E: Into<Cause>>(
        &mut self,
        name: &'static str,
        work: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.add(name, async move {
            match work.await {
                Ok(()) => TaskError::Ended { name },
                Err(error) => TaskError::Failed {
                    name,
                    source: error.into(),
                },
            }
        });
    }

    /// Threads that must not end either.
    pub fn watch(&mut self, threads: impl IntoIterator<Item = Life>) {
        for life in threads {
            let name = life.name().to_owned();
            self.add("thread-watch", async move {
                life.ended().await;
                TaskError::Thread { name }
            });
        }
    }

    /// Waits until something ends, by itself, by a failure or by a panic. Loses nothing when dropped.
    pub async fn one_ended(&mut self) -> TaskError {
        let Some(ended) = self.running.join_next_with_id().await else {
            return pending().await;
        };
        ended.map_or_else(
            |source| TaskError::Panicked {
                name: self.names.get(&source.id()).copied().unwrap_or_default(),
                source,
            },
            |(_, error)| error,
        )
    }

    fn add(&mut self, name: &'static str, work: impl Future<Output = TaskError> + Send + 'static) {
        let id = self.running.spawn(work).id();
        self.names.insert(id, name);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::process::Causes;

    #[tokio::test]
    async fn whatever_ends_is_told_by_name() {
        let mut tasks = Tasks::default();
        tasks.spawn("healthy", pending());
        tasks.spawn("control", async {});
        let error = tasks.one_ended().await;
        assert_eq!(error.to_string(), "failed to go on: task control has ended");
    }

    #[tokio::test]
    async fn a_panic_is_told_with_its_words() {
        let mut tasks = Tasks::default();
        tasks.spawn("healthy", pending());
        tasks.spawn("control", async { panic!("as meant") });
        let text = Causes(&tasks.one_ended().await).to_string();
        assert!(
            text.starts_with("failed to go on: task control has panicked: ")
                && text.contains("as meant"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_failure_is_told_with_its_cause() {
        let mut tasks = Tasks::default();
        tasks.try_spawn("admin", async { Err("no more sockets") });
        assert_eq!(
            Causes(&tasks.one_ended().await).to_string(),
            "failed to go on: task admin has failed: no more sockets"
        );
    }

    #[tokio::test]
    async fn a_thread_that_ends_is_told() {
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let life = Life::start("file-watch", move || {
            let _ = ended.recv();
        })
        .unwrap();
        let mut tasks = Tasks::default();
        tasks.watch([life]);
        tokio::task::yield_now().await;
        assert!(tasks.one_ended().now_or_never().is_none());
        drop(end);
        assert_eq!(
            tasks.one_ended().await.to_string(),
            "failed to go on: thread file-watch has ended"
        );
    }

    #[tokio::test]
    async fn without_an_end_there_is_no_news() {
        let mut tasks = Tasks::default();
        assert!(tasks.one_ended().now_or_never().is_none());
        tasks.spawn("healthy", pending());
        tokio::task::yield_now().await;
        assert!(tasks.one_ended().now_or_never().is_none());
    }
}
