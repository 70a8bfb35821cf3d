//! Asks a broker for its status again and again.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::{Status, status};

/// Between two questions.
pub(crate) const ASK: Duration = Duration::from_millis(250);

/// Ends with the value.
#[derive(Debug)]
pub(crate) struct Asking {
    latest: Rc<RefCell<Option<Status>>>,
    task: JoinHandle<()>,
}

impl Asking {
    /// `admin` is `host:port`. Must run inside a `LocalSet`.
    pub(crate) fn start(admin: &str) -> Self {
        let latest = Rc::new(RefCell::new(None));
        let (answers, admin) = (Rc::clone(&latest), admin.to_owned());
        let task = tokio::task::spawn_local(async move {
            loop {
                // a broker too busy to answer shows as a standing line
                if let Ok(status) = status(&admin).await {
                    answers.replace(Some(status));
                }
                tokio::time::sleep(ASK).await;
            }
        });
        Self { latest, task }
    }

    pub(crate) fn latest(&self) -> Option<Status> {
        self.latest.borrow().clone()
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.task.abort();
    }
}
