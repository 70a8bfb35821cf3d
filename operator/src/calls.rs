//! Every request to the API server goes through here: bounded in time, counted.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::metrics::CallLabels;

/// Longest wait for one answer, the client's own retries included. The API server ends slower requests by itself
/// only after a minute, which would hold up all other work on the object.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("failed to {verb} {kind} within {} s", CALL_TIMEOUT.as_secs())]
    Timeout {
        verb: &'static str,
        kind: &'static str,
    },
    #[error("failed to {verb} {kind}: {}", text(source))]
    Kube {
        verb: &'static str,
        kind: &'static str,
        source: Box<kube::Error>,
    },
}

/// The API server's own words where there are any; the rest of its answer says them again.
fn text(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

impl CallError {
    /// The API server's verdict, when it gave one.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Kube { source, .. } => match source.as_ref() {
                kube::Error::Api(status) => Some(status.code),
                _ => None,
            },
            Self::Timeout { .. } => None,
        }
    }

    pub(crate) fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    pub(crate) fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// The request itself is at fault: the same one fails again.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.code(), Some(400 | 403 | 405 | 413 | 422))
    }
}

#[derive(Clone)]
pub(crate) struct Calls(Family<CallLabels, Counter>);

impl Calls {
    pub(crate) fn new(counts: Family<CallLabels, Counter>) -> Self {
        Self(counts)
    }

    pub(crate) async fn run<T>(
        &self,
        verb: &'static str,
        kind: &'static str,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, CallError> {
        let answer = tokio::time::timeout(CALL_TIMEOUT, call).await;
        let (outcome, result) = match answer {
            Ok(Ok(value)) => ("ok", Ok(value)),
            Ok(Err(source)) => (
                "error",
                Err(CallError::Kube {
                    verb,
                    kind,
                    source: Box::new(source),
                }),
            ),
            Err(_) => ("timeout", Err(CallError::Timeout { verb, kind })),
        };
        self.0
            .get_or_create(&CallLabels {
                verb,
                kind,
                outcome,
            })
            .inc();
        result
    }
}
