//! From HTTP to WebSocket: one request, judged, answered, and frames from there on.

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};

use super::read_some::read_some;
use super::stream::Stream;
use super::worker::Worker;
use crate::config::WebSocket;
use crate::metrics::UpgradeOutcome;
use crate::websocket::{Refusal, upgrade};

/// Why there is no WebSocket.
#[derive(Debug)]
pub(super) enum NoUpgrade {
    /// Nobody is there to answer.
    Gone,
    /// Say this, then close.
    Refused(Bytes),
}

/// The whole request must come, and its answer be written, until the deadline.
pub(super) async fn accept(
    worker: &Worker,
    settings: &WebSocket,
    stream: &mut Stream,
    deadline: Instant,
) -> Result<(), NoUpgrade> {
    let asked = timeout_at(deadline, ask(worker, settings, stream)).await;
    let outcomes = &worker.shared.metrics.edge.transport.upgrades;
    match asked.unwrap_or(Ok(Err(Refusal::Timeout))) {
        Ok(Ok(early)) => {
            outcomes.inc(UpgradeOutcome::Accepted);
            stream.begin_frames(early);
            Ok(())
        }
        Ok(Err(refusal)) => {
            tracing::debug!(%refusal, "no WebSocket");
            outcomes.inc(outcome(refusal));
            Err(NoUpgrade::Refused(refusal.response()))
        }
        Err(_) => {
            outcomes.inc(UpgradeOutcome::Gone);
            Err(NoUpgrade::Gone)
        }
    }
}

/// What came behind the request, once that is answered.
async fn ask(
    worker: &Worker,
    settings: &WebSocket,
    stream: &mut Stream,
) -> std::io::Result<Result<Vec<u8>, Refusal>> {
    let mut bytes = Vec::new();
    loop {
        if read_some(worker, stream, &mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match upgrade(&bytes, settings) {
            Ok(None) => {}
            Err(refusal) => return Ok(Err(refusal)),
            Ok(Some(granted)) => {
                stream.write_all(&granted.response).await?;
                stream.flush().await?;
                return Ok(Ok(bytes.split_off(granted.request_bytes)));
            }
        }
    }
}

fn outcome(refusal: Refusal) -> UpgradeOutcome {
    match refusal {
        Refusal::BadRequest(_) => UpgradeOutcome::BadRequest,
        Refusal::Origin => UpgradeOutcome::Origin,
        Refusal::NotFound => UpgradeOutcome::NotFound,
        Refusal::Method => UpgradeOutcome::Method,
        Refusal::Timeout => UpgradeOutcome::Timeout,
        Refusal::UpgradeRequired => UpgradeOutcome::UpgradeRequired,
        Refusal::HeadTooLarge => UpgradeOutcome::HeadTooLarge,
    }
}
