//! What the backend is asked, and what it may answer.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::auth::{LoginRequest, Refusal};

/// One login, as the body of a request.
#[derive(Clone, Debug)]
pub(in crate::auth) struct Question(Bytes);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    /// Empty: the client asks for one.
    client_id: &'a str,
    username: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    /// Instead of `password` where that is no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    password_base64: Option<String>,
    peer_address: IpAddr,
    listener: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Certificate<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Certificate<'a> {
    common_name: &'a str,
}

/// What the backend says of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Allow,
    Deny,
    /// It does not know the user, and leaves it to others.
    Ignore,
}

/// Fields that a later backend may add mean nothing to us.
#[derive(Deserialize)]
struct Answer {
    result: Verdict,
}

impl Question {
    pub(in crate::auth) fn new(
        user: &str,
        password: &[u8],
        request: &LoginRequest,
    ) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(password).ok();
        let body = Body {
            client_id: &request.client_id,
            username: user,
            password: text,
            password_base64: text.is_none().then(|| STANDARD.encode(password)),
            peer_address: request.peer.ip().to_canonical(),
            listener: &request.listener,
            certificate: request
                .certificate
                .as_deref()
                .map(|name| Certificate { common_name: name }),
        };
        let body = serde_json::to_vec(&body).map_err(|_| Refusal::Unavailable)?;
        Ok(Self(body.into()))
    }

    pub(super) fn into_body(self) -> Bytes {
        self.0
    }
}

impl Verdict {
    /// Of an answer's body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice::<Answer>(body).map(|answer| answer.result)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use serde_json::{Value, json};

    use super::*;

    fn asked(password: &[u8], certificate: Option<&str>) -> Value {
        let request = LoginRequest {
            client_id: "gw-7".to_owned(),
            may_assign_id: true,
            user_name: Some("gw".to_owned()),
            password: Some(password.to_owned()),
            certificate: certificate.map(Into::into),
            listener: "mqtts".into(),
            peer: "[::ffff:198.18.0.1]:1000".parse().expect("address"),
            waiting_since: Instant::now(),
        };
        let question = Question::new("gw", password, &request).expect("a body");
        serde_json::from_slice(&question.into_body()).expect("JSON")
    }

    #[test]
    fn a_login_is_told_whole() {
        assert_eq!(
            asked("pä:ss".as_bytes(), Some("fleet")),
            json!({
                "clientId": "gw-7", "username": "gw", "password": "pä:ss", "peerAddress": "198.18.0.1",
                "listener": "mqtts", "certificate": {"commonName": "fleet"},
            })
        );
        assert_eq!(
            asked(b"\xFF\x00", None),
            json!({
                "clientId": "gw-7", "username": "gw", "passwordBase64": "/wA=", "peerAddress": "198.18.0.1",
                "listener": "mqtts",
            })
        );
        assert_eq!(asked(b"", None)["password"], "");
    }

    #[test]
    fn only_an_answer_is_one() {
        for (body, verdict) in [
            (r#"{"result":"allow"}"#, Some(Verdict::Allow)),
            (r#"{"result":"deny"}"#, Some(Verdict::Deny)),
            (r#" {"result":"ignore","more":[1]} "#, Some(Verdict::Ignore)),
            (r#"{"result":"Allow"}"#, None),
            (r#"{"result":true}"#, None),
            (r#"{"result":"allow"} x"#, None),
            (r#"{"result":"deny","result":"allow"}"#, None),
            (r#""allow""#, None),
            ("{}", None),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(Verdict::parse(body.as_bytes()).ok(), verdict, "{body}");
        }
    }
}
