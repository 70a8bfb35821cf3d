//! The paths.

use std::time::Duration;

use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use herdgate_admission::progress::Refusal;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Admin, questions, steering};

/// What Prometheus asks for and gets.
const OPENMETRICS: [(HeaderName, &str); 1] = [(
    header::CONTENT_TYPE,
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
)];

pub(super) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/status", get(status))
        .route("/reopening", get(questions::reopening))
        .route("/census", get(questions::census))
        .route("/explain", get(questions::explain))
        .route("/admission", post(steering::steer))
        .layer(DefaultBodyLimit::max(steering::MAX_BYTES))
        .with_state(admin)
}

/// That this is answered at all is the answer.
async fn live() -> &'static str {
    "ok\n"
}

async fn ready(State(admin): State<Admin>, RawQuery(query): RawQuery) -> Response {
    let ready = admin.readiness.is_ready();
    let code = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if query.is_some_and(|query| {
        query
            .split('&')
            .any(|part| part == "verbose" || part.starts_with("verbose="))
    }) {
        let checks: Value = admin
            .readiness
            .report()
            .into_iter()
            .map(|(name, holds)| (name.to_owned(), json!(holds)))
            .collect();
        return (code, Json(json!({ "ready": ready, "checks": checks }))).into_response();
    }
    (code, if ready { "ok\n" } else { "not ready\n" }).into_response()
}

async fn metrics(State(admin): State<Admin>) -> Response {
    admin
        .metrics
        .process
        .ready
        .set(i64::from(admin.readiness.is_ready()));
    match admin.metrics.encode() {
        Ok(text) => (OPENMETRICS, text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn status(State(admin): State<Admin>) -> Response {
    Json((admin.status)()).into_response()
}

/// Every answer that is an error, but for those of probes.
/// A worker or control that stands still for longer keeps no request open.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What the process answers, or a refusal when it does not in time.
#[allow(
    clippy::result_large_err,
    reason = "an answer is as large as axum makes it, and is made once"
)]
pub(super) async fn in_time<T>(
    within: Duration,
    answer: impl Future<Output = T>,
) -> Result<T, Response> {
    timeout(within, answer).await.map_err(|_| {
        let error = format!(
            "no answer within {} s; what was asked for may yet be done",
            within.as_secs()
        );
        refuse(StatusCode::GATEWAY_TIMEOUT, &error)
    })
}

pub(super) fn refuse(code: StatusCode, error: &str) -> Response {
    let error = error.to_owned();
    (code, Json(Refusal { error })).into_response()
}
