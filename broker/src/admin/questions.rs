//! `/reopening`, `/census` and `/explain`: anybody who reaches the port may ask.

use std::borrow::Cow;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::routes::{ANSWER_WITHIN, in_time, refuse};
use super::{Admin, Subject};

/// Buckets told when nobody says how many.
const USUAL_TOP: usize = 20;
/// Most buckets told; a whole census has as many as there are prefixes.
const MOST_TOP: usize = 1_000;

pub(super) async fn reopening(State(admin): State<Admin>, RawQuery(query): RawQuery) -> Response {
    let per_slice = match parameter(query.as_deref(), "slices").as_deref() {
        None | Some("false") => false,
        Some("true" | "") => true,
        Some(_) => return bad("slices: must be true or false"),
    };
    Json(admin.valve.progress(per_slice)).into_response()
}

pub(super) async fn census(State(admin): State<Admin>, RawQuery(query): RawQuery) -> Response {
    let top = match parameter(query.as_deref(), "top") {
        None => USUAL_TOP,
        Some(text) => match text.parse() {
            Ok(top) if top <= MOST_TOP => top,
            _ => return bad("top: must be a whole number from 0 to 1000"),
        },
    };
    Json(admin.valve.census(top)).into_response()
}

pub(super) async fn explain(State(admin): State<Admin>, RawQuery(query): RawQuery) -> Response {
    let query = query.as_deref();
    let subject = match (parameter(query, "client"), parameter(query, "address")) {
        (Some(client), None) if !client.is_empty() => Subject::Client(client.into_owned()),
        (None, Some(address)) => match address.parse() {
            Ok(address) => Subject::Address(address),
            Err(_) => return bad("address: must be an IP address, such as 198.18.3.7"),
        },
        _ => return bad("either client or address must be given, and not be empty"),
    };
    match in_time(ANSWER_WITHIN, admin.valve.explain(subject)).await {
        Ok(explanation) => Json(explanation).into_response(),
        Err(refusal) => refusal,
    }
}

fn bad(error: &str) -> Response {
    refuse(StatusCode::BAD_REQUEST, error)
}

/// The first of this name, decoded.
fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<Cow<'a, str>> {
    form_urlencoded::parse(query?.as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}
