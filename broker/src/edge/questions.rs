//! What a person asks all workers of an edge: who waits with this address?

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc};

use super::worker::Worker;

/// Questions that may wait for a worker; whoever asks more loses the oldest.
pub(super) const MOST_QUESTIONS: usize = 16;

/// Answered once by each worker.
#[derive(Clone, Debug)]
pub struct Question {
    pub address: IpAddr,
    pub answer: mpsc::UnboundedSender<Standing>,
}

/// Who is held with an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub waiting: u32,
    /// How long the one has been held that has been so for longest.
    pub oldest: Option<Duration>,
}

/// Runs as long as the worker.
pub(super) async fn run(worker: Rc<Worker>, mut questions: broadcast::Receiver<Question>) {
    loop {
        match questions.recv().await {
            Ok(question) => {
                let standing = worker.gate.standing(question.address);
                // whoever asked may have gone
                let _ = question.answer.send(standing);
            }
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}
