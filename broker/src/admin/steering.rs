//! `POST /admission`: changes how a reopening goes, for whoever knows the token.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use herdgate_admission::progress::Steer;
use herdgate_admission::steering::NotSteered;

use super::Admin;
use super::routes::{ANSWER_WITHIN, in_time, refuse};

/// Longest request; the longest that makes sense has 40 bytes.
pub(super) const MAX_BYTES: usize = 1024;

pub(super) async fn steer(State(admin): State<Admin>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(refusal) = authorize(&admin, &headers) {
        return refusal;
    }
    let steer: Steer = match serde_json::from_slice(&body) {
        Ok(steer) => steer,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &format!("the request: {error}")),
    };
    let action = steer.action.word();
    let answer = match in_time(ANSWER_WITHIN, admin.valve.steer(steer)).await {
        Ok(answer) => answer,
        Err(refusal) => return refusal,
    };
    match answer {
        Ok(steered) => {
            tracing::info!(
                action,
                reopening = steered.reopening,
                revision = steered.revision,
                "reopening steered by hand"
            );
            (StatusCode::ACCEPTED, Json(steered)).into_response()
        }
        Err(error @ NotSteered::Field { .. }) => {
            refuse(StatusCode::BAD_REQUEST, &error.to_string())
        }
        Err(error @ NotSteered::NotNow { .. }) => refuse(StatusCode::CONFLICT, &error.to_string()),
    }
}

#[allow(
    clippy::result_large_err,
    reason = "an answer is as large as axum makes it, and is made once"
)]
fn authorize(admin: &Admin, headers: &HeaderMap) -> Result<(), Response> {
    let Some(token) = &admin.token else {
        let error = "nobody may change anything here: admin.tokenFile is not set";
        return Err(refuse(StatusCode::FORBIDDEN, error));
    };
    let shown = headers.get(header::AUTHORIZATION);
    let shown = shown.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    match shown {
        Some(shown) if token.matches(shown) => Ok(()),
        Some(_) => Err(unauthorized("the token is not the one of admin.tokenFile")),
        None => Err(unauthorized(
            "a header `Authorization: Bearer TOKEN` is needed, with the token of admin.tokenFile",
        )),
    }
}

fn unauthorized(error: &str) -> Response {
    let mut response = refuse(StatusCode::UNAUTHORIZED, error);
    let scheme = header::HeaderValue::from_static("Bearer");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, scheme);
    response
}
