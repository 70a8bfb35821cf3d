//! One request to the backend and its answer, however that turns out.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::timeout;

use super::{Question, Verdict};
use crate::config::HttpBackend;
use crate::metrics::BackendOutcome;

/// A verdict has some twenty; whatever says more is no backend of ours. Of headers and of the body.
const MOST_ANSWER: usize = 64 * 1024;
/// Shorter than servers and balancers keep a connection that says nothing: they would close it under a request.
const IDLE: Duration = Duration::from_secs(20);
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The backend has said nothing of the login.
#[derive(Debug, thiserror::Error)]
pub(super) enum BackendError {
    #[error("failed to hear the backend within {0:?}")]
    Timeout(Duration),
    #[error("failed to ask the backend")]
    Unreachable(#[source] legacy::Error),
    #[error("failed to take the backend's answer: its status is {}, not 200", .0.as_u16())]
    Status(StatusCode),
    #[error("failed to take the backend's answer: it has more than {MOST_ANSWER} bytes")]
    TooLarge,
    #[error("failed to read the backend's answer to its end")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("failed to take the backend's answer")]
    NoVerdict(#[source] serde_json::Error),
}

impl BackendError {
    /// As metrics name it.
    pub(super) fn outcome(&self) -> BackendOutcome {
        match self {
            Self::Timeout(_) => BackendOutcome::Timeout,
            Self::Unreachable(_) => BackendOutcome::Unreachable,
            Self::Status(_) => BackendOutcome::Status,
            Self::TooLarge | Self::Broken(_) | Self::NoVerdict(_) => BackendOutcome::Garbage,
        }
    }
}

/// Keeps connections for the next request. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    authorization: Option<HeaderValue>,
    timeout: Duration,
}

impl Client {
    pub(super) fn new(
        settings: &HttpBackend,
        tls: ClientConfig,
        authorization: Option<HeaderValue>,
    ) -> Self {
        let mut connector = HttpConnector::new();
        // which scheme it is was decided by the URL
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(settings.timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(settings.concurrency.get())
            .http1_max_buf_size(MOST_ANSWER)
            .build(connector);
        Self {
            http,
            url: settings.url.uri().clone(),
            authorization,
            timeout: settings.timeout,
        }
    }

    /// Within the timeout, connecting included.
    pub(super) async fn ask(&self, question: Question) -> Result<Verdict, BackendError> {
        timeout(self.timeout, self.exchange(question))
            .await
            .unwrap_or(Err(BackendError::Timeout(self.timeout)))
    }

    async fn exchange(&self, question: Question) -> Result<Verdict, BackendError> {
        let mut request = Request::new(Full::new(question.into_body()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.url.clone();
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        request.headers_mut().insert(ACCEPT, JSON);
        if let Some(authorization) = &self.authorization {
            let shown = authorization.clone();
            request.headers_mut().insert(AUTHORIZATION, shown);
        }
        let answer = self.http.request(request).await;
        let answer = answer.map_err(BackendError::Unreachable)?;
        if answer.status() != StatusCode::OK {
            return Err(BackendError::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), MOST_ANSWER)
            .collect()
            .await;
        let body = body.map_err(unread)?.to_bytes();
        Verdict::parse(&body).map_err(BackendError::NoVerdict)
    }
}

fn unread(error: Box<dyn std::error::Error + Send + Sync>) -> BackendError {
    if error.is::<LengthLimitError>() {
        BackendError::TooLarge
    } else {
        BackendError::Broken(error)
    }
}
